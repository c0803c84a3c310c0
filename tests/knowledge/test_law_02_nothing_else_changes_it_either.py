"""Law 2: nor does maintenance of the database, nor another order in which visible documents came in."""

import re

import psycopg

from frontdesk.access.model import Label
from knowledge.worlds import QUESTIONS, make_world, receive


async def test_maintenance(library, addresses):
    """VACUUM, REINDEX and ANALYZE move rows and plans, and not one byte."""
    world = await make_world(library)
    before = await receive(world)
    tables = "documents, chunks, chunk_terms, embeddings, document_labels"
    async with await psycopg.AsyncConnection.connect(addresses.owner, autocommit=True) as connection:
        for statement in ("VACUUM ANALYZE", "REINDEX TABLE", "VACUUM FULL"):
            for table in tables.split(", "):
                await connection.execute(f"{statement} {table}")
            assert await receive(world) == before, statement


async def test_order_of_ingestion(library, other_library):
    """Two organizations with the same visible documents, written in opposite orders, differ in ids alone."""
    first = await make_world(library)
    second = await make_world(other_library, order=[5, 4, 3, 2, 1, 0])
    ids = re.compile(r"UUID\('[0-9a-f-]{36}'\)")
    for text in QUESTIONS:
        one = repr(await first.library.ask(Label(first.open), text))
        two = repr(await second.library.ask(Label(second.open), text))
        assert ids.sub("", one) == ids.sub("", two)
