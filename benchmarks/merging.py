"""How long a merge and its undo take, by how much the merged contact has; and that the undo is exact.

Run `python benchmarks/merging.py [messages]` (default 100,000). The contact's messages lie in one conversation, in a
thousand, and each in a conversation of its own; with as many remembered facts and notes as conversations, up to a
thousand. Before the merge and after the undo every table has the same checksum, but for versions, times of change, log
and ledger. Prints a table, then JSON; exits with 1 if a checksum differs.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from frontdesk.assistants.actions import ModelRules
from frontdesk.bootstrap import open_database, open_services
from frontdesk.channels.actions import create_inbox
from frontdesk.channels.assistant_actions import create_assistant_with_inbox
from frontdesk.channels.model import ChannelType, InboxChanges
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.model import CardFields, Provenance
from frontdesk.core.db import Database, Tx
from frontdesk.core.ids import ContactId, InboxId, OrganizationId
from frontdesk.core.services import Services
from frontdesk.identities.source_ids import set_source_id
from frontdesk.lifecycle.merging import merge_contacts
from frontdesk.lifecycle.previewing import preview_merge
from frontdesk.lifecycle.tables import TABLES, OnMerge
from frontdesk.lifecycle.undoing import preview_undo, undo_merge
from frontdesk.organizations.actions import create_organization
from frontdesk.organizations.model import Caller, system_caller
from frontdesk.settings import Settings

MOST_FACTS = 1000
HEAD = f"{'conversations':>13}{'messages':>10}{'preview':>10}{'merge':>10}{'preview':>10}{'undo':>10}  exact"
FILL = """
    WITH talks AS (
        INSERT INTO conversations (organization_id, id, contact_id, inbox_id, title, last_message_at, created_at,
                                   updated_at)
        SELECT %(organization)s, gen_random_uuid(), %(contact)s, %(inbox)s, 'Talk ' || n, now(), now(), now()
          FROM generate_series(1, %(conversations)s) AS n
     RETURNING id),
    numbered AS (SELECT id, row_number() OVER () - 1 AS number FROM talks),
    written AS (
        INSERT INTO messages (organization_id, id, conversation_id, type, sender_kind, sender_id, assurance, content,
                              created_at)
        SELECT %(organization)s, gen_random_uuid(), all_talks.ids[n %% %(conversations)s + 1], 'incoming', 'contact',
               %(contact)s, 0, 'Message ' || n, now()
          FROM generate_series(1, %(messages)s) AS n, (SELECT array_agg(id) AS ids FROM talks) AS all_talks),
    noted AS (
        INSERT INTO notes (organization_id, id, contact_id, author_id, body, created_at, updated_at)
        SELECT %(organization)s, gen_random_uuid(), %(contact)s, gen_random_uuid(), 'Note ' || number, now(), now()
          FROM numbered WHERE number < %(facts)s)
    INSERT INTO memory_facts (organization_id, id, contact_id, topic, text, learned_assurance, learned_at, updated_at)
    SELECT %(organization)s, gen_random_uuid(), %(contact)s, 'topic ' || number, 'A fact', 3, now(), now()
      FROM numbered WHERE number < %(facts)s
"""


async def make_organization(services: Services) -> tuple[OrganizationId, Caller, InboxId]:
    organization_id, _ = await create_organization(
        services.db,
        name="Bench",
        owner_email=f"bench-{uuid4().hex}@example.com",
        owner_name="Olga",
        password=uuid4().hex,
    )
    owner, rules = system_caller(organization_id), ModelRules(services.cipher, services.model_urls)
    async with services.db.begin(organization_id) as tx:
        assistant, _ = await create_assistant_with_inbox(tx, owner, {"name": "Shop", "base_ids": ()}, rules)
        changes = InboxChanges(name="Web", assistant_id=assistant.id)
        inbox, _ = await create_inbox(tx, owner, changes, channel_type=ChannelType.WEB)
    return organization_id, owner, inbox.id


async def make_person(tx: Tx, owner: Caller, inbox: InboxId, name: str) -> ContactId:
    fields = CardFields(name=name, emails=(f"{name}@example.com",), attributes={name: 1})
    contact = await create_contact(tx, owner, fields=fields, inbox_ids=[inbox], provenance=Provenance.API)
    await set_source_id(tx, owner, contact.id, f"S-{name}")
    return contact.id


async def checksum(tx: Tx) -> dict[str, str | None]:
    """The checksum of each table that a merge touches."""
    found: dict[str, str | None] = {}
    for table in TABLES:
        if table.on_merge is not OnMerge.RECORD and table.name not in {"chat_sessions", "audit_log"}:
            sql = f"""
                SELECT md5(string_agg(md5(row), '' ORDER BY row))
                  FROM (SELECT (to_jsonb(t) - ARRAY['version', 'updated_at'])::text AS row FROM {table.name} t
                         WHERE organization_id = %(organization)s) AS rows
            """
            found[table.name] = await tx.fetch_value(sql, {"organization": tx.organization_id})
    return found


async def timed(db: Database, organization_id: OrganizationId, act: Any) -> tuple[Any, float]:
    """What `act` returns, and how long it took with its transaction."""
    begun = time.perf_counter()
    async with db.begin(organization_id) as tx:
        done = await act(tx)
    return done, time.perf_counter() - begun


async def measure(services: Services, conversations: int, messages: int) -> dict[str, Any]:
    organization, owner, inbox = await make_organization(services)
    async with services.db.begin(organization) as tx:
        survivor, other = [await make_person(tx, owner, inbox, name) for name in ("ann", "bob")]
        params = {
            "organization": organization,
            "contact": other,
            "inbox": inbox,
            "conversations": conversations,
            "messages": messages,
            "facts": min(conversations, MOST_FACTS),
        }
        await tx.execute(FILL, params)
    before, _ = await timed(services.db, organization, checksum)
    _, looked = await timed(services.db, organization, lambda tx: preview_merge(tx, owner, survivor, [other], {}))
    merged, merging = await timed(
        services.db, organization, lambda tx: merge_contacts(tx, owner, survivor, [other], choices={})
    )
    _, looked_again = await timed(services.db, organization, lambda tx: preview_undo(tx, owner, merged.merge_id))
    _, undoing = await timed(
        services.db, organization, lambda tx: undo_merge(tx, owner, merged.merge_id, confirm_access=True)
    )
    after, _ = await timed(services.db, organization, checksum)
    return {
        "conversations": conversations,
        "messages": messages,
        "preview": looked,
        "merge": merging,
        "undo_preview": looked_again,
        "undo": undoing,
        "exact": before == after,
    }


def show(figures: dict[str, Any]) -> None:
    times = "".join(f"{figures[name]:>8.2f} s" for name in ("preview", "merge", "undo_preview", "undo"))
    exact = "yes" if figures["exact"] else "NO"
    print(f"{figures['conversations']:>13}{figures['messages']:>10}{times}  {exact}", flush=True)


async def main(messages: int) -> int:
    figures: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="frontdesk-merge-", ignore_cleanup_errors=True) as folder:
        settings = Settings(data=Path(folder))
        with open_database(settings) as addresses:
            async with open_services(settings, addresses) as services:
                print(HEAD)
                for count in (1, 1000, messages):
                    figures.append(await measure(services, count, messages))
                    show(figures[-1])
    print(json.dumps(figures))
    return 0 if all(one["exact"] for one in figures) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)))
