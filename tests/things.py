"""One object of every kind in one organization, and a key of it: what tests over all routes need."""

from dataclasses import dataclass
from uuid import UUID

from tests.knowledge.conftest import Library
from tests.making import make_assistant, make_inbox

from frontdesk.access.actions import create_profile
from frontdesk.access.model import Assurance
from frontdesk.answers.actions import Answered, answer
from frontdesk.answers.memory import add_fact
from frontdesk.channels.model import ChannelType
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.attributes import Kind
from frontdesk.contacts.configuring import create_definition
from frontdesk.contacts.labels import add_labels
from frontdesk.contacts.labels import create_label as create_contact_label
from frontdesk.contacts.model import Provenance
from frontdesk.contacts.notes import write_note
from frontdesk.contacts.rules import create_rule
from frontdesk.conversations import queries as conversations
from frontdesk.conversations.actions import receive_message, reply
from frontdesk.conversations.attachments import bring_attachment
from frontdesk.conversations.model import Incoming
from frontdesk.core.ids import ContactId, DocumentId, InboxId, KnowledgeBaseId, MessageId, OrganizationId, new_id
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.core.uploads import UploadPurpose, describe_upload, issue_upload, record_upload, store_upload
from frontdesk.core.wire import Paging
from frontdesk.identities.conflict_queries import ConflictKind, Stated, upsert_conflict
from frontdesk.identities.conflicts import list_conflicts
from frontdesk.identities.deletion import delete_contact
from frontdesk.identities.introspection import IntrospectionSpec, set_introspection
from frontdesk.identities.key_sets import KeySetSpec, add_key_set
from frontdesk.identities.keys import KeySpec, generate_key
from frontdesk.identities.segments import create_segment
from frontdesk.identities.selecting import Selection
from frontdesk.identities.source_ids import set_source_id
from frontdesk.knowledge import batches
from frontdesk.knowledge.batch_handlers import on_batch_started
from frontdesk.knowledge.batch_model import BatchKind, BatchState
from frontdesk.knowledge.chunk_queries import list_chunks
from frontdesk.lifecycle.bulk_edits import start_bulk_edit
from frontdesk.lifecycle.bulk_model import BulkChange, BulkKind, BulkState
from frontdesk.lifecycle.bulk_queries import update_state
from frontdesk.lifecycle.erasing import Mode, erase_contact
from frontdesk.lifecycle.exporting import make_link, start_export, write_export
from frontdesk.lifecycle.import_handlers import on_import_started
from frontdesk.lifecycle.import_model import ImportState
from frontdesk.lifecycle.importing import NewImport, cancel, create_import, start_run
from frontdesk.lifecycle.merging import merge_contacts
from frontdesk.organizations.keys import create_api_key, find_key_caller
from frontdesk.organizations.model import Caller, Right, system_caller

BATCH_STATES = (None, BatchState.CANCELLED, BatchState.DONE)


@dataclass(frozen=True)
class Things:
    """Ids as text. `headers` are of a key of the organization with every right, and so is `key`."""

    services: Services
    caller: Caller
    headers: dict[str, str]
    organization: str
    api_key: str  # another key
    profile: str
    rule: str
    base: str
    label: str
    file: str
    chunk: str
    faq: str
    assistant: str
    inbox: str
    web_chat: str
    realm: str
    realm_key: str
    key_set: str
    contact: str
    contact_label: str
    segment: str
    bulk_edit: str
    attribute: str
    note: str
    source_id: str
    deleted_contact: str
    erased_contact: str
    erasure: str
    other_contact: str
    twin: str  # a contact of the same name
    conflict: str
    merge: str
    imported: str  # an import of which nothing is imported yet
    cancelled_import: str
    done_import: str
    batch: str  # a batch of FAQs of which nothing is written yet
    cancelled_batch: str
    done_batch: str
    export: str  # whose file is written
    export_token: str
    conversation: str
    message: str
    answer: str  # a message from the organization
    assistant_answer: str  # one of the assistant, which has a receipt
    attachment: str
    fact: str

    async def upload(self, purpose: UploadPurpose) -> str:
        """Upload a file and return its key."""
        content = b"The filter lasts for twelve months."
        async with self.services.db.begin(self.caller.organization_id) as tx:
            form = await issue_upload(
                tx, caller=self.caller.reference, purpose=purpose, filename="filter.txt", max_bytes=len(content)
            )
        await store_upload(self.services.files, form.key, content)
        async with self.services.db.begin(self.caller.organization_id) as tx:
            await record_upload(tx, describe_upload(form, content))
        return form.key


