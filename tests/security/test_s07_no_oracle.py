"""Threat 7: another client-side id gives a new empty session, and tells nothing of whether an id exists."""

from uuid import uuid4

from conftest_webchat import Browser
from frontdesk.core.ids import OrganizationId
from frontdesk.core.secrets import issue_secret


async def test_s07_a_changed_session_token_opens_as_nobody(shop, browser, client):
    """One letter off, of another organization, of another kind, or anything at all: the same answer, byte for byte."""
    await browser.ask("How can I pay?", key="s07-conversation")
    swapped = browser.token[:-1] + ("A" if browser.token[-1] != "A" else "B")
    elsewhere = issue_secret("chat", OrganizationId(uuid4())).text
    forged = [swapped, elsewhere, issue_secret("key", shop.organization_id).text, "x", "é", "null", "0"]
    fresh = (await Browser(client, shop.inbox).open()).json()
    for token in forged:
        opened = await Browser(client, shop.inbox, token).open() if token.isascii() else None
        assert opened is None or opened.json() == fresh
    assert fresh["conversations"] == []


async def test_s07_an_id_that_exists_looks_like_one_that_does_not(shop, browser, other_browser):
    """Of a conversation of somebody else: same status, same words, same headers but for the request's number."""
    await browser.ask("How can I pay?", key="s07-mine")
    theirs = (await browser.open()).json()["conversation"]["id"]
    await other_browser.start()
    for path in ("messages", "events"):
        answers = []
        for conversation in (theirs, str(uuid4())):
            url = other_browser.url(f"conversations/{conversation}/{path}")
            response = await other_browser.client.get(url, headers=other_browser.headers)
            body = response.json()
            body.pop("instance")
            answers.append((response.status_code, body, sorted(response.headers)))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404


async def test_s07_a_key_that_a_browser_chooses_is_its_own(browser, other_browser):
    """The conversation key of somebody else begins an empty conversation."""
    await browser.ask("How can I pay?", key="s07-chosen-key")
    await other_browser.ask("What are your opening hours?", key="s07-chosen-key")
    opened = (await other_browser.open()).json()
    assert [m["content"] for m in opened["conversation"]["messages"] if m["type"] == "incoming"] == [
        "What are your opening hours?"
    ]
