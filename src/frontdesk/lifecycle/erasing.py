"""Erasing a person: everything in one transaction, files right after it, and a signed receipt of what was done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from frontdesk.access.queries import raise_scope_version
from frontdesk.contacts import queries as contacts
from frontdesk.contacts.access import access_contact
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.idempotency import forget_answers
from frontdesk.core.ids import ContactId, InboxId, OrganizationId, new_id
from frontdesk.core.jobs import enqueue
from frontdesk.core.live import Event, announce
from frontdesk.core.secrets import Cipher
from frontdesk.core.services import Services
from frontdesk.core.text import dump_json, utc_now
from frontdesk.identities import queries as identities
from frontdesk.identities.blocks import forget_reasons
from frontdesk.identities.errors import ContactMerged
from frontdesk.identities.tombstones import insert_tombstones
from frontdesk.lifecycle import erasing_queries as queries
from frontdesk.lifecycle import receipt_queries as receipts
from frontdesk.lifecycle.erasing_queries import MENTIONS, ROWS, People
from frontdesk.lifecycle.probing import probe, probe_files
from frontdesk.lifecycle.receipt_queries import Erasure
from frontdesk.lifecycle.tables import TABLES, OnErase
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

ERASED: Final = "lifecycle.contact_erased"
PROOFS_SPENT: Final = "lifecycle.proofs_spent"

_PURPOSE: Final = "erasure-receipt"
_BY_NAME: Final = {table.name: table for table in TABLES}


class Mode(StrEnum):
    """How much goes."""

    ALL = "all"  # the person and every conversation
    PERSONAL = "personal"  # conversations stay, without what names the person, under an anonymous card


async def erase_contact(tx: Tx, cipher: Cipher, caller: Caller, contact_id: ContactId, mode: Mode) -> Erasure:
    """Erase a person, and everybody who was merged into them; return the receipt, complete once the files are gone.

    What `lifecycle.tables` says happens here and at once. Nobody finds the person after `tx` commits, sessions are
    over, and an answer that is being written is not stored. Merges, imports and bulk edits that touched the person
    cannot bring anything back. A deleted contact can be erased, too. Right: contacts.erase. Safe to repeat: who is
    erased already stays so, under the same receipt.

    Raises NotFound, and ContactMerged: erase the contact that it was merged into.
    """
    if await contacts.find_contact(tx, contact_id) is None:
        return await _get_former(tx, caller, contact_id)
    await _access(tx, caller, contact_id)
    merged = await lock_people(tx, [contact_id])
    if await contacts.find_contact(tx, contact_id) is None:  # somebody else erased it while this transaction waited
        return await _get_former(tx, caller, contact_id)
    await _access(tx, caller, contact_id)
    people = await load_people(tx, merged)
    erasure = await erase_people(tx, cipher, caller, people, mode, contact_id=contact_id)
    payload = {"erasure": str(erasure.id), "mode": mode.value, "contacts": len(people.contacts)}
    await audit.record(tx, caller, "contact.erased", "contact", contact_id, contact_id=contact_id, payload=payload)
    return erasure


@dataclass(frozen=True, slots=True)
class Consequences:
    """What an erasure would take: contacts that were merged into the person, and what all of them have."""

    merged: int
    conversations: int
    files: int
    source_ids: tuple[str, ...]


async def preview_erasure(tx: Tx, caller: Caller, contact_id: ContactId) -> Consequences:
    """Return what `erase_contact` would take. Right and errors are the same."""
    if await contacts.find_contact(tx, contact_id) is None:
        raise NotFound
    await _access(tx, caller, contact_id)
    people = await queries.find_merged_into(tx, [contact_id])
    conversations, files = await queries.count_of(tx, people)
    keys = await queries.find_keys_of(tx, people)
    return Consequences(len(people) - 1, conversations, files, tuple(key.source_id for key in keys))


async def lock_people(tx: Tx, contact_ids: Sequence[ContactId]) -> list[ContactId]:
    """Wait until this transaction is alone with these contacts and those merged into them; return all, sorted."""
    people: list[ContactId] = []
    while (found := await queries.find_merged_into(tx, contact_ids)) != people:
        people = found
        await queries.lock_work_on(tx, people)  # before their cards, as the imports and the edits themselves do
        await identities.lock_source_ids(tx, [key.source_id for key in await queries.find_keys_of(tx, people)])
        for contact_id in people:
            await identities.lock_sessions_of(tx, contact_id)
        for contact_id in people:
            await contacts.lock_contact(tx, contact_id)
    return people


async def load_people(tx: Tx, contact_ids: Sequence[ContactId], *, sparing_others: bool = False) -> People:
    """Return what is theirs, locked. `sparing_others`: not the visitor sessions that wrote as somebody else, too."""
    conversations = await queries.lock_conversations_of(tx, contact_ids)
    keys = await queries.find_keys_of(tx, contact_ids)
    sessions = await queries.list_sessions_of(tx, contact_ids, conversations, sparing_others=sparing_others)
    return People(
        contacts=tuple(contact_ids),
        conversations=tuple(conversations),
        sessions=tuple(sessions),
        keys=tuple(keys),
        values=await queries.find_values(tx, contact_ids, keys),
        file_keys=tuple(await queries.list_file_keys(tx, conversations)),
    )


async def erase_people(
    tx: Tx,
    cipher: Cipher,
    caller: Caller,
    people: People,
    mode: Mode,
    *,
    contact_id: ContactId | None = None,
    inbox_id: InboxId | None = None,
) -> Erasure:
    """Erase people who are locked, and store the receipt; a job deletes their files and completes it."""
    now = utc_now()
    people = replace(people, file_keys=(*people.file_keys, *await _take_files(tx, people, now)))
    file_keys = people.file_keys
    values = people.values
    tombstones = await insert_tombstones(
        tx, cipher, keys=people.keys, emails=values.emails, phones=values.phones, now=now
    )
    tables = await _erase_rows(tx, people, mode, now)
    if answers := await forget_answers(tx, cipher, [str(one) for one in (*people.contacts, *people.conversations)]):
        tables["idempotency_keys"] = {OnErase.DELETE.value: answers}
    if reasons := await forget_reasons(tx, cipher, people.keys):
        tables["identity_blocks"] = {OnErase.BLANK.value: reasons}
    receipt = {
        "contacts": len(people.contacts),
        "tables": tables,
        "mentions": await _mark_mentions(tx, people),
        "tombstones": tombstones,
        "files": len(file_keys),
        "probes": await probe(tx, people, keeps_cards=mode is Mode.PERSONAL),
    }
    erasure = _describe(caller, receipt, mode, contact_id=contact_id, inbox_id=inbox_id, file_keys=file_keys, now=now)
    erasure = erasure if file_keys else _complete(cipher, tx.organization_id, erasure, now=now)
    await receipts.insert_erasure(tx, erasure)
    if file_keys:
        await enqueue(tx, ERASED, erasure_id=erasure.id)
    await raise_scope_version(tx)
    for topic, ids in (("contact", people.contacts), ("conversation", people.conversations)):
        for one in ids:
            await announce(tx, Event(topic, one))
    return erasure


async def on_contact_erased(services: Services, organization_id: OrganizationId, *, erasure_id: UUID) -> None:
    """Delete the files of an erasure, look whether they are gone, and complete the receipt. Safe to repeat."""
    async with services.db.begin(organization_id) as tx:
        erasure = await receipts.find_erasure(tx, erasure_id)
    if erasure is None or erasure.state == "done":
        return
    for key in erasure.file_keys:
        await services.files.delete(key)
    probed = await probe_files(services.files, erasure.file_keys)
    async with services.db.begin(organization_id) as tx:
        erasure = await receipts.lock_erasure(tx, erasure_id)
        if erasure is None or erasure.state == "done":
            return
        probes = [*erasure.receipt["probes"], probed]
        receipt = {**erasure.receipt, "probes": probes}
        done = _complete(services.cipher, organization_id, replace(erasure, receipt=receipt), now=utc_now())
        await receipts.update_erasure(tx, done)


async def on_proofs_spent(services: Services, organization_id: OrganizationId) -> None:
    """Forget used tokens that expired: erasing leaves one that could still be used, so that nobody uses it again."""
    async with services.db.begin(organization_id) as tx:
        await queries.delete_spent_proofs(tx, utc_now())


async def get_erasure(tx: Tx, caller: Caller, erasure_id: UUID) -> Erasure:
    """Return an erasure. Right: contacts.erase; who holds it in some inboxes only sees their own. Raises NotFound."""
    caller.require(Right.CONTACTS_ERASE)
    erasure = await receipts.find_erasure(tx, erasure_id)
    if erasure is None or not _may_see(caller, erasure):
        raise NotFound
    return erasure


async def find_former(tx: Tx, caller: Caller, contact_id: ContactId) -> Erasure | None:
    """Return the receipt of a contact of whom all was erased; None: there is none that the caller sees."""
    erasure = await receipts.find_erasure_of(tx, contact_id)
    return erasure if erasure is not None and _may_see(caller, erasure) else None


async def list_erasures(
    tx: Tx, caller: Caller, *, contact_id: ContactId | None = None, limit: int, offset: int
) -> tuple[int, list[Erasure]]:
    """Return how many erasures the caller sees, as `get_erasure` says, and one page of them, the latest first."""
    caller.require(Right.CONTACTS_ERASE)
    actor = None if caller.inboxes_for(Right.CONTACTS_ERASE) is None else caller.id
    return await receipts.list_erasures(tx, actor_id=actor, contact_id=contact_id, limit=limit, offset=offset)


def is_authentic(cipher: Cipher, erasure: Erasure) -> bool:
    """Tell whether this installation signed exactly this receipt; False as long as it is not complete."""
    signature = erasure.signature or ""
    return erasure.state == "done" and cipher.is_signed(_content(erasure.receipt), signature, purpose=_PURPOSE)


def is_clean(erasure: Erasure) -> bool:
    """Tell whether no probe found anything of the person."""
    return all(one["found"] == 0 for one in erasure.receipt["probes"])


async def _get_former(tx: Tx, caller: Caller, contact_id: ContactId) -> Erasure:
    erasure = await find_former(tx, caller, contact_id)
    if erasure is None:
        raise NotFound
    return erasure


def _may_see(caller: Caller, erasure: Erasure) -> bool:
    return caller.inboxes_for(Right.CONTACTS_ERASE) is None or erasure.actor_id == caller.id


async def _access(tx: Tx, caller: Caller, contact_id: ContactId) -> None:
    survivor = await identities.resolve_contact_id(tx, contact_id)
    if survivor != contact_id:
        await access_contact(tx, caller, survivor, Right.CONTACTS_ERASE)
        raise ContactMerged(survivor)
    inboxes = await contacts.list_inboxes_of(tx, contact_id)
    caller.require_in(Right.CONTACTS_ERASE, [inbox.inbox_id for inbox in inboxes])


async def _take_files(tx: Tx, people: People, now: datetime) -> list[str]:
    """Take away files of imports and exports in which these people may be; an anonymous contact is told by none."""
    taken = await queries.take_import_files(tx, people.contacts)
    return taken + (await queries.take_export_files(tx, now) if people.values.all else [])


async def _erase_rows(tx: Tx, people: People, mode: Mode, now: datetime) -> dict[str, dict[str, int]]:
    await queries.seal_other_merges(tx, people, now)
    counts: dict[str, dict[str, int]] = {}
    for rows in ROWS:
        table = _BY_NAME[rows.table]
        action = table.on_erase if mode is Mode.ALL else table.on_personal or table.on_erase
        count = await queries.erase_rows(tx, people, rows, action, now) if action is not OnErase.KEEP else 0
        if count:
            counts[rows.table] = {action.value: count}
    return counts


async def _mark_mentions(tx: Tx, people: People) -> dict[str, int]:
    counts = {
        f"{table}.{column}": await queries.mark_mentions(tx, people.values, table, column) for table, column in MENTIONS
    }
    return {place: count for place, count in counts.items() if count}


def _describe(
    caller: Caller,
    receipt: Mapping[str, Any],
    mode: Mode,
    *,
    contact_id: ContactId | None,
    inbox_id: InboxId | None,
    file_keys: Sequence[str],
    now: datetime,
) -> Erasure:
    return Erasure(
        id=new_id(),
        contact_id=contact_id,
        inbox_id=inbox_id,
        mode=mode.value,
        state="running",
        receipt=dict(receipt),
        signature=None,
        file_keys=list(file_keys),
        actor_kind=caller.kind.value,
        actor_id=caller.id,
        actor_name=caller.name,
        created_at=now,
        finished_at=None,
    )


def _complete(cipher: Cipher, organization_id: OrganizationId, erasure: Erasure, *, now: datetime) -> Erasure:
    """Return the erasure done, its receipt signed."""
    said = {
        "erasure": str(erasure.id),
        "organization": str(organization_id),
        "contact": erasure.contact_id and str(erasure.contact_id),
        "inbox": erasure.inbox_id and str(erasure.inbox_id),
        "mode": erasure.mode,
        "by": {"kind": erasure.actor_kind, "id": str(erasure.actor_id), "name": erasure.actor_name},
        "erasedAt": erasure.created_at.isoformat(),
        "finishedAt": now.isoformat(),
        **erasure.receipt,
    }
    signature = cipher.sign(_content(said), purpose=_PURPOSE)
    return replace(erasure, state="done", receipt=said, signature=signature, file_keys=[], finished_at=now)


def _content(receipt: Mapping[str, Any]) -> bytes:
    """Return what is signed: the receipt with its keys in order, as the database may give them in another one."""
    return dump_json(_sorted(receipt)).encode()


def _sorted(value: Any) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(inner) for inner in value] if isinstance(value, list | tuple) else value
