"""What erasing means for the person, for those who would bring them back, and for two who erase at once."""

import asyncio
import json
from dataclasses import replace
from uuid import UUID

import httpx
import pytest
from tests.conftest import make_key
from tests.lifecycle.importing_desk import Desk
from tests.making import make_inbox, member

from frontdesk.access.model import Assurance
from frontdesk.answers.actions import answer
from frontdesk.channels.model import Inbox
from frontdesk.channels.queries import get_default_realm
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.model import CardFields, Provenance
from frontdesk.conversations.actions import receive_message
from frontdesk.conversations.model import Incoming
from frontdesk.conversations.queries import claim_lease, insert_conversation, list_messages
from frontdesk.core.db import Database, Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ContactId, ConversationId, OrganizationId, new_id
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.erasing import erase_person
from frontdesk.identities.actions import find_or_create
from frontdesk.identities.blocks import block_contact, find_blocked
from frontdesk.identities.deletion import delete_contact
from frontdesk.identities.errors import ContactMerged
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.selecting import Selection
from frontdesk.identities.source_ids import set_source_id
from frontdesk.lifecycle.bulk_edits import start_bulk_edit
from frontdesk.lifecycle.bulk_model import BulkChange, BulkKind
from frontdesk.lifecycle.bulk_queries import claim_row
from frontdesk.lifecycle.erasing import Mode, erase_contact, get_erasure, is_authentic, on_contact_erased
from frontdesk.lifecycle.errors import MergeSealed
from frontdesk.lifecycle.export_queries import finish_export, get_export
from frontdesk.lifecycle.exporting import start_export
from frontdesk.lifecycle.import_ledger import lock_contacts
from frontdesk.lifecycle.import_queries import lock_import
from frontdesk.lifecycle.merging import merge_contacts
from frontdesk.lifecycle.receipt_queries import find_erasure
from frontdesk.lifecycle.undoing import undo_merge
from frontdesk.organizations.audit import list_audit
from frontdesk.organizations.model import Caller, Right

CARD = CardFields(
    name="Wei Zhang", emails=["wei@example.com"], phones=["+886912345678"], attributes={"car": "Volvo V60"}
)
SAID = (
    "I am Wei Zhang (wei ZHANG!), call 0912-345-678 or WEI@example.com about the volvo v60, number M-77. Weird, is it?"
)


@pytest.fixture
async def inbox(db: Database, owner: Caller) -> Inbox:
    async with db.begin(owner.organization_id) as tx:
        return await make_inbox(tx, owner)


async def make_person(tx: Tx, owner: Caller, inbox: Inbox, source_id: str = "M-77") -> tuple[ContactId, ConversationId]:
    card = await create_contact(tx, owner, fields=CARD, inbox_ids=[inbox.id], provenance=Provenance.API)
    await set_source_id(tx, owner, card.id, source_id)
    conversation = await insert_conversation(tx, card.id, inbox.id, now=utc_now())
    await receive_message(tx, conversation, Incoming(SAID, card.id, Assurance.SIGNED), now=utc_now())
    return card.id, conversation.id


async def test_personal_mode_keeps_what_was_said_without_who_said_it(
    services: Services, organization: OrganizationId, owner: Caller, inbox: Inbox
):
    """Names, addresses, ids and attribute texts are taken out as people write them; other words stay."""
    async with services.db.begin(organization) as tx:
        contact, conversation = await make_person(tx, owner, inbox)
        await erase_contact(tx, services.cipher, owner, contact, Mode.PERSONAL)
        (message,) = await list_messages(tx, conversation)
    gone = "[erased]"
    assert (
        message.content
        == f"I am {gone} ({gone}!), call {gone} or {gone} about the {gone}, number {gone}. Weird, is it?"
    )


async def test_a_receipt_holds_until_a_letter_is_changed(tx: Tx, services: Services, owner: Caller, inbox: Inbox):
    """The signature covers all of the receipt, which names nobody."""
    contact, _ = await make_person(tx, owner, inbox)
    erasure = await erase_contact(tx, services.cipher, owner, contact, Mode.ALL)
    stored = await get_erasure(tx, owner, erasure.id)
    assert is_authentic(services.cipher, stored)
    assert not is_authentic(services.cipher, replace(stored, receipt={**stored.receipt, "contacts": 2}))
    text = json.dumps(stored.receipt)
    assert not [word for word in ("Zhang", "wei@", "912345", "912-345", "M-77", "Volvo") if word in text]
    assert stored.receipt["tables"]["messages"] == {"deleted": 1}
    assert stored.receipt["tombstones"] == 3


