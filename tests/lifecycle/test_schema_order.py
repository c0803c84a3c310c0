"""Whoever writes attributes holds the schema before any card, so that a definition and a write never wait for each other."""

import asyncio

import pytest
from tests.contacts.test_schema import until_waiting
from tests.lifecycle.people import make_person
from tests.making import make_inbox

from frontdesk.contacts.actions import update_contact
from frontdesk.contacts.configuring import create_definition, update_definition
from frontdesk.contacts.model import Provenance
from frontdesk.contacts.schema import hold_schema
from frontdesk.identities.deletion import delete_contact, restore_contact
from frontdesk.lifecycle.bulk_applying import apply_change
from frontdesk.lifecycle.bulk_model import BulkChange, BulkKind
from frontdesk.lifecycle.merging import merge_contacts
from frontdesk.lifecycle.undoing import undo_merge


async def edit(tx, owner, ann, bob):
    await update_contact(tx, owner, ann, {"attributes": {"card": "C-3"}}, provenance=Provenance.MEMBER)


async def edit_many(tx, owner, ann, bob):
    await apply_change(tx, owner, ann, BulkChange(BulkKind.SET_ATTRIBUTE, key="card", value="C-3"))


async def restore(tx, owner, ann, bob):
    await restore_contact(tx, owner, ann)


async def merge(tx, owner, ann, bob):
    await merge_contacts(tx, owner, ann, [bob], choices={"attributes.card": ann})


async def undo(tx, owner, ann, bob):
    sql = "SELECT id FROM merges WHERE organization_id = %(o)s"
    await undo_merge(tx, owner, await tx.fetch_value(sql, {"o": tx.organization_id}), confirm_access=True)


@pytest.mark.parametrize("work", [edit, edit_many, restore, merge, undo])
async def test_a_definition_and_a_write_never_wait_for_each_other(db, organization, owner, work):
    """Another write is under way; a definition waits for it, and a second write behind the definition holds no card."""
    async with db.begin(organization) as tx:
        definition, _ = await create_definition(tx, owner, "card", {"name": "Card"})
        inbox = await make_inbox(tx, owner)
        ann, bob = [await make_person(tx, owner, inbox, name, attributes={"card": f"C-{name}"}) for name in "AB"]
        if work is restore:
            await delete_contact(tx, owner, ann)
        if work is undo:
            await merge(tx, owner, ann, bob)

    async def become_unique():
        async with db.begin(organization) as tx:
            await update_definition(tx, owner, definition.id, {"is_unique": True})

    async def write():
        async with db.begin(organization) as tx:
            await work(tx, owner, ann, bob)

    async with db.begin(organization) as tx:
        await hold_schema(tx)
        waiting = [asyncio.create_task(become_unique())]
        await until_waiting(tx, 1)
        waiting.append(asyncio.create_task(write()))
        await until_waiting(tx, 2)
    await asyncio.gather(*waiting)
