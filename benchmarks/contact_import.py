"""What importing contacts costs, beside COPY: of the same file into a bare table, and of the same rows into our tables.

Run `python benchmarks/contact_import.py [rows]` (default 10,000). The file has seven columns; 1 % of its rows are
broken, 2 % repeat somebody. Our tables: what the import wrote (cards, addresses, who said what, identities, audit log,
results of rows), put there again by COPY, with the same indexes and foreign keys. Prints a table, then JSON.
"""

import asyncio
import csv
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from frontdesk.bootstrap import open_database, open_services
from frontdesk.core.db import Addresses
from frontdesk.core.ids import OrganizationId, new_id
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.core.uploads import UploadForm, describe_upload_file, store_upload_file
from frontdesk.lifecycle import importing
from frontdesk.lifecycle.import_handlers import on_import_started
from frontdesk.lifecycle.import_model import ImportId
from frontdesk.lifecycle.importing import NewImport
from frontdesk.organizations.actions import create_organization
from frontdesk.organizations.model import system_caller
from frontdesk.settings import Settings

HEADER = ["name", "email", "phone", "member no", "language", "attributes.level", "attributes.city"]
TABLES = (
    "contacts", "identities", "contact_emails", "contact_phones", "contact_fields", "audit_log", "import_rows",
)  # fmt: skip
COLUMNS = """
    SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'
"""


def list_rows(count: int) -> Iterator[list[str]]:
    """Yield the rows of the file."""
    for number in range(count):
        person = number - 50 if number % 100 in {51, 52} else number
        email = f"broken-{number}" if number % 100 == 99 else f"person{person}@shop{person % 50}.com.tw"
        phone, member = f"+88691{person % 10_000_000:07}", f"M-{person:07}"
        yield [f"王小明{person}", email, phone, member, "zh-Hant", ("gold", "basic")[number % 2], "臺北"]


def write_file(path: Path, count: int) -> None:
    """Write the file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(list_rows(count))


async def begin(services: Services, organization: OrganizationId, path: Path) -> ImportId:
    """Bring the file as an import."""
    key = f"{organization}/imports/{new_id()}"
    form = UploadForm(organization, key, "contact-import", path.name, 0, utc_now())
    with path.open("rb") as file:
        stored = describe_upload_file(form, file)
        await store_upload_file(services.files, key, file)
    return (await importing.begin_import(services, system_caller(organization), stored, NewImport(key))).id


async def time_step(services: Services, organization: OrganizationId, import_id: ImportId, step: str) -> float:
    """Return how many seconds a check, a run or an undo takes."""
    start = {"check": importing.start_check, "run": importing.start_run, "undo": importing.start_undo}[step]
    async with services.db.begin(organization) as tx:
        await start(tx, system_caller(organization), import_id)
    started = time.perf_counter()
    await on_import_started(services, organization, import_id)
    return time.perf_counter() - started


def copy_out(connection: psycopg.Connection, organization: OrganizationId, folder: Path) -> None:
    """Keep what the import wrote into each table."""
    for table in TABLES:
        columns = connection.execute(COLUMNS, [table]).fetchone()[0]
        query = f"COPY (SELECT {columns} FROM {table} WHERE organization_id = '{organization}') TO STDOUT"
        with (folder / table).open("wb") as file, connection.cursor().copy(query) as rows:
            for piece in rows:
                file.write(piece)


def time_copy_in(connection: psycopg.Connection, folder: Path) -> float:
    """Return how many seconds it takes to put the same rows there again."""
    started = time.perf_counter()
    with connection.transaction():
        for table in TABLES:
            columns = connection.execute(COLUMNS, [table]).fetchone()[0]
            with (
                (folder / table).open("rb") as file,
                connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as to,
            ):
                while piece := file.read(1_000_000):
                    to.write(piece)
    return time.perf_counter() - started


def time_bare_copy(connection: psycopg.Connection, path: Path) -> float:
    """Return how many seconds COPY needs for the file, into a table of seven texts without any index."""
    connection.execute(f"CREATE TEMP TABLE bare ({', '.join(f'c{n} text' for n in range(len(HEADER)))})")
    started = time.perf_counter()
    with path.open("rb") as file, connection.cursor().copy("COPY bare FROM STDIN (FORMAT csv, HEADER)") as to:
        while piece := file.read(1_000_000):
            to.write(piece)
    return time.perf_counter() - started


async def measure(services: Services, addresses: Addresses, folder: Path, count: int) -> dict[str, float]:
    """Return seconds by step."""
    organization, _ = await create_organization(
        services.db,
        name="Bench",
        owner_email="a@example.com",
        owner_name="A",
        password="correct horse battery",  # noqa: S106 -- a benchmark's
    )
    path = folder / "contacts.csv"
    write_file(path, count)
    import_id = await begin(services, organization, path)
    seconds = {step: await time_step(services, organization, import_id, step) for step in ("check", "run")}
    with psycopg.connect(addresses.maintenance, autocommit=True) as connection:
        seconds["copy of the file"] = time_bare_copy(connection, path)
        copy_out(connection, organization, folder)
        connection.execute("DELETE FROM import_rows")
        for table in ("audit_log", "identities", "contacts"):
            connection.execute(f"DELETE FROM {table}")
        seconds["copy of the rows"] = time_copy_in(connection, folder)
    seconds["undo"] = await time_step(services, organization, import_id, "undo")
    return seconds


def show(count: int, seconds: dict[str, float]) -> None:
    """Print rates and ratios."""
    file, rows = seconds["copy of the file"], seconds["copy of the rows"]
    print(f"{'':18} {'rows/s':>10} {'of COPY of the file':>20} {'of COPY of the rows':>20}")
    for step, one in seconds.items():
        print(f"{step:18} {count / one:>10,.0f} {file / one:>19.1%} {rows / one:>19.1%}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(f"peak memory of the process: {peak:,.0f} MB")
    print(json.dumps({"rows": count, "seconds": seconds, "peak_mb": peak}))


def main() -> None:
    """Measure on an embedded database of its own."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory(prefix="frontdesk-bench-", ignore_cleanup_errors=True) as data:
        settings = Settings(data=Path(data))

        async def run(addresses: Addresses) -> dict[str, float]:
            async with open_services(settings, addresses) as services:
                return await measure(services, addresses, Path(data), count)

        with open_database(settings) as addresses:
            show(count, asyncio.run(run(addresses)))


if __name__ == "__main__":
    main()
