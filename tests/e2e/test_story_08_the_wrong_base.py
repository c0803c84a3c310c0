"""Story 8: a member gives somebody of one platform a knowledge base of another platform's assistant."""

import json
from uuid import uuid4

from playwright.async_api import Page, expect

from e2e_shop import ask, enter
from frontdesk.access.model import Assurance
from frontdesk.answers.trying import try_question
from frontdesk.channels.model import Inbox
from frontdesk.channels.queries import list_inboxes
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.model import Contact, Provenance
from frontdesk.contacts.queries import find_contact
from frontdesk.core.ids import ContactId
from frontdesk.demo.content import DEALER, SHOP
from frontdesk.demo.organization import Person
from frontdesk.demo.shop import sign_token
from frontdesk.identities.source_ids import set_source_id
from frontdesk.knowledge.queries import list_bases
from frontdesk.organizations.model import system_caller

QUESTION = "經銷商如何訂購零件？"  # of the dealers' assistant
WARNING = "No assistant of these platforms has this knowledge base."


async def make_person(desk, name: str, inbox_ids: list) -> tuple[ContactId, Person]:
    person = Person(f"S8-{uuid4().hex[:6]}", name, f"{uuid4().hex[:8]}@example.com", ())
    async with desk.services.db.begin(desk.organization_id) as tx:
        caller = system_caller(desk.organization_id)
        fields = {"name": name}
        contact = await create_contact(tx, caller, fields=fields, inbox_ids=inbox_ids, provenance=Provenance.API)
        await set_source_id(tx, caller, contact.id, person.source_id)
    return contact.id, person


async def load(desk) -> tuple[dict[str, Inbox], dict[str, str]]:
    """The platforms and knowledge bases by name."""
    async with desk.services.db.begin(desk.organization_id) as tx:
        inboxes, _ = await list_inboxes(tx, None)
        bases, _ = await list_bases(tx, limit=100, offset=0)
    return {one.name: one for one in inboxes}, {one.settings.name: str(one.id) for one in bases}


async def count_read(desk, contact_id: ContactId, inbox: Inbox) -> int:
    """How many documents the answering path may use for the contact there."""
    async with desk.services.db.begin(desk.organization_id) as tx:
        contact: Contact = await find_contact(tx, contact_id)
    trial = await try_question(
        desk.services, desk.organization_id, contact=contact, inbox=inbox, assurance=Assurance.SIGNED, question=QUESTION
    )
    return trial.draft.permitted_count


async def open_builder(staff: Page, url: str, contact_id: ContactId) -> None:
    await staff.goto(f"{url}/console/contacts/{contact_id}/access/conditions")
    await expect(staff.locator("[data-builder]")).to_be_visible()


async def test_story_08_the_wrong_base(desk, visitor, staff):
    """Saved with a visible warning; it opens nothing; the builder does not offer it, unless the person is there as well."""
    inboxes, bases = await load(desk)
    shop, dealers = inboxes["Shop web chat"], inboxes["Dealer web chat"]
    contact_id, person = await make_person(desk, "Ms. Ho of the shop", [shop.id])
    both_id, _ = await make_person(desk, "Mr. Ko of both", [shop.id, dealers.id])
    written = json.dumps({"knowledge_bases": [{"knowledge_base_id": bases[DEALER], "has_user_selected_all": True}]})

    await open_builder(staff, desk.url, contact_id)
    tree = staff.locator(".fd-tree")
    await expect(tree).to_contain_text(SHOP)
    await expect(tree).not_to_contain_text(DEALER)
    await staff.get_by_label("Conditions as JSON").fill(written)
    await expect(staff.locator("#builder-preview")).to_contain_text(WARNING)
    await staff.get_by_role("button", name="Save").click()
    await staff.wait_for_url("**/access")
    await expect(staff.get_by_text(WARNING).first).to_be_visible()
    assert await count_read(desk, contact_id, shop) == 0

    frame = await enter(visitor, desk.url)
    await visitor.evaluate("token => Frontdesk.identify(token)", await sign_token(desk.services, person))
    await expect(frame.get_by_text("Signed in as")).to_contain_text("Ms. Ho")
    assert "清淨機序號" not in await ask(frame, QUESTION)

    await open_builder(staff, desk.url, both_id)
    await expect(tree).to_contain_text(DEALER)
    await staff.get_by_label("Conditions as JSON").fill(written)
    await expect(staff.locator("#builder-preview table")).to_contain_text(DEALER)
    await expect(staff.locator("#builder-preview")).not_to_contain_text(WARNING)
    await staff.get_by_role("button", name="Save").click()
    await staff.wait_for_url("**/access")
    assert await count_read(desk, both_id, shop) == 0
    assert await count_read(desk, both_id, dealers) > 0
