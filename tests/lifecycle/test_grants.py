"""Nobody opens a document to somebody that they neither see nor hold, whichever way access is written."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from tests.lifecycle.importing_desk import Desk
from tests.lifecycle.people import make_person
from tests.making import make_assistant, make_base, make_document, make_inbox, make_role_holder, opens

from frontdesk.access.actions import create_profile, update_profile
from frontdesk.access.model import Assurance
from frontdesk.access.queries import list_assigned
from frontdesk.channels.actions import create_inbox, update_inbox
from frontdesk.channels.model import ChannelType, Inbox
from frontdesk.contacts.access_actions import assign_profile, set_access, unassign_profile
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.model import Provenance
from frontdesk.core.db import Tx
from frontdesk.core.ids import AssistantId, ContactId, KnowledgeBaseId, ProfileId
from frontdesk.identities.cards import Given, create_card
from frontdesk.identities.deletion import delete_contact, restore_contact
from frontdesk.identities.keys import KeySpec, generate_key
from frontdesk.identities.selecting import Selection
from frontdesk.lifecycle import bulk_handlers
from frontdesk.lifecycle.bulk_edits import list_outcomes, start_bulk_edit
from frontdesk.lifecycle.bulk_model import BulkChange, BulkKind
from frontdesk.lifecycle.ledger import MergeId
from frontdesk.lifecycle.merging import merge_contacts
from frontdesk.lifecycle.undoing import undo_merge
from frontdesk.organizations.errors import GrantNotHeld
from frontdesk.organizations.keys import create_api_key, find_key_caller
from frontdesk.organizations.model import Caller, Right, system_caller
from frontdesk.organizations.records import RoleDraft
from frontdesk.organizations.roles import create_role

BLIND = frozenset(Right) - {Right.KNOWLEDGE_VIEW, Right.KNOWLEDGE_EDIT, Right.ACT_AS}


@dataclass(frozen=True)
class Place:
    """A secret base with two documents, and everything through which it could be opened."""

    base: KnowledgeBaseId
    assistant: AssistantId  # which has it
    inbox: Inbox  # of another assistant
    open_inbox: Inbox  # whose assistant has the base
    ann: ContactId  # reads nothing
    vip: ContactId  # reads the base by a profile, and nothing by itself
    deleted: ContactId  # who read it
    merge: MergeId  # of somebody who read it into somebody who does not
    profile: ProfileId  # opens the base
    empty_profile: ProfileId
    signed_profile: ProfileId  # opens the base to signed sessions

    @property
    def secret(self) -> dict[str, Any]:
        return opens(self.base)


@pytest.fixture
async def place(tx: Tx, owner: Caller) -> Place:
    base = await make_base(tx, "Secrets")
    for title in ("Prices", "Plans"):
        await make_document(tx, base, title)
    assistant = await make_assistant(tx, owner, "Knows", base)
    inbox = await make_inbox(tx, owner, "Web")
    open_inbox = await make_inbox(tx, owner, "Members", assistant=assistant, query_metadata={"knowledge_bases": []})

    async def make_profile(name: str, raw: dict[str, Any] | None, least: Assurance) -> ProfileId:
        changes = {"name": name, "query_metadata": raw, "minimum_assurance": least}
        return (await create_profile(tx, owner, changes))[0].id

    profile = await make_profile("VIP", opens(base), Assurance.CHANNEL)
    vip, deleted, merged = [await make_person(tx, owner, open_inbox, name) for name in ("Vip", "Gone", "Dup")]
    survivor = await make_person(tx, owner, open_inbox, "Sur")
    await assign_profile(tx, owner, vip, profile)
    await set_access(tx, owner, vip, {"knowledge_bases": []})
    await set_access(tx, owner, deleted, opens(base))
    await delete_contact(tx, owner, deleted)
    await assign_profile(tx, owner, merged, profile)
    await update_inbox(tx, owner, open_inbox.id, {"query_metadata": None})
    merge = await merge_contacts(tx, owner, survivor, [merged], choices={})
    await update_inbox(tx, owner, open_inbox.id, {"query_metadata": {"knowledge_bases": []}})
    return Place(
        base,
        assistant.id,
        inbox,
        open_inbox,
        await make_person(tx, owner, inbox, "Ann"),
        vip,
        deleted,
        merge.merge_id,
        profile,
        await make_profile("None", None, Assurance.CHANNEL),
        await make_profile("Signed", opens(base), Assurance.SIGNED),
    )


Write = Callable[[Tx, Caller, Place], Awaitable[object]]

# every way in which somebody can be given the base
WRITERS: dict[str, Write] = {
    "conditions of a contact": lambda tx, who, at: set_access(tx, who, at.ann, at.secret),
    "conditions taken away, so that profiles count": lambda tx, who, at: set_access(tx, who, at.vip, None),
    "conditions and profiles together": lambda tx, who, at: set_access(
        tx, who, at.vip, opens("00000000-0000-4000-8000-000000000001"), "add"
    ),
    "a profile given": lambda tx, who, at: assign_profile(tx, who, at.ann, at.profile),
    "a contact made": lambda tx, who, at: create_contact(
        tx, who, fields={}, inbox_ids=[at.inbox.id], query_metadata=at.secret, provenance=Provenance.API
    ),
    "a card made": lambda tx, who, at: create_card(tx, who, Given(query_metadata=at.secret, sets_access=True)),
    "a contact restored with its access": lambda tx, who, at: restore_contact(tx, who, at.deleted, confirm_access=True),
    "contacts merged with wider access": lambda tx, who, at: merge_contacts(
        tx, who, at.ann, [at.vip], choices={}, accept_wider_access=True
    ),
    "a profile made": lambda tx, who, at: create_profile(tx, who, {"name": "New", "query_metadata": at.secret}),
    "a profile changed": lambda tx, who, at: update_profile(tx, who, at.empty_profile, {"query_metadata": at.secret}),
    "a profile opened to less proven sessions": lambda tx, who, at: update_profile(
        tx, who, at.signed_profile, {"minimum_assurance": Assurance.ANONYMOUS}
    ),
    "a profile that a key may claim": lambda tx, who, at: generate_key(
        tx, who, at.inbox.realm_id, KeySpec("Key", "https://shop.example.com", allowed_profiles=(at.profile,))
    ),
    "an inbox made": lambda tx, who, at: create_inbox(
        tx,
        who,
        {"name": "New", "assistant_id": at.assistant, "visitor_scope": at.secret},
        channel_type=ChannelType.WEB,
    ),
    "an inbox's restriction taken away": lambda tx, who, at: update_inbox(
        tx, who, at.open_inbox.id, {"query_metadata": None}
    ),
    "an inbox's members": lambda tx, who, at: update_inbox(
        tx, who, at.open_inbox.id, {"query_metadata": at.secret, "member_scope": at.secret}
    ),
    "an inbox given an assistant who knows": lambda tx, who, at: update_inbox(
        tx, who, at.inbox.id, {"assistant_id": at.assistant}
    ),
}


@pytest.mark.parametrize("writer", WRITERS)
async def test_who_holds_nothing_opens_nothing(tx: Tx, place: Place, writer: str):
    """Refused with how many documents are beyond; a key holds nothing, either."""
    blind = await make_role_holder(tx, *BLIND)
    for caller in (blind, await key_caller(tx)):
        with pytest.raises(GrantNotHeld) as refused:
            async with tx.savepoint():
                await WRITERS[writer](tx, caller, place)
        assert (refused.value.status, refused.value.facts) == (403, {"documents": 2})


@pytest.mark.parametrize("writer", WRITERS)
async def test_who_holds_a_document_through_a_role_may_open_it(tx: Tx, place: Place, writer: str):
    """What the query metadata of the caller's roles opens is theirs to give; and whoever sees knowledge gives all."""
    holder = await make_role_holder(tx, *BLIND, query_metadata=place.secret)
    seeing = await key_caller(tx, Right.KNOWLEDGE_VIEW)
    for caller in (holder, seeing):
        await tx.execute("SAVEPOINT back")
        await WRITERS[writer](tx, caller, place)
        await tx.execute("ROLLBACK TO SAVEPOINT back")