async def make_things(services: Services, organization: OrganizationId) -> Things:
    owner = system_caller(organization)
    library = Library(services, owner)
    base = await library.make_base(f"Base {new_id()}")
    label = await library.make_label(base, "public")
    file = await library.read_file(base, b"The filter lasts for twelve months.", "filter.txt", [label])
    faq = await library.write_faq(base, "How long does a filter last?", "Twelve months.", [label])
    async with services.db.begin(organization) as tx:
        (chunk, *_), _ = await list_chunks(tx, base, file.id, limit=1, offset=0)
        key, secret = await create_api_key(tx, owner, name="all", rights=list(Right), inbox_ids=None, expires_at=None)
        other_key, _ = await create_api_key(
            tx, owner, name="other", rights=[Right.CONTACTS_VIEW], inbox_ids=None, expires_at=None
        )
        caller = await find_key_caller(tx, key.id)
        assert caller is not None
        profile, _ = await create_profile(
            tx, owner, {"name": f"VIP {new_id()}", "query_metadata": None, "minimum_assurance": Assurance.CHANNEL}
        )
        gold = {"field": "attributes.level", "op": "equals", "value": f"gold {new_id()}"}
        rule, _ = await create_rule(tx, owner, profile.id, {"operator": "and", "conditions": [gold]})
        assistant = await make_assistant(tx, owner, f"Assistant {new_id()}", base)
        inbox = await make_inbox(tx, owner, f"Web {new_id()}", assistant=assistant, kind=ChannelType.WEB)
        realm_key, _ = await generate_key(
            tx, owner, inbox.realm_id, KeySpec("Member system", "https://shop.example.com")
        )
        spec = KeySetSpec("Published", "https://shop.example.com", "https://shop.example.com/jwks.json")
        key_set = await add_key_set(tx, owner, inbox.realm_id, spec)
        asking = IntrospectionSpec("https://shop.example.com/introspect", "desk", "secret", ("shop-desk",))
        await set_introspection(tx, owner, services.cipher, inbox.id, asking)
        source_id = f"M-{new_id().hex}"
        contact = await _make_contact(tx, owner, inbox.id)
        await set_source_id(tx, owner, contact, source_id)
        contact_label = await create_contact_label(tx, owner, f"Label {new_id()}")
        await add_labels(tx, owner, contact, [contact_label.id])
        attribute, _ = await create_definition(tx, owner, f"key {new_id()}", {"kind": Kind.TEXT})
        note = await write_note(tx, owner, contact, "Prefers Saturdays.")
        bulk_edit = await _make_bulk_edit(tx, owner)
        segment = await create_segment(tx, owner, {"name": "Everybody", "is_shared": True})
        deleted = await _make_contact(tx, owner, inbox.id)
        await delete_contact(tx, owner, deleted)
        erased = await _make_contact(tx, owner, inbox.id)
        erasure = await erase_contact(tx, services.cipher, owner, erased, Mode.ALL)
        other, survivor, merged = [await _make_contact(tx, owner, inbox.id) for _ in range(3)]
        merge = await merge_contacts(tx, owner, survivor, [merged], choices={})
        twin = await _make_contact(tx, owner, inbox.id)
        conflict = await _note_conflict(tx, owner, contact)
        conversation = await conversations.insert_conversation(tx, contact, inbox.id, now=utc_now())
        message, _ = await receive_message(
            tx, conversation, Incoming("How long?", contact, Assurance.ANONYMOUS), now=utc_now()
        )
        fact = await add_fact(tx, owner, contact, "allergy: nuts", "Is allergic to nuts")
        replied = await reply(tx, caller, conversation.id, "Twelve months.", now=utc_now())
    assistant_answer = await _ask(services, owner, contact, inbox.id)
    attachment = await bring_attachment(
        services, caller, filename="photo.txt", content=b"a photo", conversation_id=conversation.id
    )
    imports = [await _make_import(services, caller, state) for state in (None, ImportState.CANCELLED, ImportState.DONE)]
    document_batches = [await _make_batch(library, base, faq.id, state) for state in BATCH_STATES]
    export, export_token = await _make_export(services, caller)
    return Things(
        services,
        caller,
        {"Authorization": f"Api-Key {secret}"},
        organization=str(organization),
        api_key=str(other_key.id),
        profile=str(profile.id),
        rule=str(rule.id),
        base=str(base),
        label=str(label),
        file=str(file.id),
        chunk=str(chunk.id),
        faq=str(faq.id),
        assistant=str(assistant.id),
        inbox=str(inbox.id),
        web_chat=inbox.public_id,
        realm=str(inbox.realm_id),
        realm_key=str(realm_key.id),
        key_set=str(key_set.id),
        contact=str(contact),
        contact_label=str(contact_label.id),
        segment=str(segment.id),
        bulk_edit=str(bulk_edit.id),
        attribute=str(attribute.id),
        note=str(note.id),
        source_id=source_id,
        deleted_contact=str(deleted),
        erased_contact=str(erased),
        erasure=str(erasure.id),
        other_contact=str(other),
        twin=str(twin),
        conflict=str(conflict),
        merge=str(merge.merge_id),
        imported=imports[0],
        cancelled_import=imports[1],
        done_import=imports[2],
        batch=document_batches[0],
        cancelled_batch=document_batches[1],
        done_batch=document_batches[2],
        export=export,
        export_token=export_token,
        conversation=str(conversation.id),
        message=str(message),
        answer=str(replied),
        assistant_answer=str(assistant_answer),
        attachment=str(attachment.id),
        fact=str(fact),
    )


