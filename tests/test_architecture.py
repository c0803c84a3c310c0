"""Promises about the whole code base and the whole schema, whoever wrote a part of it."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import typer
from psycopg_pool import AsyncConnectionPool

import frontdesk
from frontdesk.cli import app as command_line
from frontdesk.core.db import Addresses, Database, Row
from frontdesk.core.ids import OrganizationId
from frontdesk.core.problems import BUG, HTTP_SLUGS
from frontdesk.openapi import list_problems
from frontdesk.organizations.model import Right
from frontdesk.settings import Settings

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "frontdesk"
REFERENCE = ROOT / "docs" / "reference"
MODULES = sorted(SOURCE.rglob("*.py"))
MAX_MODULE_LINES = 500
MAX_FUNCTION_LINES = 60

# read before an organization is known, by narrow queries; they have no secrets beyond hashes
BOOTSTRAP = {"users", "memberships", "user_sessions", "password_resets", "throttle_attempts", "directory"}
QUEUE = "procrastinate_"  # the queue's own tables: arguments of jobs are ids only
NOT_OURS = {"alembic_version"}


@pytest.fixture
def owner(addresses: Addresses) -> Iterator[psycopg.Connection]:
    """The database as the owner of its tables."""
    with psycopg.connect(addresses.owner, autocommit=True) as connection:
        yield connection


def list_tables(connection: psycopg.Connection) -> list[str]:
    """Our tables."""
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
    return [name for (name,) in rows if not name.startswith(QUEUE) and name not in NOT_OURS]


def list_columns(connection: psycopg.Connection, table: str) -> list[str]:
    sql = "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND table_schema = 'public'"
    return [name for (name,) in connection.execute(sql, [table]).fetchall()]


def list_closed(connection: psycopg.Connection) -> list[str]:
    """The tables of organizations."""
    return [table for table in list_tables(connection) if table not in BOOTSTRAP]


def key_of(table: str) -> str:
    return "id" if table == "organizations" else "organization_id"


# --- the database ---


def test_every_table_belongs_to_an_organization_or_is_known_to_be_read_before(owner):
    """There is no third kind of table."""
    assert set(list_tables(owner)) >= BOOTSTRAP
    for table in list_closed(owner):
        assert key_of(table) in list_columns(owner, table), table


def test_row_level_security_is_forced_on_every_table_of_an_organization(owner):
    """Even the owner sees the rows of one organization only, by one rule, which covers reading and writing."""
    for table in list_closed(owner):
        enabled, forced = owner.execute(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", [table]
        ).fetchone()
        assert (enabled, forced) == (True, True), table
        policies = owner.execute(
            "SELECT permissive, cmd, roles::text[], qual, with_check FROM pg_policies WHERE tablename = %s", [table]
        ).fetchall()
        rule = f"({key_of(table)} = (NULLIF(current_setting('app.organization_id'::text, true), ''::text))::uuid)"
        assert policies == [("PERMISSIVE", "ALL", ["public"], rule, None)], table


def test_keys_and_indexes_begin_with_the_organization(owner):
    """Primary keys, unique keys and their indexes: no search ever crosses organizations, and rows can be distributed."""
    sql = """
        SELECT i.relname, a.attname FROM pg_index x
          JOIN pg_class i ON i.oid = x.indexrelid
          JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
         WHERE x.indrelid = %s::regclass AND x.indisunique
    """
    for table in list_closed(owner):
        found = owner.execute(sql, [table]).fetchall()
        assert found, f"{table} has no primary key"
        assert {column for _, column in found} == {key_of(table)}, (table, found)


def test_foreign_keys_between_tables_of_organizations_begin_with_the_organization(owner):
    """A row refers to rows of its own organization only, and the database itself refuses anything else."""
    sql = """
        SELECT c.conname, c.confrelid::regclass::text, a.attname, b.attname FROM pg_constraint c
          JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
          JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[1]
         WHERE c.contype = 'f' AND c.conrelid = %s::regclass
    """
    for table in list_closed(owner):
        for name, target, column, target_column in owner.execute(sql, [table]).fetchall():
            assert column == "organization_id", name
            assert target_column == key_of(target), name


def test_every_table_says_how_erasing_a_person_treats_it(owner):
    """The comment of each table begins with `personal:`; the erase step is compared with it."""
    for table in list_tables(owner):
        (comment,) = owner.execute("SELECT obj_description(%s::regclass)", [table]).fetchone()
        assert re.match(r"personal: \w+", comment or ""), table


def test_the_app_cannot_get_around_any_of_this(owner, addresses):
    """The app's role owns nothing, is no superuser, may not bypass row-level security, nor become somebody who may."""
    with psycopg.connect(addresses.app) as connection:
        (name,) = connection.execute("SELECT current_user").fetchone()
    sql = "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles WHERE rolname = %s"
    assert owner.execute(sql, [name]).fetchone() == (False,) * 5
    owned = "SELECT count(*) FROM pg_class WHERE relowner = %s::regrole"
    assert owner.execute(owned, [name]).fetchone() == (0,)
    strong = "SELECT rolname FROM pg_roles WHERE (rolsuper OR rolbypassrls) AND pg_has_role(%s, oid, 'MEMBER')"
    assert owner.execute(strong, [name]).fetchall() == []
    owners = """
        SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public' AND pg_has_role(%s, tableowner, 'MEMBER')
           AND tablename NOT LIKE 'procrastinate%%'
    """
    assert owner.execute(owners, [name]).fetchall() == []


