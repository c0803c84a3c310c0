"""Threat 10: a session token that was planted before the login is dead after it."""

from conftest_webchat import Browser
from frontdesk.demo.organization import LIN, ZHANG


async def test_s10_a_planted_visitors_token_is_dead_after_the_login(shop, client):
    """Whoever put it into the browser of the victim sees nothing of what the victim does there."""
    attacker = Browser(client, shop.inbox)
    await attacker.ask("How can I pay?", key="s10-planted")
    victim = Browser(client, shop.inbox, attacker.token)
    await victim.open(await shop.sign(ZHANG))
    assert victim.token != attacker.token
    await victim.ask("What are your opening hours?", key="s10-private")
    for path in ("messages", "events"):
        conversation = (await victim.open(await shop.sign(ZHANG))).json()["conversation"]["id"]
        url = attacker.url(f"conversations/{conversation}/{path}")
        assert (await client.get(url, headers=attacker.headers)).status_code == 401
    assert (await attacker.post("Hello?", key="s10-planted")).status_code == 401
    opened = (await attacker.open()).json()
    assert (opened["sessionToken"], opened["conversations"]) == (None, [])


async def test_s10_every_proof_gives_another_token(shop, client):
    """A renewal, another person, and the next login each end what was good before."""
    browser = Browser(client, shop.inbox)
    tokens = []
    for person in (ZHANG, ZHANG, LIN, ZHANG):
        await browser.open(await shop.sign(person))
        tokens.append(browser.token)
    assert len(set(tokens)) == 4
    for token in tokens[:-1]:
        assert (await Browser(client, shop.inbox, token).post("Hi", key="s10-conversation")).status_code == 401