async def test_erasing_again_gives_the_same_receipt(tx: Tx, services: Services, owner: Caller, inbox: Inbox):
    """It is safe to repeat; a stranger to it learns nothing."""
    contact, _ = await make_person(tx, owner, inbox)
    first = await erase_contact(tx, services.cipher, owner, contact, Mode.ALL)
    again = await erase_contact(tx, services.cipher, owner, contact, Mode.ALL)
    assert first.id == again.id
    limited = member(owner, inboxes={inbox.id})
    for caller in (limited, member(owner, inboxes=set())):
        with pytest.raises(NotFound):
            await erase_contact(tx, services.cipher, caller, contact, Mode.ALL)
        with pytest.raises(NotFound):
            await get_erasure(tx, caller, first.id)


async def test_two_who_erase_at_once_erase_once(
    services: Services, organization: OrganizationId, owner: Caller, inbox: Inbox
):
    """The second waits, and is given the receipt of the first."""
    async with services.db.begin(organization) as tx:
        contact, _ = await make_person(tx, owner, inbox)

    async def erase() -> UUID:
        async with services.db.begin(organization) as tx:
            return (await erase_contact(tx, services.cipher, owner, contact, Mode.ALL)).id

    assert len(set(await asyncio.gather(*(erase() for _ in range(4))))) == 1


async def test_only_who_sees_the_contact_erases_it(tx: Tx, services: Services, owner: Caller, inbox: Inbox):
    """Neither another inbox's member nor one without the right."""
    contact, _ = await make_person(tx, owner, inbox)
    other = await make_inbox(tx, owner, "Other")
    for caller in (member(owner, inboxes={other.id}), member(owner, Right.CONTACTS_VIEW)):
        with pytest.raises(NotFound):
            await erase_contact(tx, services.cipher, caller, contact, Mode.ALL)


async def test_a_deleted_contact_is_erased_and_never_restored(tx: Tx, services: Services, owner: Caller, inbox: Inbox):
    """Also the source ids that deletion had set aside are remembered as erased."""
    contact, _ = await make_person(tx, owner, inbox)
    await delete_contact(tx, owner, contact)
    erasure = await erase_contact(tx, services.cipher, owner, contact, Mode.ALL)
    assert erasure.receipt["tombstones"] == 3


async def test_whoever_was_merged_into_the_person_goes_too(tx: Tx, services: Services, owner: Caller, inbox: Inbox):
    """The survivor is erased with all others; a merged id alone is refused."""
    contact, _ = await make_person(tx, owner, inbox)
    other, _ = await make_person(tx, owner, inbox, "M-78")
    await merge_contacts(tx, owner, contact, [other], choices={})
    with pytest.raises(ContactMerged):
        await erase_contact(tx, services.cipher, owner, other, Mode.ALL)
    erasure = await erase_contact(tx, services.cipher, owner, contact, Mode.ALL)
    assert erasure.receipt["contacts"] == 2
    assert await tx.fetch_value("SELECT count(*) FROM contacts") == 0


async def test_a_merge_is_not_undone_after_an_erasure(tx: Tx, services: Services, owner: Caller, inbox: Inbox):
    """Also when only the personal data went: the ledger no longer knows what it was."""
    contact, _ = await make_person(tx, owner, inbox)
    other, _ = await make_person(tx, owner, inbox, "M-78")
    merged = await merge_contacts(tx, owner, contact, [other], choices={})
    await erase_contact(tx, services.cipher, owner, contact, Mode.PERSONAL)
    with pytest.raises(MergeSealed):
        await undo_merge(tx, owner, merged.merge_id)


async def test_a_running_answer_is_not_stored(
    services: Services, organization: OrganizationId, owner: Caller, inbox: Inbox
):
    """Whoever is answering finds the conversation gone, and stops without a fault."""
    async with services.db.begin(organization) as tx:
        contact, conversation = await make_person(tx, owner, inbox)
        holder = new_id()
        assert await claim_lease(tx, conversation, holder, utc_now())
    running = answer(services, organization, conversation, holder)
    await anext(running)
    async with services.db.begin(organization) as tx:
        await erase_contact(tx, services.cipher, owner, contact, Mode.ALL)
    assert [event async for event in running if hasattr(event, "message_id")] == []
    async with services.db.begin(organization) as tx:
        assert await tx.fetch_value("SELECT count(*) FROM messages") == 0


