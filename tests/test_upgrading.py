"""A database of an earlier release becomes one of this, with everybody who is in it."""

import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from psycopg.conninfo import make_conninfo

from frontdesk.bootstrap import open_services
from frontdesk.core.embedded import run_embedded
from frontdesk.core.ids import ContactId, OrganizationId
from frontdesk.core.wire import Paging
from frontdesk.identities.listing import ContactFilters, list_contacts
from frontdesk.identities.queries import resolve_contact_id
from frontdesk.lifecycle.undoing import list_merges, undo_merge
from frontdesk.migrate import embedded_addresses, migrate
from frontdesk.organizations.model import system_caller
from frontdesk.settings import Settings

ORGANIZATION, MEMBER, VISITOR = (UUID(int=number) for number in (1, 2, 3))
OF_THE_FIRST_RELEASE = f"""
SET session_replication_role = replica;  -- only what matters here, whatever it refers to
INSERT INTO organizations (id, name, created_at) VALUES ('{ORGANIZATION}', 'Old', now());
INSERT INTO directory (public_id, organization_id, kind) VALUES ('old', '{ORGANIZATION}', 'inbox');
INSERT INTO realms (organization_id, id, name, kind, is_default, created_at)
VALUES ('{ORGANIZATION}', '{UUID(int=4)}', 'Members', 'member', true, now());
INSERT INTO contacts (organization_id, id, name, created_at, updated_at, deleted_at)
VALUES ('{ORGANIZATION}', '{MEMBER}', '張偉', now(), now(), NULL), ('{ORGANIZATION}', '{VISITOR}', '', now(), now(), now());
INSERT INTO identities (organization_id, id, realm_id, source_id, contact_id, created_at)
VALUES ('{ORGANIZATION}', '{UUID(int=5)}', '{UUID(int=4)}', 'M-1', '{MEMBER}', now());
INSERT INTO contact_emails (organization_id, contact_id, position, email)
VALUES ('{ORGANIZATION}', '{MEMBER}', 1, 'Wei@Example.com');
INSERT INTO contact_fields (organization_id, contact_id, field, provenance, set_at)
VALUES ('{ORGANIZATION}', '{MEMBER}', 'emails', 'signed', now());
INSERT INTO conversations (organization_id, id, contact_id, inbox_id, created_at, updated_at, last_message_at)
VALUES ('{ORGANIZATION}', '{UUID(int=6)}', '{MEMBER}', '{UUID(int=7)}', '2026-01-01', now(), '2026-01-01');
INSERT INTO merges (organization_id, id, survivor_id, reason, merged_at)
VALUES ('{ORGANIZATION}', '{UUID(int=8)}', '{MEMBER}', 'login', now());
INSERT INTO merge_moves (organization_id, merge_id, table_name, row_id, from_contact_id)
VALUES ('{ORGANIZATION}', '{UUID(int=8)}', 'conversations', '{UUID(int=6)}', '{VISITOR}');
INSERT INTO merged_contacts (organization_id, contact_id, survivor_id, merge_id)
VALUES ('{ORGANIZATION}', '{VISITOR}', '{MEMBER}', '{UUID(int=8)}');
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that a server without privileges can pass."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def test_the_first_release_is_upgraded_with_its_people_and_merges(folder):
    """They are found by what they are called, addresses are said by whom they were, and a login is undone exactly."""
    settings = Settings(data=folder / "data")
    with run_embedded(settings.data) as server:
        addresses = embedded_addresses(server, settings.data)
        config = Config()
        config.set_main_option("script_location", str(resources.files("frontdesk") / "migrations"))
        config.attributes["conninfo"] = addresses.owner
        command.upgrade(config, "0004")
        with psycopg.connect(make_conninfo(server.superuser_dsn, dbname="frontdesk")) as connection:
            connection.execute(OF_THE_FIRST_RELEASE)
        migrate(addresses)
        async with open_services(settings, addresses) as services:
            await _look(services.db)


async def _look(db):
    organization = OrganizationId(ORGANIZATION)
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        for query in ("張", "M-1", "wei@example", ""):
            found = await list_contacts(tx, caller, ContactFilters(query=query), Paging(limit=10, offset=0))
            assert [row.contact.id for row in found.rows] == [MEMBER]
        said = "SELECT provenance, learned_assurance FROM contact_emails"
        assert await tx.fetch(said, {}) == [("signed", 3)]
        _, (merge,) = await list_merges(tx, caller, ContactId(VISITOR), limit=10)
        assert merge.merged_ids == [VISITOR]
        undone = await undo_merge(tx, caller, merge.id)
        assert undone.returned["conversations"] == 1
        assert await tx.fetch("SELECT contact_id FROM conversations", {}) == [(VISITOR,)]
        assert await resolve_contact_id(tx, ContactId(VISITOR)) == VISITOR
