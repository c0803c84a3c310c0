"""Signing in and out of the chat: what each person in a browser sees, and what nobody else does."""

import pytest
from playwright.async_api import Browser, FrameLocator, Page, expect

from e2e_shop import ask, begin_anew, composer, count_contacts, enter
from frontdesk.channels import actions as channels
from frontdesk.channels import queries
from frontdesk.channels.model import OnLogin
from frontdesk.demo.organization import LIN, ZHANG
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.queries import find_owners
from frontdesk.organizations.model import system_caller

HOURS = "What are your opening hours?"
PAY = "How can I pay?"


async def contact_of(desk, person) -> object:
    async with desk.services.db.begin(desk.organization_id) as tx:
        inbox = await queries.find_inbox_by_public_id(tx, desk.public_id)
        key = IdentityKey(inbox.realm_id, person.source_id)
        return (await find_owners(tx, [key])).get(key)


async def set_on_login(desk, on_login: OnLogin) -> None:
    async with desk.services.db.begin(desk.organization_id) as tx:
        inbox = await queries.find_inbox_by_public_id(tx, desk.public_id)
        await channels.update_inbox(tx, system_caller(desk.organization_id), inbox.id, {"on_login": on_login})


@pytest.fixture
async def separate(desk):
    await set_on_login(desk, OnLogin.SEPARATE)
    yield
    await set_on_login(desk, OnLogin.MERGE)


def own(frame: FrameLocator):
    return frame.locator(".thread .bubble.own")


def signed_in(frame: FrameLocator, name: str):
    return frame.locator("header", has_text="Signed in as").get_by_text(name)


async def kept(page: Page, desk) -> str | None:
    """The session token in the frame's storage."""
    (frame,) = [frame for frame in page.frames if "/chat/" in frame.url]
    return await frame.evaluate(f"localStorage.getItem('frontdesk.{desk.public_id}.session')")


async def test_who_signs_in_joins_the_visitor_or_leaves_them_alone(desk, visitor, separate):
    """With `separate` the conversation stays with the anonymous contact; story 7 shows `merge`."""
    frame = await enter(visitor, desk.url)
    await ask(frame, HOURS)
    before = await count_contacts(desk.services, desk.organization_id)
    zhang = await contact_of(desk, ZHANG)
    await visitor.click("[data-person=zhang]")
    await expect(signed_in(frame, "Zhang Weimin")).to_be_visible()
    async with desk.services.db.begin(desk.organization_id) as tx:
        owner = await tx.fetch_value("SELECT contact_id FROM conversations ORDER BY id DESC LIMIT 1")
        folded = await tx.fetch_value("SELECT count(*) FROM merged_contacts WHERE contact_id = %(id)s", {"id": owner})
    assert (owner != zhang, folded) == (True, 0)
    assert await count_contacts(desk.services, desk.organization_id) == before


async def test_two_people_on_one_browser_and_nobody_after_them(desk, visitor):
    """A, then B, then nobody: each sees their own, and after logging out nothing is left in the browser or good there."""
    frame = await enter(visitor, desk.url, person="zhang")
    await begin_anew(frame)
    await ask(frame, f"{PAY} asks Zhang")
    of_zhang = await kept(visitor, desk)
    await visitor.click("[data-person=lin]")
    await expect(signed_in(frame, "Lin Chia-ying")).to_be_visible()
    await expect(frame.get_by_text("asks Zhang")).to_have_count(0)
    await begin_anew(frame)
    await ask(frame, f"{PAY} asks Lin")
    of_lin = await kept(visitor, desk)
    await visitor.click("[data-person=zhang]")
    await expect(own(frame).last).to_contain_text("asks Zhang")
    await expect(frame.get_by_text("asks Lin")).to_have_count(0)
    of_zhang_again = await kept(visitor, desk)
    assert len({of_zhang, of_lin, of_zhang_again}) == 3

    await visitor.click("[data-signed]:not([hidden])")
    await expect(frame.locator("header")).to_contain_text("AI assistant")
    await expect(composer(frame)).to_be_editable()
    await expect(own(frame)).to_have_count(0)
    assert await kept(visitor, desk) is None
    for token in (of_zhang, of_lin, of_zhang_again):
        answer = await visitor.request.post(
            f"{desk.url}/webchat/{desk.public_id}/open", headers={"Authorization": f"Bearer {token}"}, data={}
        )
        assert (await answer.json())["conversations"] == []


