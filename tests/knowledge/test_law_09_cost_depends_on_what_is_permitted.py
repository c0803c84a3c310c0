"""Law 9: for equal permitted counts a search costs the same, however many invisible documents match the question.

Not measured in time, which differs from run to run, but in what the ranking does: how each table is reached, the rows
that come from it or are thrown away, and the pages. Which side of a join of two small results comes first is free.
"""

from typing import Any

import psycopg
import pytest

from frontdesk.access.model import Label
from frontdesk.knowledge import search as search_module

QUESTION = "delivery fee of the garden lounge"
PERMITTED, INVISIBLE = 12, 600
PAGES = 1.5  # of an index that is a level deeper, and of passages that lie further apart
COPY = """
    WITH source AS (SELECT * FROM documents WHERE organization_id = %(organization)s AND id = %(document)s),
    made AS (
        INSERT INTO documents (organization_id, id, knowledge_base_id, kind, title, state, language, chunk_count,
                               term_count, created_at, updated_at)
        SELECT organization_id, gen_random_uuid(), knowledge_base_id, kind, title, state, language, chunk_count,
               term_count, created_at, updated_at
          FROM source, generate_series(1, %(count)s) RETURNING id, number),
    passages AS (
        INSERT INTO chunks (organization_id, id, document_id, document_number, position, text, content_key, language,
                            term_count)
        SELECT c.organization_id, gen_random_uuid(), made.id, made.number, c.position, c.text, c.content_key,
               c.language, c.term_count
          FROM made, chunks c WHERE c.organization_id = %(organization)s AND c.document_id = %(document)s
        RETURNING id, document_number),
    words AS (
        INSERT INTO chunk_terms (organization_id, term, document_number, chunk_id, frequency, term_count)
        SELECT t.organization_id, t.term, p.document_number, p.id, t.frequency, t.term_count
          FROM passages p, chunk_terms t JOIN chunks c ON c.organization_id = t.organization_id AND c.id = t.chunk_id
         WHERE t.organization_id = %(organization)s AND c.document_id = %(document)s)
    INSERT INTO embeddings (organization_id, model, document_number, chunk_id, content_key, embedding)
    SELECT e.organization_id, e.model, p.document_number, p.id, e.content_key, e.embedding
      FROM passages p, embeddings e JOIN chunks c ON c.organization_id = e.organization_id AND c.id = e.chunk_id
     WHERE e.organization_id = %(organization)s AND c.document_id = %(document)s
"""


@pytest.fixture
def plans(monkeypatch) -> list[dict[str, Any]]:
    """The plans, as executed, of the statements that rank, one for each search."""
    seen: list[dict[str, Any]] = []

    async def explain_too(tx, sql, params):
        explained = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF, FORMAT json) {sql}"
        found = await (await tx.connection.execute(explained, params, prepare=False)).fetchone()
        seen.append(found[0][0]["Plan"])
        return await run(tx, sql, params)

    run = search_module._fetch_planned
    monkeypatch.setattr(search_module, "_fetch_planned", explain_too)
    return seen


async def test_invisible_matches_cost_nothing(library, base, addresses, plans):
    """Six hundred closed documents that answer the question word for word add no row to what is read."""
    vip, closed = await library.make_label(base, "VIP"), await library.make_label(base, "closed")
    for number in range(PERMITTED):
        await library.write_faq(base, f"Question {number}: garden?", f"The delivery fee is {number}.", [vip])
    apart = await library.write_faq(base, "Who painted this?", "Nobody knows.", [closed])
    secret = await library.write_faq(base, QUESTION, f"{QUESTION}.", [closed])
    question = await library.prepare(QUESTION)
    for document in (apart, secret):
        async with library.services.db.begin(library.caller.organization_id) as tx:
            params = {"organization": tx.organization_id, "document": document.id, "count": INVISIBLE}
            await tx.execute(COPY, params)
        async with await psycopg.AsyncConnection.connect(addresses.owner, autocommit=True) as connection:
            await connection.execute("VACUUM ANALYZE documents, document_labels, chunks, chunk_terms, embeddings")
        assert (await library.ask(Label(vip), question)).permitted_count == PERMITTED
    before, after = plans
    assert sorted(scans(before)) == sorted(scans(after))
    assert {"chunk_terms", "embeddings"} == {table for table, *_ in scans(after)}
    assert all(rows <= PERMITTED * len(QUESTION.split()) and not removed for *_, rows, removed in scans(after))
    assert pages(after) <= PAGES * pages(before)


def scans(plan: dict[str, Any]) -> list[tuple[str, str, str, float, float]]:
    """Of each table that is read: its name, how, by which index, the rows handed on and those thrown away."""
    rows = round(plan["Actual Rows"] * plan["Actual Loops"])
    removed = sum(value for name, value in plan.items() if name.startswith("Rows Removed")) * plan["Actual Loops"]
    table = plan.get("Relation Name")
    own = [(table, plan["Node Type"], plan.get("Index Name", ""), rows, removed)] if table else []
    return [*own, *(scan for part in plan.get("Plans", []) for scan in scans(part))]


def pages(plan: dict[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
