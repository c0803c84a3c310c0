"""Story 9: Source ID with care."""

from uuid import uuid4

from playwright.async_api import Browser, expect

from e2e_shop import ask, composer, enter
from frontdesk.channels.queries import find_inbox_by_public_id
from frontdesk.demo.organization import Person
from frontdesk.demo.shop import sign_token
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.queries import find_owners


async def contact_of(desk, source_id: str) -> object:
    async with desk.services.db.begin(desk.organization_id) as tx:
        inbox = await find_inbox_by_public_id(tx, desk.public_id)
        key = IdentityKey(inbox.realm_id, source_id)
        return (await find_owners(tx, [key])).get(key)


async def test_story_09_a_source_id_is_corrected(desk, visitor, staff, chromium: Browser):
    """The warning stands before the save; the open session ends; the old id's rightful owner is somebody else."""
    old, new = f"M-9{uuid4().hex[:6]}", f"M-8{uuid4().hex[:6]}"
    person = Person(old, f"Mei {old}", f"{old.lower()}@example.com", ())
    frame = await enter(visitor, desk.url)
    await visitor.evaluate("token => Frontdesk.identify(token)", await sign_token(desk.services, person))
    await expect(frame.get_by_text("Signed in as")).to_contain_text("Mei")
    await ask(frame, "How can I pay?")
    contact = await contact_of(desk, old)

    await staff.goto(f"{desk.url}/console/contacts/{contact}")
    await staff.get_by_role("link", name="Edit").click()
    await staff.locator("input[name=source_id]").fill(new)
    warning = staff.get_by_text("The link to your member system depends on this ID.")
    await expect(warning).to_be_visible()
    await expect(staff.locator("#source-id-notice")).to_contain_text("1 open session of this contact ends now.")
    assert await contact_of(desk, old) == contact
    await staff.get_by_label("I checked the ID in the member system").check()
    await staff.locator("#drawer footer button.btn-primary, #drawer footer button.is-danger").last.click()
    await expect(staff.locator(".fd-head")).to_contain_text(new)
    assert (await contact_of(desk, old), await contact_of(desk, new)) == (None, contact)

    await composer(frame).fill("Am I still here?")
    await composer(frame).press("Enter")
    await expect(frame.get_by_text("The earlier session has ended.")).to_be_visible()
    await expect(frame.locator("header")).not_to_contain_text("Mei")
    await expect(composer(frame)).to_have_value("Am I still here?")

    context = await chromium.new_context(locale="en-GB")
    page = await context.new_page()
    rightful = await enter(page, desk.url)
    owner = Person(old, f"Rightful {old}", f"rightful-{old.lower()}@example.com", ())
    await page.evaluate("token => Frontdesk.identify(token)", await sign_token(desk.services, owner))
    await expect(rightful.get_by_text("Signed in as")).to_contain_text("Rightful")
    await expect(rightful.locator(".thread .bubble.own")).to_have_count(0)
    assert await contact_of(desk, old) not in (None, contact)
    await context.close()