async def test_narrowing_and_what_is_there_already_are_always_allowed(tx: Tx, place: Place, owner: Caller):
    """To close, to write the same again, and to take a profile needs no document."""
    await set_access(tx, owner, place.ann, place.secret)
    blind = await make_role_holder(tx, *BLIND)
    await set_access(tx, blind, place.ann, place.secret)
    await assign_profile(tx, blind, place.ann, place.profile)  # what she reads already
    await unassign_profile(tx, blind, place.ann, place.profile)
    await set_access(tx, blind, place.ann, {"knowledge_bases": []})
    await update_profile(tx, blind, place.profile, {"query_metadata": None})
    await update_profile(tx, blind, place.profile, {"name": "Renamed"})
    await update_inbox(
        tx, blind, place.open_inbox.id, {"visitor_scope": place.secret}
    )  # of which the inbox opens nothing


async def test_an_undone_merge_gives_back_only_what_the_caller_sees(tx: Tx, place: Place, owner: Caller):
    """Confirming that somebody reads more than now is to give it."""
    await update_inbox(tx, owner, place.open_inbox.id, {"query_metadata": None})
    blind = await make_role_holder(tx, *BLIND)
    with pytest.raises(GrantNotHeld) as refused:
        await undo_merge(tx, blind, place.merge, confirm_access=True)
    assert refused.value.facts == {"documents": 2}
    await undo_merge(tx, owner, place.merge, confirm_access=True)


