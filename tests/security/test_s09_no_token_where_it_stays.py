"""Threat 9: no token in logs, addresses or referrers. In a browser: tests/e2e/test_s09_s11_hostile_pages.py."""

from fastapi.routing import APIRoute, iter_route_contexts

from frontdesk.demo.organization import ZHANG


async def test_s09_nothing_of_it_is_logged(shop, browser, capfd):
    """Neither the proof nor the session, when all goes well, when it is refused, and when the session has ended."""
    token = await shop.sign(ZHANG)
    await browser.open(token)
    await browser.ask("How can I pay?", key="s09-conversation")
    session = browser.token
    await browser.open(token + "x")
    await browser.client.post(browser.url("logout"), headers=browser.headers)
    await browser.post("Hi", key="s09-conversation")
    out, err = capfd.readouterr()
    for secret in (token, token.split(".")[1], session, session.rsplit("_", 1)[1]):
        assert secret not in out + err


async def test_s09_no_route_of_the_chat_takes_a_token_in_its_address(app, shop, browser):
    """Not as a parameter that is declared, nor as one that is not."""
    for route in iter_route_contexts(app.routes):
        original = route.original_route
        if isinstance(original, APIRoute) and route.path_format.startswith(("/webchat", "/chat")):
            names = {parameter.name.lower() for parameter in original.dependant.query_params}
            assert not any(word in name for name in names for word in ("token", "session", "auth", "key"))
    await browser.open(await shop.sign(ZHANG))
    await browser.ask("How can I pay?", key="s09-address")
    conversation = (await browser.open(await shop.sign(ZHANG))).json()["conversation"]["id"]
    url = browser.url(f"conversations/{conversation}/messages")
    for name in ("token", "sessionToken", "authorization", "access_token"):
        assert (await browser.client.get(url, params={name: browser.token})).status_code == 401


async def test_s09_the_frame_sends_no_referrer(client, shop):
    """And neither do the pages of the console."""
    for path in (f"/chat/{shop.inbox.public_id}", "/console/sign-in"):
        response = await client.get(path)
        assert response.headers["referrer-policy"] in {"no-referrer", "same-origin", "strict-origin"}