async def _ask(services: Services, owner: Caller, contact: ContactId, inbox: InboxId) -> MessageId:
    holder = new_id()
    async with services.db.begin(owner.organization_id) as tx:
        conversation = await conversations.insert_conversation(tx, contact, inbox, now=utc_now())
        asked = Incoming("How long does a filter last?", contact, Assurance.ANONYMOUS)
        await receive_message(tx, conversation, asked, now=utc_now())
        assert await conversations.claim_lease(tx, conversation.id, holder, utc_now())
    events = [event async for event in answer(services, owner.organization_id, conversation.id, holder)]
    assert isinstance(events[-1], Answered)
    return events[-1].message_id


async def _make_import(services: Services, caller: Caller, state: ImportState | None) -> str:
    content = b"name,member no\nAnn,\n,0\n"
    async with services.db.begin(caller.organization_id) as tx:
        form = await issue_upload(
            tx, caller=caller.reference, purpose="contact-import", filename="contacts.csv", max_bytes=len(content)
        )
    await store_upload(services.files, form.key, content)
    async with services.db.begin(caller.organization_id) as tx:
        await record_upload(tx, describe_upload(form, content))
    one = await create_import(services, caller, NewImport(form.key))
    if state is not None:
        async with services.db.begin(caller.organization_id) as tx:
            await start_run(tx, caller, one.id)
            if state is ImportState.CANCELLED:
                await cancel(tx, caller, one.id)
    if state is ImportState.DONE:
        await on_import_started(services, caller.organization_id, one.id)
    return str(one.id)


async def _make_batch(library: Library, base: KnowledgeBaseId, faq: DocumentId, state: BatchState | None) -> str:
    content = f'id,question,metadata\n{faq},,"{{""sheet"": 1}}"\nnone,,\n'.encode()
    key = await library.upload(content, "faqs.csv", purpose="document-batch")
    services, caller = library.services, library.caller
    batch = await batches.create_batch(services, caller, base, batches.NewBatch(BatchKind.FAQS, key))
    if state is not None:
        async with services.db.begin(caller.organization_id) as tx:
            await batches.start_run(tx, caller, base, batch.id)
            if state is BatchState.CANCELLED:
                await batches.cancel(tx, caller, base, batch.id)
    if state is BatchState.DONE:
        await on_batch_started(services, caller.organization_id, batch.id)
    return str(batch.id)


async def _make_export(services: Services, caller: Caller) -> tuple[str, str]:
    async with services.db.begin(caller.organization_id) as tx:
        one = await start_export(tx, caller, Selection(), "csv")
    await write_export(services, caller.organization_id, one.id)
    async with services.db.begin(caller.organization_id) as tx:
        return str(one.id), (await make_link(tx, caller, one.id)).token


async def _make_contact(tx, owner: Caller, inbox: UUID):
    contact = await create_contact(tx, owner, fields={"name": "Ann"}, inbox_ids=[inbox], provenance=Provenance.API)
    return contact.id


async def _make_bulk_edit(tx, owner: Caller):
    edit = await start_bulk_edit(tx, owner, Selection(()), BulkChange(BulkKind.SET_LANGUAGE, value="en"))
    await update_state(tx, edit.id, BulkState.DONE, utc_now())
    return edit


async def _note_conflict(tx, owner: Caller, contact: ContactId) -> UUID:
    stated = Stated(ConflictKind.PROFILE_DISAGREES, contact, contact, "name", said="Anne", kept="Ann")
    await upsert_conflict(tx, stated, now=utc_now())
    conflicts, _ = await list_conflicts(tx, owner, Paging(1, 0), contact_id=contact)
    return conflicts[0].id