async def test_a_worker_that_died_is_followed_by_another(
    services: Services, organization: OrganizationId, owner: Caller, inbox: Inbox
):
    """The job deletes files and completes the receipt, however often it starts and wherever it was killed."""
    async with services.db.begin(organization) as tx:
        contact, conversation = await make_person(tx, owner, inbox)
        keys = [f"{organization}/uploads/{new_id()}" for _ in range(2)]
        await tx.execute_many(
            """
            INSERT INTO attachments (organization_id, id, caller, conversation_id, filename, file_key, media_type,
                                     size_bytes, created_at)
            VALUES (%(organization)s, %(id)s, 'x', %(conversation)s, 'a', %(key)s, 'text/plain', 1, now())
            """,
            [{"organization": organization, "id": new_id(), "conversation": conversation, "key": key} for key in keys],
        )
        for key in keys:
            await services.files.write(key, b"x")
        erasure = await erase_contact(tx, services.cipher, owner, contact, Mode.ALL)
        assert (erasure.state, erasure.signature) == ("running", None)
    await services.files.delete(keys[0])  # as far as the first one came
    for _ in range(2):
        await on_contact_erased(services, organization, erasure_id=erasure.id)
    async with services.db.begin(organization) as tx:
        done = await find_erasure(tx, erasure.id)
        assert done is not None
        assert is_authentic(services.cipher, done)
        assert done.receipt["probes"][-1] == {"probe": "files", "asked": 2, "found": 0}
        assert done.file_keys == []
    with pytest.raises(FileNotFoundError):
        await services.files.read(keys[1])


async def test_a_block_survives_without_its_reason(tx: Tx, services: Services, owner: Caller, inbox: Inbox):
    """Whoever was blocked stays so under that source id; what was written about them does not stay."""
    contact, _ = await make_person(tx, owner, inbox)
    await block_contact(tx, owner, services.cipher, contact, "Wei Zhang shouts.")
    await erase_contact(tx, services.cipher, owner, contact, Mode.ALL)
    key = IdentityKey((await get_default_realm(tx)).id, "M-77")
    assert await find_blocked(tx, services.cipher, [key]) == {key}
    assert await tx.fetch_value("SELECT reason FROM identity_blocks") == ""


async def test_a_proven_arrival_is_a_new_contact(tx: Tx, services: Services, owner: Caller, inbox: Inbox):
    """Whoever comes back with the enterprise's word is welcome, as somebody new."""
    contact, _ = await make_person(tx, owner, inbox)
    await erase_contact(tx, services.cipher, owner, contact, Mode.ALL)
    key = IdentityKey((await get_default_realm(tx)).id, "M-77")
    found, is_new = await find_or_create(tx, key, now=utc_now())
    assert is_new
    assert found != contact


async def test_the_audit_log_says_that_and_not_who(tx: Tx, services: Services, owner: Caller, inbox: Inbox):
    """What was done about the person stays as a line; what it said is blank."""
    contact, _ = await make_person(tx, owner, inbox)
    erasure = await erase_contact(tx, services.cipher, owner, contact, Mode.ALL)
    entries = [one for one in (await list_audit(tx, owner, limit=50)).entries if one.contact_id == contact]
    assert entries[0].action == "contact.erased"
    assert entries[0].payload == {"erasure": str(erasure.id), "mode": "all", "contacts": 1}
    assert {str(entry.payload) for entry in entries[1:]} == {"{'erased': True}"}