async def test_roles_are_given_by_whoever_sees_all_documents(tx: Tx, place: Place):
    """Of roles nothing is compared: their query metadata takes the right to see knowledge."""
    blind = await make_role_holder(tx, *BLIND, query_metadata=place.secret)
    with pytest.raises(GrantNotHeld):
        await create_role(tx, blind, RoleDraft("New", frozenset(), None, place.secret))


async def test_imports_and_bulk_edits_give_no_more(services, organization, owner: Caller):
    """A row that gives too much is an error, others go on; of a bulk edit it is told contact by contact."""
    async with services.db.begin(organization) as tx:
        base = await make_base(tx, "Secrets")
        await make_document(tx, base, "Prices")
        secret = await create_profile(tx, owner, {"name": "Secret", "query_metadata": opens(base)})
        await create_profile(tx, owner, {"name": "Open", "query_metadata": {"knowledge_bases": []}})
        inbox = await make_inbox(tx, owner)
        ann = await make_person(tx, owner, inbox, "Ann")
        key = await key_caller(tx)
    desk = Desk(services, organization, key)
    rows = f'name,sourceId,accessProfiles,queryMetadata\nA,M-1,Secret,\nB,M-2,Open,\nC,M-3,,"{quoted(base)}"\n'
    one = await desk.run(await desk.check(await desk.bring(rows.encode())))
    assert [(row.outcome, row.code) for row in await desk.rows(one)] == [
        ("error", "grant-not-held"),
        ("created", None),
        ("error", "grant-not-held"),
    ]
    async with services.db.begin(organization) as tx:
        change = BulkChange(BulkKind.ASSIGN_PROFILE, secret[0].id)
        edit = await start_bulk_edit(tx, key, Selection((ann,)), change)
    await bulk_handlers.on_bulk_edit_started(services, organization, edit.id)
    async with services.db.begin(organization) as tx:
        assert await list_assigned(tx, ann) == []
        told, _ = await list_outcomes(tx, key, edit.id, limit=5, offset=0)
        assert told == [(ann, "grant-not-held", None)]


def quoted(base: KnowledgeBaseId) -> str:
    return f'{{""knowledge_bases"": [{{""knowledge_base_id"": ""{base}"", ""has_user_selected_all"": true}}]}}'


async def key_caller(tx: Tx, *more: Right) -> Caller:
    owner = system_caller(tx.organization_id)
    key, _ = await create_api_key(tx, owner, name="blind", rights=[*BLIND, *more], inbox_ids=None, expires_at=None)
    caller = await find_key_caller(tx, key.id)
    assert caller is not None
    return caller
