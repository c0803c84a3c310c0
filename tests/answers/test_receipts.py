"""A receipt says how an answer came about, and a replay what the rules of now would change in it."""

import pytest

from conftest import make_key
from frontdesk.access.model import Assurance
from frontdesk.access.queries import list_profiles
from frontdesk.answers.errors import NotReplayable
from frontdesk.answers.receipt_queries import list_receipts
from frontdesk.answers.replaying import read_receipt, replay
from frontdesk.contacts.access_actions import assign_profile, unassign_profile
from frontdesk.conversations import queries as threads
from frontdesk.demo.organization import LIN, ZHANG, Person
from frontdesk.identities import queries as identities
from frontdesk.identities.model import IdentityKey
from frontdesk.knowledge.access import access_document
from frontdesk.knowledge.document_actions import update_document
from frontdesk.knowledge.model import LabelWish
from frontdesk.organizations.model import system_caller

HOTLINE = "What does the personal service hotline offer?"  # VIPs read it, other members do not
TABLES = ("messages", "answers", "answer_chunks", "contacts", "conversations", "chat_sessions", "memory_facts")


async def ask(db, shop, client, person: Person, text: str = HOTLINE, **message):
    """A known contact asks by the API; return the answer's message and the contact."""
    key = await make_key(db, shop.organization_id)
    async with db.begin(shop.organization_id) as tx:
        owners = await identities.find_owners(tx, [IdentityKey(shop.inbox.realm_id, person.source_id)])
    (contact,) = owners.values()
    body = {"message": {"content": text, "sender": str(contact), **message}}
    url = f"/api/v1/chatbots/{shop.inbox.assistant_id}/completions"
    answered = (await client.post(url, json=body, headers=key, timeout=60)).json()
    async with db.begin(shop.organization_id) as tx:
        messages = await threads.list_messages(tx, answered["conversationId"])
    return messages[-1], contact


async def count_rows(db, shop) -> list[int]:
    async with db.begin(shop.organization_id) as tx:
        return [int(await tx.fetch_value(f"SELECT count(*) FROM {table}")) for table in TABLES]


async def test_a_receipt_reads_back_as_the_scope_it_was(db, shop, client):
    """The layers are kept in a form in which they can be compared; nothing changed, so nothing differs."""
    message, _ = await ask(db, shop, client, ZHANG)
    caller = system_caller(shop.organization_id)
    async with db.begin(shop.organization_id) as tx:
        receipt, given = await read_receipt(tx, caller, message.id)
    assert receipt.scope is not None
    assert receipt.assurance is Assurance.SIGNED
    assert receipt.permitted_chunks >= receipt.permitted_count > 0
    assert given
    assert all(one.is_unchanged for one in given)


async def test_a_replay_changes_nothing_and_finds_no_difference(db, shop, client, services):
    """As long as no rule and no document changes; only the audit log grows."""
    message, _ = await ask(db, shop, client, ZHANG)
    before = await count_rows(db, shop)
    found = await replay(services, system_caller(shop.organization_id), message.id)
    assert found.is_same
    assert (found.opened_since.count, found.closed_since.count) == (0, 0)
    assert await count_rows(db, shop) == before


async def test_a_replay_tells_what_a_rule_has_opened_and_closed(db, shop, client, services, browser):
    """Ms. Lin is given the VIP profile and loses it; each answer is replayed under the other rule."""
    caller = system_caller(shop.organization_id)
    await browser.open(await shop.sign(LIN))
    message, lin = await ask(db, shop, client, LIN)
    async with db.begin(shop.organization_id) as tx:
        vip = next(one.id for one in (await list_profiles(tx))[0] if one.name == "VIP")
        await assign_profile(tx, caller, lin, vip)
    wider = await replay(services, caller, message.id)
    assert wider.opened_since.count > 0
    assert wider.closed_since.count == 0
    assert wider.reading.result.permitted_count == wider.receipt.permitted_count + wider.opened_since.count
    assert not wider.is_same
    as_vip, _ = await ask(db, shop, client, LIN)
    async with db.begin(shop.organization_id) as tx:
        await unassign_profile(tx, caller, lin, vip)
    narrower = await replay(services, caller, as_vip.id)
    assert narrower.closed_since.count == wider.opened_since.count
    assert narrower.closed
    assert narrower.closed <= {one.document_id for one in narrower.given}
    assert not {source.hit.document_id for source in narrower.reading.sources} & narrower.closed


async def test_a_replay_keeps_what_narrowed_the_message(db, shop, client, services):
    """A filter that came with the message narrows its replay, too."""
    nowhere = {"knowledge_bases": [{"knowledge_base_id": "00000000-0000-4000-8000-000000000000"}]}
    message, _ = await ask(db, shop, client, ZHANG, queryMetadata=nowhere)
    found = await replay(services, system_caller(shop.organization_id), message.id)
    assert found.receipt.permitted_count == 0
    assert found.reading.sources == ()
    assert found.is_same


async def test_an_old_or_erased_receipt_says_that_it_cannot_be_replayed(db, shop, client, services):
    """What was kept by an older version, or blanked by an erasure, is no scope."""
    message, _ = await ask(db, shop, client, ZHANG)
    async with db.begin(shop.organization_id) as tx:
        old = """UPDATE answers SET scope = '[{"step": "inbox", "scope": "All()"}]', ways = '[]', question_ids = '{}'
                  WHERE organization_id = %(organization)s AND message_id = %(message)s"""
        await tx.execute(old, {"organization": tx.organization_id, "message": message.id})
        (receipt,) = await list_receipts(tx, [message.id])
    assert receipt.scope is None
    with pytest.raises(NotReplayable):
        await replay(services, system_caller(shop.organization_id), message.id)


async def test_a_document_relabelled_since_is_closed(db, shop, client, services):
    """The rules are the same, and the document is not open any more: closed, without being one that a rule closed."""
    message, _ = await ask(db, shop, client, ZHANG)
    caller = system_caller(shop.organization_id)
    async with db.begin(shop.organization_id) as tx:
        _, (passage, *_) = await read_receipt(tx, caller, message.id)
        base = await tx.fetch_value(
            "SELECT knowledge_base_id FROM documents WHERE organization_id = %(organization)s AND id = %(id)s",
            {"organization": tx.organization_id, "id": passage.document_id},
        )
        document = await access_document(tx, caller, base, passage.document_id, "faq")
        await update_document(tx, caller, base, document.id, "faq", labels=[])
    try:
        found = await replay(services, caller, message.id)
    finally:  # the shop is the other tests' as well
        labels = [LabelWish(tag.id, None) for tag in document.labels]
        async with db.begin(shop.organization_id) as tx:
            await update_document(tx, caller, base, document.id, "faq", labels=labels)
    assert document.id in found.closed
    assert found.closed_since.count == 0
