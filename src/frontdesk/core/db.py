"""The database: `Database.begin` opens a transaction for one organization, `Tx` is what queries are given.

There is no ORM and no commit to call: the block commits, an exception rolls back. Inside the block the database itself
shows only rows of that organization (row-level security), whatever a query forgets.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Self, TypeVar
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor, DataError, errors
from psycopg.conninfo import make_conninfo
from psycopg.rows import class_row, tuple_row
from psycopg.types.json import Jsonb, set_json_dumps
from psycopg_pool import AsyncConnectionPool

from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import OrganizationId
from frontdesk.core.text import dump_json

Params = Mapping[str, Any]
Row = tuple[Any, ...]

T = TypeVar("T")

_NOBODY = UUID(int=0)
_UNSTORABLE = "A text has characters that cannot be kept."

set_json_dumps(dump_json)


def to_jsonb(value: object | None) -> Jsonb | None:
    """Return the parameter for a jsonb column; None becomes NULL, never the JSON value null."""
    return None if value is None else Jsonb(value)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the three database roles sign in: libpq connection strings, passwords included; never logged."""

    owner: str  # owns the tables; migrations only
    app: str  # runs the app; row-level security binds it
    maintenance: str  # sees all organizations: backup, doctor, data steps of migrations


@dataclass(frozen=True, slots=True)
class Tx:
    """One open transaction. `organization_id` is what row-level security lets it see.

    A statement whose parameters hold text that PostgreSQL cannot (NUL, half a surrogate pair) raises InvalidRequest.
    """

    organization_id: OrganizationId
    connection: AsyncConnection[Row]

    async def fetch(self, sql: str, params: Params | None = None) -> list[Row]:
        """Run one statement and return all rows, in the order of the statement."""
        return await (await self._run(sql, params)).fetchall()

    async def fetch_planned(self, sql: str, params: Params | None = None) -> list[Row]:
        """Return all rows of a statement that is planned for exactly these values, each time anew."""
        with _refusing_unstorable_text():
            return await (await self.connection.execute(sql, params, prepare=False)).fetchall()

    async def fetch_one(self, sql: str, params: Params | None = None) -> Row | None:
        """Return the first row, or None when there is none."""
        return await (await self._run(sql, params)).fetchone()

    async def fetch_value(self, sql: str, params: Params | None = None) -> Any:  # noqa: ANN401 -- the statement decides
        """Return the first column of the first row, or None when there is no row."""
        row = await self.fetch_one(sql, params)
        return row[0] if row else None

    async def fetch_as(self, model: type[T], sql: str, params: Params | None = None) -> list[T]:
        """Return rows as `model`, its fields named like the columns."""
        async with self.connection.cursor(row_factory=class_row(model)) as cursor:
            with _refusing_unstorable_text():
                await cursor.execute(sql, params)
            return await cursor.fetchall()

    async def fetch_one_as(self, model: type[T], sql: str, params: Params | None = None) -> T | None:
        """Return the first row as `model`, or None when there is none."""
        async with self.connection.cursor(row_factory=class_row(model)) as cursor:
            with _refusing_unstorable_text():
                await cursor.execute(sql, params)
            return await cursor.fetchone()

    async def execute(self, sql: str, params: Params | None = None) -> int:
        """Run one statement and return how many rows it touched."""
        return (await self._run(sql, params)).rowcount

    async def execute_many(self, sql: str, params: Sequence[Params]) -> None:
        """Run one statement for each of `params`, in one round trip."""
        async with self.connection.cursor() as cursor:
            with _refusing_unstorable_text():
                await cursor.executemany(sql, params)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo only what happens inside the block if it raises."""
        async with self.connection.transaction():
            yield

    async def _run(self, sql: str, params: Params | None) -> AsyncCursor[Row]:
        with _refusing_unstorable_text():
            return await self.connection.execute(sql, params)


@contextmanager
def _refusing_unstorable_text() -> Iterator[None]:
    """Tell the caller what the driver complains of: every text that comes in meets the database in the end."""
    try:
        yield
    except (errors.UntranslatableCharacter, UnicodeEncodeError) as error:
        raise InvalidRequest(_UNSTORABLE) from error
    except DataError as error:
        if error.sqlstate is not None:  # the server's own complaint about data is a bug of ours
            raise
        raise InvalidRequest(_UNSTORABLE) from error


class Database:
    """A pool of connections as the app's role."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Row]]) -> None:
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def open(cls, conninfo: str, *, max_connections: int = 16) -> AsyncIterator[Self]:
        """Yield a database; waits up to 30 seconds for the first connection."""
        pool: AsyncConnectionPool[AsyncConnection[Row]] = AsyncConnectionPool(
            make_conninfo(conninfo, application_name="frontdesk"),
            connection_class=AsyncConnection[Row],
            kwargs={"autocommit": True, "row_factory": tuple_row},
            min_size=1,
            max_size=max_connections,
            open=False,
            timeout=30,
        )
        async with pool:  # closes it also when the wait is interrupted; its tasks would keep the process alive
            await pool.wait(timeout=30)
            yield cls(pool)

    @asynccontextmanager
    async def begin(self, organization_id: OrganizationId) -> AsyncIterator[Tx]:
        """Yield a transaction of one organization; commits at the end of the block, rolls back on an exception."""
        async with self._transaction(
            f"BEGIN; SET LOCAL app.organization_id = '{UUID(str(organization_id))}'"
        ) as connection:
            yield Tx(organization_id, connection)

    @asynccontextmanager
    async def begin_bootstrap(self) -> AsyncIterator[Tx]:
        """Yield a transaction before an organization is known.

        It reads users, memberships, sessions and the directory; every table of an organization looks empty to it.
        """
        async with self._transaction("BEGIN") as connection:
            yield Tx(OrganizationId(_NOBODY), connection)

    @asynccontextmanager
    async def _transaction(self, opening: str) -> AsyncIterator[AsyncConnection[Row]]:
        async with self._pool.connection() as connection:
            await connection.execute(opening)
            try:
                yield connection
            except BaseException:
                await _rollback(connection)
                raise
            await connection.execute("COMMIT")


async def _rollback(connection: AsyncConnection[Row]) -> None:
    try:
        await asyncio.shield(connection.execute("ROLLBACK"))
    except errors.OperationalError:
        await connection.close()  # the pool replaces it; the server has rolled back
