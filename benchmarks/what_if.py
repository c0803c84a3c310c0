"""What a what-if costs, beside one plain count over the contacts.

Run `python benchmarks/what_if.py [contacts documents]` (default 1,000,000 and 10,000). Three inboxes; one contact in
five has one of 20 profiles, one in ten is known, one in fifty has one of 500 conditions of its own. Prints a table,
then JSON: milliseconds, and how many times the count that is.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from frontdesk.access.actions import create_profile
from frontdesk.access.model import Assurance
from frontdesk.access.profiles import AccessProfile, ProfileChanges
from frontdesk.assistants.actions import ModelRules
from frontdesk.bootstrap import open_database, open_services
from frontdesk.channels.actions import create_inbox
from frontdesk.channels.assistant_actions import create_assistant_with_inbox
from frontdesk.channels.model import ChannelType, Inbox, InboxChanges
from frontdesk.core.db import Addresses, Tx
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId, new_id
from frontdesk.core.services import Services
from frontdesk.knowledge.actions import create_knowledge_base, create_label
from frontdesk.lifecycle import what_if
from frontdesk.lifecycle.what_if import WhatIf
from frontdesk.organizations.actions import create_organization
from frontdesk.organizations.model import Caller, system_caller
from frontdesk.settings import Settings

ROUNDS = 3
LABELS, PROFILES = 30, 20

CONTACTS = """
    INSERT INTO contacts (organization_id, id, name, query_metadata, created_at, updated_at)
    SELECT %(organization)s, gen_random_uuid(), 'Contact ' || n,
           CASE WHEN n %% 50 = 0 THEN jsonb_build_object('knowledge_bases', jsonb_build_array(jsonb_build_object(
                'knowledge_base_id', %(base)s::text, 'label_relations', jsonb_build_object('operator', 'OR',
                'conditions', jsonb_build_array(jsonb_build_object('label_id', (%(labels)s::text[])[1 + n / 50 %% 30]),
                                                jsonb_build_object('label_id', (%(labels)s::text[])[1 + n / 1500 %% 17])
                )))))
           END, now(), now()
      FROM generate_series(1, %(contacts)s) n
"""
PLACES = """
    INSERT INTO contact_inboxes (organization_id, contact_id, inbox_id)
    SELECT organization_id, id, (%(inboxes)s::uuid[])[1 + (hashtext(id::text) & 3) %% 3] FROM contacts
     WHERE organization_id = %(organization)s
"""
KNOWN = """
    INSERT INTO identities (organization_id, id, realm_id, source_id, contact_id, created_at)
    SELECT organization_id, gen_random_uuid(), %(realm)s, 'M-' || id, id, now() FROM contacts
     WHERE organization_id = %(organization)s AND hashtext(id::text) %% 10 = 0
"""
HELD = """
    INSERT INTO profile_assignments (organization_id, contact_id, profile_id, provenance, assigned_at)
    SELECT organization_id, id, (%(profiles)s::uuid[])[1 + abs(hashtext('p' || id)) %% 20], 'api', now() FROM contacts
     WHERE organization_id = %(organization)s AND abs(hashtext('h' || id)) %% 5 = 0
"""
DOCUMENTS = """
    INSERT INTO documents (organization_id, id, knowledge_base_id, kind, title, state, created_at, updated_at)
    SELECT %(organization)s, gen_random_uuid(), %(base)s, 'faq', 'Document ' || n, 'done', now(), now()
      FROM generate_series(1, %(documents)s) n
"""
LABELLED = """
    INSERT INTO document_labels (organization_id, document_id, label_id, knowledge_base_id)
    SELECT organization_id, id, (%(labels)s::uuid[])[1 + abs(hashtext(n || id::text)) %% 30], knowledge_base_id
      FROM documents, generate_series(1, 3) n WHERE organization_id = %(organization)s ON CONFLICT DO NOTHING