async def test_an_hour_after_the_proof(desk, visitor):
    """A page that still knows who is there proves them anew, unseen; one that does not stops until they sign in again."""
    frame = await enter(visitor, desk.url, person="zhang")
    await begin_anew(frame)
    await ask(frame, HOURS)

    async def let_the_hour_pass() -> None:
        async with desk.services.db.begin(desk.organization_id) as tx:
            await tx.execute("UPDATE chat_sessions SET proven_until = now() WHERE proven_until IS NOT NULL")

    await let_the_hour_pass()
    assert await ask(frame, PAY)
    await expect(own(frame)).to_have_count(2)

    await let_the_hour_pass()
    person = await visitor.evaluate("sessionStorage.getItem('northlight.person')")
    await visitor.evaluate("sessionStorage.clear()")
    await composer(frame).fill("Do you still know me?")
    await composer(frame).press("Enter")
    await expect(frame.get_by_text("Please sign in again")).to_be_visible()
    await expect(composer(frame)).to_have_value("Do you still know me?")
    await expect(own(frame)).to_have_count(2)
    await visitor.evaluate("person => sessionStorage.setItem('northlight.person', person)", person)
    await frame.get_by_role("button", name="Sign in again").click()
    await expect(frame.get_by_text("Please sign in again")).to_be_hidden()
    await composer(frame).press("Enter")
    await expect(own(frame)).to_have_count(3)


async def test_a_page_that_proves_nobody_shows_nobody(desk, visitor, chromium: Browser):
    """The same browser without a proof shows a stranger's chat; with it, on another device too, the history is there."""
    frame = await enter(visitor, desk.url, person="zhang")
    await begin_anew(frame)
    await ask(frame, f"{HOURS} On this device?")
    await visitor.evaluate("sessionStorage.clear()")
    frame = await enter(visitor, desk.url)
    await expect(frame.locator("header")).to_contain_text("AI assistant")
    await expect(own(frame)).to_have_count(0)
    frame = await enter(visitor, desk.url, person="zhang")
    await expect(own(frame).last).to_contain_text("On this device?")
    context = await chromium.new_context(locale="en-GB")
    elsewhere = await enter(await context.new_page(), desk.url, person="zhang")
    await expect(own(elsewhere).last).to_contain_text("On this device?")
    await context.close()


async def test_a_token_that_was_taken_from_the_page_is_worth_nothing_elsewhere(desk, visitor):
    """The chat's own window made the nonce, and only it has the verifier; whoever sends the token without is refused."""
    sent: list[dict] = []
    visitor.on(
        "request", lambda request: sent.append(request.post_data_json) if request.url.endswith("/open") else None
    )
    frame = await enter(visitor, desk.url, person="lin")
    await expect(signed_in(frame, LIN.name)).to_be_visible()
    proofs = [body for body in sent if body.get("identityToken")]
    for change in ({"identityVerifier": None}, {"identityVerifier": "A" * 43}):
        answer = await visitor.request.post(
            f"{desk.url}/webchat/{desk.public_id}/open", data=proofs[-1] | change, headers={"Origin": desk.url}
        )
        assert answer.status == 401
    async with desk.services.db.begin(desk.organization_id) as tx:
        reasons = await tx.fetch("SELECT reason FROM proof_failures ORDER BY id DESC LIMIT 2")
    assert reasons == [("nonce_mismatch",)] * 2
