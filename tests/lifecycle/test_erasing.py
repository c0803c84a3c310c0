"""Erasing a person leaves nothing of them anywhere, and proves it."""

from pathlib import Path

import psycopg
import pytest
from tests.lifecycle.marked import Marked, find_left, make_marked

from frontdesk.core.db import Addresses
from frontdesk.core.ids import OrganizationId, new_id
from frontdesk.core.services import Services
from frontdesk.lifecycle.erasing import Mode, erase_contact, get_erasure, is_authentic, is_clean, on_contact_erased
from frontdesk.lifecycle.erasing_queries import MENTIONS, ROWS
from frontdesk.lifecycle.receipt_queries import Erasure
from frontdesk.lifecycle.tables import TABLES, OnErase
from frontdesk.organizations.model import Caller

BY_NAME = {table.name: table for table in TABLES}
MENTIONING = {table for table, _ in MENTIONS}
ELSEWHERE = {"idempotency_keys", "identity_blocks", "imports", "exports"}  # by statements of their own


@pytest.fixture
def declared(addresses: Addresses) -> dict[str, str]:
    """What the comment of every table says about erasing."""
    sql = """
        SELECT relname, obj_description(oid) FROM pg_class
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
           AND relname NOT LIKE 'procrastinate%' AND relname <> 'alembic_version'
    """
    with psycopg.connect(addresses.owner, autocommit=True) as connection:
        return {table: (comment or "").removeprefix("personal: ") for table, comment in connection.execute(sql)}


def test_every_table_does_what_it_declares(declared: dict[str, str]):
    """Comment, registry and statement agree, table by table; a new table fails here until somebody decides."""
    assert {table: said for table, said in declared.items() if said not in {"no", "hashes stay"}} == {
        table.name: table.declared for table in TABLES if table.declared != "no"
    }
    treated = {rows.table for rows in ROWS} | MENTIONING | ELSEWHERE
    assert treated == {table.name for table in TABLES if table.on_erase is not OnErase.KEEP}


def test_what_is_blanked_says_how():
    """A table whose rows stay has columns that are emptied."""
    for rows in ROWS:
        actions = {BY_NAME[rows.table].on_erase, BY_NAME[rows.table].on_personal}
        assert bool(rows.blank) == (OnErase.BLANK in actions), rows.table


async def write_files(services: Services, organization: OrganizationId, word: str) -> dict[str, str]:
    keys = {table: f"{organization}/uploads/{new_id()}" for table in ("attachments", "imports", "exports")}
    for key in keys.values():
        await services.files.write(key, f"about {word}".encode())
    return keys | {"uploads": keys["attachments"]}


async def make(services: Services, organization: OrganizationId, owner: Caller) -> Marked:
    files = await write_files(services, organization, "canary7f3a")
    async with services.db.begin(organization) as tx:
        body = services.cipher.encrypt("{}", purpose="idempotency-answer")
        marked = await make_marked(tx, owner, body, files)
        answer = f'{{"id": "{marked.contact}", "name": "{marked.word}"}}'
        sql = "UPDATE idempotency_keys SET body = %(body)s WHERE organization_id = %(organization)s"
        body = services.cipher.encrypt(answer, purpose="idempotency-answer")
        await tx.execute(sql, {"body": body, "organization": organization})
    return marked


async def erase(services: Services, marked: Marked, mode: Mode) -> Erasure:
    organization = marked.owner.organization_id
    async with services.db.begin(organization) as tx:
        erasure = await erase_contact(tx, services.cipher, marked.owner, marked.contact, mode)
    await on_contact_erased(services, organization, erasure_id=erasure.id)
    async with services.db.begin(organization) as tx:
        return await get_erasure(tx, marked.owner, erasure.id)


@pytest.mark.parametrize("mode", list(Mode))
async def test_nothing_of_the_person_is_left(
    services: Services, organization: OrganizationId, owner: Caller, data: Path, mode: Mode
):
    """With every table filled, no value of the person stands in any column of any table, nor in any file."""
    marked = await make(services, organization, owner)
    async with services.db.begin(organization) as tx:
        before = await find_left(tx, marked.word)
        assert {table for table, _ in before} >= {"contacts", "messages", "audit_log", "import_rows", "segments"}
    erasure = await erase(services, marked, mode)
    async with services.db.begin(organization) as tx:
        left = await find_left(tx, marked.word)
        assert left == [], "\n".join(f"{table}: {row}" for table, row in left)
        assert await find_left(tx, "912345678") == []
        assert await find_left(tx, "Ben") != []
        kept = await tx.fetch_value(
            "SELECT count(*) FROM idempotency_keys WHERE organization_id = %(o)s", {"o": organization}
        )
        assert kept == 0
    folder = data / "files" / str(organization)
    assert not [path for path in folder.rglob("*") if path.is_file() and b"canary" in path.read_bytes()]
    assert is_authentic(services.cipher, erasure)
    assert is_clean(erasure), erasure.receipt