@pytest.mark.parametrize("field", ["sourceId", "email", "phoneNumber"])
async def test_nobody_is_brought_back_unasked(
    client: httpx.AsyncClient, services: Services, organization: OrganizationId, owner: Caller, inbox: Inbox, field: str
):
    """By any one of what told who it was; whoever asks for it gets a new contact."""
    async with services.db.begin(organization) as tx:
        contact, _ = await make_person(tx, owner, inbox)
        await erase_contact(tx, services.cipher, owner, contact, Mode.ALL)
    headers = await make_key(services.db, organization)
    said = {"sourceId": "M-77", "email": "WEI@example.com", "phoneNumber": "+886912345678"}
    body = {"name": "Wei", field: said[field]}
    refused = await client.post("/api/v1/contacts/", json=body, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/erased")
    upsert = "/api/v1/contacts/by-source-id/M-90"
    refused = await client.put(upsert, json={key: body[key] for key in body if key != "sourceId"}, headers=headers)
    assert refused.status_code == (201 if field == "sourceId" else 409)
    made = await client.post("/api/v1/contacts/", json={**body, "allowErased": True}, headers=headers)
    assert made.status_code == 201


async def test_a_stored_answer_is_not_replayed(
    client: httpx.AsyncClient, services: Services, organization: OrganizationId, owner: Caller
):
    """A POST that is repeated after the erasure does not show the card of before."""
    headers = await make_key(services.db, organization) | {"Idempotency-Key": "once"}
    body = {"name": "Wei", "email": "wei@example.com"}
    made = await client.post("/api/v1/contacts/", json=body, headers=headers)
    async with services.db.begin(organization) as tx:
        await erase_contact(tx, services.cipher, owner, ContactId(UUID(made.json()["id"])), Mode.ALL)
    again = await client.post("/api/v1/contacts/", json=body, headers=headers)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/erased")


@pytest.mark.parametrize("by", ["id", "source id"])
async def test_the_operator_erases_by_command(
    services: Services, organization: OrganizationId, owner: Caller, inbox: Inbox, by: str
):
    """A contact is named by either, and the receipt that is printed is signed."""
    async with services.db.begin(organization) as tx:
        contact, _ = await make_person(tx, owner, inbox)
    printed = await erase_person(services, organization, str(contact) if by == "id" else "M-77", Mode.ALL)
    assert json.loads(printed)["isAuthentic"] is True
    with pytest.raises(NotFound):
        await erase_person(services, organization, "M-77", Mode.ALL)


async def test_an_export_that_was_running_brings_no_file(
    services: Services, organization: OrganizationId, owner: Caller, inbox: Inbox
):
    """Its rows were read before the erasure: what it wrote is deleted, and nobody can fetch it."""
    async with services.db.begin(organization) as tx:
        contact, _ = await make_person(tx, owner, inbox)
        one = await start_export(tx, owner, Selection(), "csv")
        erasure = await erase_contact(tx, services.cipher, owner, contact, Mode.ALL)
        assert erasure.state == "done"
        assert not await finish_export(tx, one.id, utc_now(), file_key="x", row_count=1)
        assert (await get_export(tx, one.id)).state == "failed"


@pytest.mark.parametrize("work", ["import", "bulk edit"])
async def test_erasing_waits_for_work_on_the_person_and_never_against_it(
    services: Services, organization: OrganizationId, owner: Caller, inbox: Inbox, work: str
):
    """An import, its undo, or an edit of many is at the person: whoever comes second waits, and neither is broken."""
    desk = Desk(services, organization, owner)
    async with services.db.begin(organization) as tx:
        contact, _ = await make_person(tx, owner, inbox)
    one = await desk.run(await desk.bring(b"name,sourceId\nWeiwei,M-77\n"))
    async with services.db.begin(organization) as tx:
        edit = await start_bulk_edit(tx, owner, Selection((contact,)), BulkChange(BulkKind.SET_LANGUAGE, value="en"))

    async def erase() -> None:
        async with services.db.begin(organization) as tx:
            await erase_contact(tx, services.cipher, owner, contact, Mode.ALL)

    async with services.db.begin(organization) as tx:
        await (lock_import(tx, one.id) if work == "import" else claim_row(tx, edit.id, undoing=False))
        erasing = asyncio.create_task(erase())
        await asyncio.sleep(0.5)
        await lock_contacts(tx, [contact])
    await erasing


async def test_how_much_goes_must_be_said(
    client: httpx.AsyncClient, services: Services, organization: OrganizationId, owner: Caller, inbox: Inbox
):
    """Nobody is erased by a call without a body."""
    async with services.db.begin(organization) as tx:
        contact, _ = await make_person(tx, owner, inbox)
    headers = await make_key(services.db, organization)
    for body in ({}, {"mode": None}, {"mode": "some"}):
        response = await client.post(f"/api/v1/contacts/{contact}/erase/", json=body, headers=headers)
        assert (response.status_code, response.json()["type"]) == (400, "/problems/invalid-request")
    assert (await client.get(f"/api/v1/contacts/{contact}/", headers=headers)).status_code == 200
