"""Brings a database to the present schema: roles, extensions, queue, Alembic revisions. Safe to repeat and to race."""

import secrets
from contextlib import suppress
from importlib import resources
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from psycopg.conninfo import make_conninfo

from frontdesk.core.db import Addresses
from frontdesk.core.embedded import EmbeddedServer

_LOCK = 0x66726F6E  # "fron": one migration at a time, whatever process starts it
_ROLES = ("frontdesk_owner", "frontdesk_app", "frontdesk_maintenance")
_EXTENSIONS = ("vector", "pg_trgm", "btree_gin")
_INDEXED = ("pg_catalog.textlike(text, text)", "pg_catalog.jsonb_contains(jsonb, jsonb)")  # LIKE and @>


class DatabaseNotReady(Exception):
    """The database cannot be used; the message says why and what to do, in one sentence."""


def embedded_addresses(server: EmbeddedServer, folder: Path) -> Addresses:
    """Make database and roles in the embedded server if they are missing; passwords are files of mode 0600."""
    passwords = {role: _password(folder / f"{role}.password") for role in _ROLES}
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        _create_roles(connection, passwords)
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'frontdesk'").fetchone():
            connection.execute("CREATE DATABASE frontdesk OWNER frontdesk_owner")
    with psycopg.connect(make_conninfo(server.superuser_dsn, dbname="frontdesk"), autocommit=True) as connection:
        _create_extensions(connection)
        _trust_indexed_operators(connection)
    return Addresses(*(server.dsn(role, passwords[role]) for role in _ROLES))


def external_addresses(app_url: str, owner_url: str) -> Addresses:
    """Return where each role signs in at DATABASE_URL; the sign-in name is made a member of the three roles."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            _create_roles(connection, None)
            _create_extensions(connection)
        except psycopg.errors.InsufficientPrivilege as error:
            reason = error.diag.message_primary
            remedy = "set FRONTDESK_OWNER_DATABASE_URL to a user who may"
            msg = f"The database user may not prepare the database ({reason}): {remedy}."
            raise DatabaseNotReady(msg) from error
        with suppress(psycopg.errors.InsufficientPrivilege):  # search is right without it, and slower
            _trust_indexed_operators(connection)
    urls = zip(_ROLES, (owner_url, app_url, owner_url), strict=True)
    return Addresses(*(make_conninfo(url, options=f"-c role={role}") for role, url in urls))


def migrate(addresses: Addresses) -> None:
    """Run what is missing, as the owner; two processes that start at once wait for each other."""
    with psycopg.connect(addresses.owner, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        _migrate_queue(connection)
        config = Config()
        config.set_main_option("script_location", str(resources.files("frontdesk") / "migrations"))
        config.attributes["conninfo"] = addresses.owner
        command.upgrade(config, "head")


def _create_roles(connection: psycopg.Connection, passwords: dict[str, str] | None) -> None:
    for role in _ROLES:
        name = sql.Identifier(role)
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {}").format(name))
            if role == "frontdesk_maintenance":
                connection.execute(sql.SQL("ALTER ROLE {} BYPASSRLS").format(name))
        if passwords:
            connection.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(passwords[role])))
        else:
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(name))
    if not passwords:
        owner = sql.SQL(
            "GRANT CREATE ON DATABASE {} TO frontdesk_owner; GRANT USAGE, CREATE ON SCHEMA public TO frontdesk_owner"
        )
        connection.execute(owner.format(sql.Identifier(connection.info.dbname)))


def _create_extensions(connection: psycopg.Connection) -> None:
    for name in _EXTENSIONS:
        if connection.execute("SELECT 1 FROM pg_extension WHERE extname = %s", [name]).fetchone():
            continue
        try:
            connection.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(name)))
        except (psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile) as error:
            remedy = "install it on the server; for vector that is pgvector 0.8 or newer"
            msg = f"PostgreSQL lacks the extension {name!r}: {remedy}."
            raise DatabaseNotReady(msg) from error


def _trust_indexed_operators(connection: psycopg.Connection) -> None:
    """Let row-level security use the indexes of LIKE and @>; only a superuser may. See docs/decisions/0011."""
    for function in _INDEXED:
        connection.execute(f"ALTER FUNCTION {function} LEAKPROOF")


def _migrate_queue(connection: psycopg.Connection) -> None:
    if connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone() != (None,):
        return
    with connection.transaction():
        connection.execute((resources.files("procrastinate.sql") / "schema.sql").read_bytes())
        connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO frontdesk_app")
        connection.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO frontdesk_app")


def _password(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))
    return path.read_text()