"""
COUNT = "SELECT count(*) FROM contacts WHERE organization_id = %(organization)s AND deleted_at IS NULL"


class Desk:
    """One organization with everything in it."""

    def __init__(self, base: KnowledgeBaseId, labels: list[LabelId], profiles: list[AccessProfile]) -> None:
        self.base, self.labels, self.profiles = base, labels, profiles
        self.inboxes: list[Inbox] = []

    def open(self, *labels: LabelId) -> dict[str, Any]:
        """Query metadata that opens what carries one of these labels."""
        conditions = [{"label_id": str(label)} for label in labels]
        relation = {"operator": "OR", "conditions": conditions, "applies_to": "all"}
        clause = {"knowledge_base_id": str(self.base), "has_user_selected_all": True, "label_relations": relation}
        return {"knowledge_bases": [clause]}


def main(contacts: int, documents: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        settings = Settings(data=Path(folder) / "data")
        with open_database(settings) as addresses:
            print(json.dumps(asyncio.run(run(settings, addresses, contacts, documents))))


async def run(settings: Settings, addresses: Addresses, contacts: int, documents: int) -> dict[str, Any]:
    async with open_services(settings, addresses) as services:
        return await measure(services, addresses, contacts, documents)


async def measure(services: Services, addresses: Addresses, contacts: int, documents: int) -> dict[str, Any]:
    organization_id, _ = await create_organization(
        services.db, name="Bench", owner_email="bench@example.com", owner_name="Bench", password=new_id().hex
    )
    caller = system_caller(organization_id)
    async with services.db.begin(organization_id) as tx:
        desk = await make_desk(tx, services, caller)
        params = {
            "organization": organization_id,
            "base": desk.base,
            "labels": [str(label) for label in desk.labels],
            "inboxes": [inbox.id for inbox in desk.inboxes],
            "realm": desk.inboxes[0].realm_id,
            "profiles": [profile.id for profile in desk.profiles],
            "contacts": contacts,
            "documents": documents,
        }
        for statement in (DOCUMENTS, LABELLED, CONTACTS, PLACES, KNOWN, HELD):
            await tx.execute(statement, params)
        rows = await tx.fetch("SELECT id FROM documents ORDER BY title LIMIT 100")
        contact_id = await tx.fetch_value("SELECT contact_id FROM profile_assignments LIMIT 1")
    async with await psycopg.AsyncConnection.connect(addresses.owner, autocommit=True) as connection:
        await connection.execute("VACUUM ANALYZE")
    chosen = [DocumentId(row[0]) for row in rows]
    inbox, profile, wider = desk.inboxes[0], desk.profiles[0], desk.open(*desk.labels[:9])
    assistant, gone = inbox.assistant_id, desk.labels[0]
    cases: dict[str, Callable[[Tx], Awaitable[Any]]] = {
        "count of contacts": lambda tx: tx.fetch_value(COUNT, params),
        "a profile": lambda tx: what_if.preview_profile(tx, caller, profile.id, wider),
        "one contact": lambda tx: what_if.preview_contact(tx, caller, contact_id, wider),
        "an inbox": lambda tx: what_if.preview_inbox(tx, caller, inbox.id, {"member_scope": wider}),
        "labels of 100 documents": lambda tx: what_if.preview_labels(tx, caller, desk.base, chosen, [gone]),
        "a label deleted": lambda tx: what_if.preview_label_deletion(tx, caller, desk.base, gone),
        "a base detached": lambda tx: what_if.preview_bases(tx, caller, assistant, []),
    }
    figures: dict[str, Any] = {}
    for name, ask in cases.items():
        figures[name] = await measure_one(services, caller, ask)
        figures[name]["times the count"] = round(figures[name]["ms"] / figures["count of contacts"]["ms"], 1)
        print(f"{name:28}", *(f"{key} {value:>10}" for key, value in figures[name].items()))
    return figures


async def measure_one(services: Services, caller: Caller, ask: Callable[[Tx], Awaitable[Any]]) -> dict[str, Any]:
    times: list[float] = []
    for _ in range(ROUNDS):
        async with services.db.begin(caller.organization_id) as tx:
            started = time.perf_counter()
            found = await ask(tx)
            times.append(time.perf_counter() - started)
    figures: dict[str, Any] = {"ms": round(median(times) * 1000, 1)}
    if isinstance(found, WhatIf):
        figures |= {"contacts": found.contacts_gaining + found.contacts_losing, "exact": found.is_exact}
    return figures


async def make_desk(tx: Tx, services: Services, caller: Caller) -> Desk:
    base = await create_knowledge_base(tx, caller, {"name": "Base"}, embedding_model="none")
    labels = [(await create_label(tx, caller, base.id, f"label {number}")).id for number in range(LABELS)]
    desk = Desk(base.id, labels, [])
    for number in range(PROFILES):
        opened = desk.open(*labels[number : number + 5])
        least = Assurance.ANONYMOUS if number % 2 else Assurance.CHANNEL
        changes = ProfileChanges(name=f"Profile {number}", query_metadata=opened, minimum_assurance=least)
        desk.profiles.append((await create_profile(tx, caller, changes))[0])
    rules = ModelRules(services.cipher, ())
    assistant, _ = await create_assistant_with_inbox(tx, caller, {"name": "Shop", "base_ids": [base.id]}, rules)
    for name in ("Web", "Help", "Members"):
        written = InboxChanges(
            name=name,
            assistant_id=assistant.id,
            visitor_scope=desk.open(labels[0]),
            member_scope=desk.open(*labels[:3]),
        )
        desk.inboxes.append((await create_inbox(tx, caller, written, channel_type=ChannelType.WEB))[0])
    return desk


if __name__ == "__main__":
    wanted = [int(one) for one in sys.argv[1:]] or [1_000_000, 10_000]
    main(*wanted)
