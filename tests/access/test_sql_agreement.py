"""Law 7 of retrieval: the SQL of a scope and the oracle open the same documents."""

from datetime import UTC, datetime
from random import Random, SystemRandom
from uuid import UUID

import pytest
from tests.access.oracle import Verdict, oracle_of, oracle_of_layer
from tests.access.situations import effective_of
from tests.access.strategies import World, make_world, random_query_metadata, random_situation

from frontdesk.access.model import All, Layer, Nothing, Scope
from frontdesk.access.parse import parse_query_metadata
from frontdesk.access.sql import compile_predicate
from frontdesk.core.db import Tx

BATCH = 100
DOCUMENTS = 150


async def test_law_07_sql_and_oracle_agree_on_5000_random_scopes(tx: Tx, record_property):
    """In every run, other worlds and other scopes: the database never opens what the tables of the product close."""
    await compare_many(tx, 5_000)
    record_property("random scopes", 5_000)


@pytest.mark.laws
@pytest.mark.timeout(1_800)
async def test_law_07_sql_and_oracle_agree_on_100000_random_scopes(tx: Tx, record_property):
    """The same, for longer."""
    await compare_many(tx, 100_000)
    record_property("random scopes", 100_000)


async def test_all_opens_what_is_done_and_nothing_opens_nothing(tx: Tx):
    """A document that is not ingested is closed even to whoever may read everything."""
    world = make_world(Random(7), documents=20)  # noqa: S311 -- examples, not secrets
    await insert_world(tx, world)
    done = {UUID(one.id) for one in world.documents if one.state == "done"}
    assert 0 < len(done) < 20
    assert await open_documents(tx, [All(), Nothing()]) == [done, set()]


async def compare_many(tx: Tx, count: int) -> None:
    seed = SystemRandom().getrandbits(32)
    rng = Random(seed)  # noqa: S311 -- examples, not secrets
    world = make_world(rng, documents=DOCUMENTS)
    await insert_world(tx, world)
    for start in range(0, count, BATCH):
        cases = [random_case(rng, world) for _ in range(BATCH)]
        for (scope, expected), opened in zip(cases, await open_documents(tx, [c[0] for c in cases]), strict=True):
            assert opened == expected, f"seed {seed}, batch at {start}: {scope}"


def random_case(rng: Random, world: World) -> tuple[Scope, set[UUID]]:
    """Return a scope and the documents that the oracle opens under what it was made from."""
    if rng.random() < 0.2:
        situation = random_situation(rng, world)
        return effective_of(situation).scope, opened(oracle_of(situation), world)
    layer, vendor_faq_reading = rng.choice(list(Layer)), rng.random() < 0.3
    raw = random_query_metadata(rng, world)
    scope = parse_query_metadata(raw, layer=layer, vendor_faq_reading=vendor_faq_reading).scope
    allows = oracle_of_layer(raw, layer.name.lower(), vendor_faq_reading=vendor_faq_reading)
    if scope is None or allows is None:
        assert scope is allows, f"absent to one only: {raw}"
        return random_case(rng, world)
    return scope, opened(allows, world)


def opened(allows: Verdict, world: World) -> set[UUID]:
    return {UUID(one.id) for one in world.documents if allows(one)}


async def open_documents(tx: Tx, scopes: list[Scope]) -> list[set[UUID]]:
    """Ask the database once for what each scope opens."""
    params: dict[str, object] = {"organization": tx.organization_id}
    predicates = []
    for number, scope in enumerate(scopes):
        predicate, more = compile_predicate(scope, prefix=f"s{number}")
        predicates.append(predicate)
        params |= more
    rows = await tx.fetch(
        f"SELECT d.id, ARRAY[{', '.join(predicates)}] FROM documents d WHERE d.organization_id = %(organization)s",
        params,
    )
    return [{document for document, verdicts in rows if verdicts[number]} for number in range(len(scopes))]


async def insert_world(tx: Tx, world: World) -> None:
    shared = {"organization": tx.organization_id, "now": datetime.now(UTC)}
    await tx.execute_many(
        """
        INSERT INTO knowledge_bases (organization_id, id, name, embedding_model, created_at, updated_at)
        VALUES (%(organization)s, %(id)s, %(name)s, 'none', %(now)s, %(now)s)
        """,
        [{**shared, "id": base, "name": base} for base in world.bases],
    )
    await tx.execute_many(
        """
        INSERT INTO labels (organization_id, id, knowledge_base_id, name, created_at)
        VALUES (%(organization)s, %(id)s, %(base)s, %(name)s, %(now)s)
        """,
        [
            {**shared, "id": label, "name": label, "base": base}
            for base, labels in world.labels.items()
            for label in labels
        ],
    )
    await tx.execute_many(
        """
        INSERT INTO documents (organization_id, id, knowledge_base_id, kind, title, state, created_at, updated_at)
        VALUES (%(organization)s, %(id)s, %(base)s, %(kind)s, 'Title', %(state)s, %(now)s, %(now)s)
        """,
        [{**shared, "id": d.id, "base": d.base, "kind": d.kind, "state": d.state} for d in world.documents],
    )
    await tx.execute_many(
        """
        INSERT INTO document_labels (organization_id, document_id, label_id, knowledge_base_id)
        VALUES (%(organization)s, %(id)s, %(label)s, %(base)s)
        """,
        [{**shared, "id": d.id, "base": d.base, "label": label} for d in world.documents for label in d.labels],
    )
