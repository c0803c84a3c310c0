"""What a search costs, by how much of the organization the asker may see. Synthetic passages, one connection.

Run `python benchmarks/search.py [passages]` (default 5,000). Five passages a document; labels open 100, 10, 1 and 0.1
percent of the documents. Beside it: an exact scan of the same vectors in NumPy. Prints a table, then JSON.
"""

import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import numpy as np
import psycopg

from frontdesk.access.model import Label, Scope
from frontdesk.bootstrap import open_database, open_services
from frontdesk.core.db import Addresses, Tx
from frontdesk.core.ids import KnowledgeBaseId, LabelId
from frontdesk.core.services import Services
from frontdesk.knowledge.actions import create_knowledge_base, create_label
from frontdesk.knowledge.search import Question, count_permitted, prepare_question, search
from frontdesk.organizations.actions import create_organization
from frontdesk.organizations.model import system_caller
from frontdesk.settings import Settings

SHARES = (1.0, 0.1, 0.01, 0.001)
ROUNDS = 30
WORDS = 20_000  # in the language of the passages; the frequent ones are in most of them
PASSAGES_OF_A_DOCUMENT = 5

FILL = """
    WITH new AS (
        INSERT INTO documents (organization_id, id, knowledge_base_id, kind, title, state, language, chunk_count,
                               term_count, created_at, updated_at)
        SELECT %(organization)s, gen_random_uuid(), %(base)s, 'file', 'file ' || n, 'done', 'en', %(each)s,
               %(each)s * 60, now(), now()
          FROM generate_series(1, %(documents)s) n
        RETURNING id, number
    )
    INSERT INTO chunks (organization_id, id, document_id, document_number, position, text, content_key, language,
                        term_count)
    SELECT %(organization)s, gen_random_uuid(), new.id, new.number, position, 'passage',
           sha256((new.id::text || position)::bytea), 'en', 60
      FROM new, generate_series(1, %(each)s) position
"""
VECTORS = """
    INSERT INTO embeddings (organization_id, model, document_number, chunk_id, content_key, embedding)
    SELECT c.organization_id, %(model)s, c.document_number, c.id, c.content_key,
           ARRAY(SELECT random() - 0.5 + 0 * c.position FROM generate_series(1, 512))::real[]::halfvec
      FROM chunks c WHERE c.organization_id = %(organization)s
"""
TERMS = """
    INSERT INTO chunk_terms (organization_id, term, document_number, chunk_id, frequency, term_count)
    SELECT c.organization_id, 'word' || floor(%(words)s * power(random(), 4)), c.document_number, c.id, 1, 60
      FROM chunks c, generate_series(1, 60) WHERE c.organization_id = %(organization)s
        ON CONFLICT DO NOTHING
"""
LABELS = """
    INSERT INTO document_labels (organization_id, document_id, label_id, knowledge_base_id)
    SELECT organization_id, id, %(label)s, knowledge_base_id FROM documents
     WHERE organization_id = %(organization)s ORDER BY number LIMIT %(count)s
"""


def main(passages: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        settings = Settings(data=Path(folder) / "data")
        with open_database(settings) as addresses:
            print(json.dumps(asyncio.run(run(settings, addresses, passages))))


async def run(settings: Settings, addresses: Addresses, passages: int) -> dict[str, dict[str, float]]:
    async with open_services(settings, addresses) as services:
        return await measure(services, addresses.owner, passages)


async def measure(services: Services, owner: str, passages: int) -> dict[str, dict[str, float]]:
    organization, _ = await create_organization(
        services.db, name="Big", owner_email="o@example.com", owner_name="O", password="x" * 12
    )
    caller = system_caller(organization)
    documents = passages // PASSAGES_OF_A_DOCUMENT
    async with services.db.begin(organization) as tx:
        base = await create_knowledge_base(tx, caller, {"name": "B"}, embedding_model=services.embedder.model)
        await fill(tx, base.id, documents, services.embedder.model)
        labels: dict[float, LabelId] = {}
        for share in SHARES:
            labels[share] = (await create_label(tx, caller, base.id, f"{share}")).id
            params = {"organization": organization, "label": labels[share], "count": max(1, int(documents * share))}
            await tx.execute(LABELS, params)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE documents, document_labels, chunks, chunk_terms, embeddings")
    words = [f"word{int(WORDS * random.random() ** 4)}" for _ in range(ROUNDS * 8)]
    questions = [
        await prepare_question(services.embedder, " ".join(words[first : first + 8]))
        for first in range(0, len(words), 8)
    ]
    table = {}
    print("visible    passages   count ms   search ms (median)   search ms CPU of PostgreSQL   exact NumPy scan ms")
    for share in SHARES:
        async with services.db.begin(organization) as tx:
            table[f"{share:.1%}"] = row = await measure_share(tx, Label(labels[share]), questions)
        size = max(1, int(documents * share)) * PASSAGES_OF_A_DOCUMENT
        print(
            f"{share:7.1%} {size:11} {row['count']:10.2f} {row['search']:20.2f} {row['cpu']:28.2f} "
            f"{scan(size, questions):20.2f}"
        )
    return table


async def fill(tx: Tx, base_id: KnowledgeBaseId, documents: int, model: str) -> None:
    params = {"organization": tx.organization_id, "base": base_id, "model": model, "words": WORDS}
    await tx.execute(FILL, {**params, "documents": documents, "each": PASSAGES_OF_A_DOCUMENT})
    await tx.execute(VECTORS, params)
    await tx.execute(TERMS, params)


async def measure_share(tx: Tx, scope: Scope, questions: list[Question]) -> dict[str, float]:
    async def count(_: Question) -> None:
        await count_permitted(tx, scope)

    async def find(question: Question) -> None:
        await search(tx, scope, question)

    server = Path(f"/proc/{await tx.fetch_value('SELECT pg_backend_pid()')}/schedstat")
    counted, began = await clock(count, questions), on_cpu(server)
    found = await clock(find, questions)
    return {"count": counted, "search": found, "cpu": round((on_cpu(server) - began) / len(questions), 2)}


def on_cpu(schedstat: Path) -> float:
    """Milliseconds that a process has run. Source: proc(5)."""
    return int(schedstat.read_text().split()[0]) / 1e6


async def clock(work: Callable[[Question], Awaitable[None]], questions: list[Question]) -> float:
    times = []
    for question in questions:
        started = time.perf_counter()
        await work(question)
        times.append((time.perf_counter() - started) * 1000)
    return round(median(times), 2)


def scan(size: int, questions: list[Question]) -> float:
    vectors = np.random.default_rng(1).standard_normal((size, 512), dtype=np.float32)
    times = []
    for question in questions:
        started = time.perf_counter()
        np.argpartition(-(vectors @ question.vector), min(12, size - 1))
        times.append((time.perf_counter() - started) * 1000)
    return median(times)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000)