async def test_a_connection_without_begin_sees_nothing(owner, addresses, db: Database, organization: OrganizationId):
    """Before `begin`, after it, and in a bootstrap transaction every table of an organization looks empty."""
    closed = list_closed(owner)

    async def count_rows(connection: psycopg.AsyncConnection[Row]) -> int:
        counts = [await (await connection.execute(f"SELECT count(*) FROM {table}")).fetchone() for table in closed]
        return sum(count for (count,) in counts)

    async with AsyncConnectionPool(addresses.app, min_size=1, max_size=1, open=False) as pool:
        async with pool.connection() as connection:
            assert await count_rows(connection) == 0
        own = Database(pool)
        async with own.begin(organization) as tx:
            assert await count_rows(tx.connection) > 0
        async with pool.connection() as connection:
            assert await count_rows(connection) == 0
        async with own.begin_bootstrap() as tx:
            assert await count_rows(tx.connection) == 0


async def test_a_transaction_writes_into_its_own_organization_only(
    db: Database, organization: OrganizationId, other_organization: OrganizationId
):
    """A row that names another organization is refused by the database, whatever a query forgets."""
    sql = "INSERT INTO organizations (id, name, created_at) VALUES (gen_random_uuid(), 'x', now())"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with db.begin(organization) as tx:
            await tx.execute(sql)
    async with db.begin(organization) as tx:
        params = {"other": other_organization}
        assert await tx.execute("UPDATE organizations SET name = 'x' WHERE id = %(other)s", params) == 0
        assert await tx.execute("DELETE FROM organizations WHERE id = %(other)s", params) == 0


# --- the code ---


def test_no_module_outgrows_its_budget():
    """A module has at most 500 lines, a function 60."""
    for path in MODULES:
        text = path.read_text()
        assert len(text.splitlines()) <= MAX_MODULE_LINES, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= MAX_FUNCTION_LINES, f"{path}: {node.name} has {length} lines"


def test_no_drawer_for_odds_and_ends():
    """No module is called after what it is not about, and no class after a role instead of a thing."""
    refused = {"utils", "util", "helpers", "helper", "common", "misc", "base_classes"}
    assert not [path for path in MODULES if path.stem in refused]
    endings = ("Manager", "Service", "Helper", "Processor", "Impl")
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.ClassDef) and node.name.endswith(endings)), (path, node)


def test_nothing_is_left_for_later():
    """What is not built is absent: no stub says that something is still to come."""
    words = re.compile(r"\b(TODO|FIXME|XXX|raise NotImplementedError)\b")
    for path in MODULES:
        assert not words.search(path.read_text()), path


def test_the_import_rules_run_in_make_check():
    """The contracts about imports are checked by a tool, by everybody and by CI."""
    check = (ROOT / "Makefile").read_text().partition("\ncheck:")[2].partition("\n\n")[0]
    assert "lint-imports" in check
    assert "make check" in (ROOT / ".ci" / "run").read_text()
    contracts = (ROOT / "pyproject.toml").read_text()
    assert "Imports point downwards" in contracts
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")} - {"migrations"}
    layers = set(re.findall(r"[a-z]+", contracts.partition("layers = [")[2].partition("]")[0]))
    assert packages <= layers


# --- the documentation ---


def load_everything() -> None:
    for module in pkgutil.walk_packages(frontdesk.__path__, "frontdesk."):
        if ".migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def read_names(page: str) -> set[str]:
    """The names in the first column of a page's tables."""
    rows = [line.split("|")[1] for line in (REFERENCE / page).read_text().splitlines() if line.startswith("|")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_every_problem_is_documented():
    """The page lists exactly the slugs that can come."""
    load_everything()
    assert read_names("problems.md") == {*list_problems(), *HTTP_SLUGS.values(), "http-error", BUG}
    text = (REFERENCE / "problems.md").read_text()
    for slug, error in list_problems().items():
        assert f"| `{slug}` | {error.status} |" in text


def test_every_setting_is_documented():
    """The page lists exactly the settings that are read, each with its default where it is a plain value."""
    fields = Settings.model_fields
    names = {str(field.validation_alias or f"FRONTDESK_{name.upper()}") for name, field in fields.items()}
    assert read_names("settings.md") == names
    text = (REFERENCE / "settings.md").read_text()
    for name, field in fields.items():
        assert field.description, name
        if isinstance(field.default, int | str) and not isinstance(field.default, bool):
            assert str(field.default) in text, name


def test_every_command_is_documented():
    """The page lists exactly the commands that there are, and names each of their options."""
    commands = typer.main.get_command(command_line).commands
    assert read_names("cli.md") == {f"frontdesk {name}" for name in commands}
    page = (REFERENCE / "cli.md").read_text()
    for command in commands.values():
        options = [name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)]
        assert [name for name in options if name.startswith("--") and name not in page] == [], command.name


def test_every_right_is_documented():
    """The page lists exactly the rights that there are."""
    assert read_names("rights.md") == set(Right)
