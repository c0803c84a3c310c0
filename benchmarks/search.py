"""What a search costs, by how much of the organization the asker may see, beside three that search by vector alone.

Run `python benchmarks/search.py [passages] [--hnsw]` (default 5,000). Passages of 512 dimensions, five a document, lie
around a thousand topics; labels open all topics, or 10, 1 or 0.1 percent of them. A question lies near a passage that
the asker may see (`in`) or near one that is closed (`out`), and has words of that topic. Up to 200,000 passages have
60 words each; beyond that 24, to fit a small disk.

The peers get the same vectors: NumPy and faiss (flat, bitmap of the permitted) hold them in memory as float32; with
`--hnsw`, pgvector's index with a filter on the permitted documents, tuned: iterative scan in strict order, ef_search
of 100. `vectors` is our search of a question without words, which is what the peers do; `whole` is our search of the
question: vectors, words, and both checks of the scope. `recall` compares the first 12 with an exact scan of the stored
halfvec values and of float32. Each CPU is that of the process that works, on one thread. Prints a table, then JSON.
"""

import os

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_threads] = "1"

import asyncio  # noqa: E402 - the libraries read how many threads they may use when they are loaded
import json  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Awaitable, Callable, Iterator, Sequence  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402
from statistics import median  # noqa: E402
from typing import Any, Final  # noqa: E402

import faiss  # noqa: E402
import numpy as np  # noqa: E402
import psycopg  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from psycopg.conninfo import make_conninfo  # noqa: E402

from frontdesk.access.model import Label, Scope  # noqa: E402
from frontdesk.bootstrap import open_database, open_services  # noqa: E402
from frontdesk.core.db import Addresses, Tx  # noqa: E402
from frontdesk.core.embedded import run_embedded  # noqa: E402
from frontdesk.core.ids import KnowledgeBaseId, LabelId, OrganizationId  # noqa: E402
from frontdesk.knowledge.actions import create_knowledge_base, create_label  # noqa: E402
from frontdesk.knowledge.chunk_queries import render_vector  # noqa: E402
from frontdesk.knowledge.search import Question, count_permitted, search  # noqa: E402
from frontdesk.organizations.actions import create_organization  # noqa: E402
from frontdesk.organizations.model import system_caller  # noqa: E402
from frontdesk.settings import Settings  # noqa: E402

SHARES: Final = (1.0, 0.1, 0.01, 0.001)
ROUNDS: Final = 20
DIMENSIONS: Final = 512
TOPICS: Final = 1_000
EACH: Final = 5  # passages of a document
COMMON_WORDS: Final = 20_000  # frequent ones are in most passages
FUNCTION_WORDS: Final = 50  # the most frequent, which no question is searched by
TOPIC_WORDS: Final = 100
LIMIT: Final = 12
COUNTS: Final = 200  # how often the permitted documents are counted
TIE: Final = 1e-5  # two similarities nearer than this are equal: floats are summed in different orders

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Find = Callable[["Asked"], Awaitable[Sequence[int]]]  # rows of passages, best first


@dataclass(frozen=True)
class World:
    """Everything in memory: what is filled in, and what the peers search."""

    vectors: Floats  # a row per passage, as the encoder would have made them
    topics: Ints  # of each document
    words: Ints  # a row per passage; words of topics come after the common ones
    ids: NDArray[np.uint8]  # 16 bytes per passage
    keys: dict[bytes, int]  # from id to row

    def permitted(self, share: float) -> Ints:
        """The rows of the passages in the first topics."""
        return np.flatnonzero(np.repeat(self.topics < TOPICS * share, EACH))


@dataclass(frozen=True)
class Asked:
    """A question, without words and with them."""

    bare: Question
    whole: Question


# --- a world ---


def make_world(passages: int, luck: np.random.Generator) -> World:
    documents = passages // EACH
    # All vectors of one encoder lean to one side; a topic leans further, a document and a passage a little.
    centres = noise(luck, TOPICS) + noise(luck, 1)
    topics = luck.permutation(np.arange(documents) % TOPICS)
    vectors = np.repeat(centres[topics] + 0.7 * noise(luck, documents), EACH, axis=0)
    for first in range(0, len(vectors), 100_000):
        part = vectors[first : first + 100_000]
        part += 0.7 * noise(luck, len(part))
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    shape = (len(vectors), 60 if passages <= 200_000 else 24)
    words = (COMMON_WORDS * luck.random(shape) ** 4).astype(np.int64)
    own = COMMON_WORDS + np.repeat(topics, EACH)[:, None] * TOPIC_WORDS + luck.integers(TOPIC_WORDS, size=shape)
    words = np.where(np.arange(shape[1]) < shape[1] // 3, own, words)
    ids = luck.integers(256, size=(len(vectors), 16), dtype=np.uint8)
    ids[:, :4] = np.arange(len(vectors), dtype=">u4").view(np.uint8).reshape(-1, 4)  # made one after the other
    return World(vectors, topics, words, ids, {one.tobytes(): row for row, one in enumerate(ids)})


def noise(luck: np.random.Generator, count: int) -> Floats:
    """Random vectors of length 1, nearly."""
    return luck.standard_normal((count, DIMENSIONS), dtype=np.float32) / np.float32(DIMENSIONS**0.5)


def ask(world: World, rows: Ints, model: str, luck: np.random.Generator) -> list[Asked]:
    """Questions near some of these passages."""
    asked = []
    for row in luck.choice(rows, ROUNDS):
        vector = world.vectors[row] + 0.6 * noise(luck, 1)[0]
        vector /= np.linalg.norm(vector)
        words = [word for word in world.words[row] if word >= FUNCTION_WORDS]
        text = " ".join(word_of(word) for word in luck.choice(words, 8))
        asked.append(Asked(Question("", vector, model, "en"), Question(text, vector, model, "en")))
    return asked


def word_of(number: int) -> str:
    return f"w{number:06}"


# --- filling it in ---


def fill(server: str, organization: OrganizationId, base: KnowledgeBaseId, model: str, world: World) -> None:
    """Copy a world into the tables as they are, past all triggers, and without a log."""
    with psycopg.connect(server) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '1GB'")
        connection.execute("ALTER TABLE embeddings SET UNLOGGED")
        connection.execute("ALTER TABLE chunk_terms SET UNLOGGED")
        fill_documents(connection, organization, base, world)
        fill_passages(connection, organization, model, world)
        with without_indexes(connection, "chunk_terms"):
            fill_terms(connection, organization, world)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE documents, document_labels, chunks, chunk_terms, embeddings")


def fill_documents(
    connection: psycopg.Connection, organization: OrganizationId, base: KnowledgeBaseId, world: World
) -> None:
    count, length = len(world.topics), EACH * world.words.shape[1]
    columns = {
        "organization_id": uuid_of(organization),
        "id": world.ids[::EACH],
        "number": np.arange(1, count + 1, dtype=">i8"),
        "knowledge_base_id": uuid_of(base),
        "kind": b"file",
        "title": b"file",
        "state": b"done",
        "language": b"en",
        "chunk_count": np.full(count, EACH, ">i4"),
        "term_count": np.full(count, length, ">i8"),
        "created_at": np.zeros(count, ">i8"),
        "updated_at": np.zeros(count, ">i8"),
    }
    copy(connection, "documents", count, columns)


def fill_passages(connection: psycopg.Connection, organization: OrganizationId, model: str, world: World) -> None:
    count, numbers = len(world.ids), document_numbers(world)
    keys = np.random.default_rng(2).integers(256, size=(count, 32), dtype=np.uint8)
    chunks = {
        "organization_id": uuid_of(organization),
        "id": world.ids,
        "document_id": np.repeat(world.ids[::EACH], EACH, axis=0),
        "document_number": numbers,
        "position": np.tile(np.arange(EACH), count // EACH).astype(">i4"),
        "text": b"passage",
        "content_key": keys,
        "language": b"en",
        "term_count": np.full(count, world.words.shape[1], ">i4"),
    }
    copy(connection, "chunks", count, chunks)
    embeddings = {
        "organization_id": uuid_of(organization),
        "model": model.encode(),
        "document_number": numbers,
        "chunk_id": world.ids,
        "content_key": keys,
        "embedding": halves(world.vectors),
    }
    copy(connection, "embeddings", count, embeddings)


def fill_terms(connection: psycopg.Connection, organization: OrganizationId, world: World) -> None:
    """In the order of the words, as their index wants them."""
    count, size = world.words.shape
    pairs = world.words * count + np.arange(count)[:, None]
    pairs, frequencies = np.unique(pairs, return_counts=True)
    rows = pairs % count
    terms = np.array([word_of(word) for word in range(world.words.max() + 1)], dtype="S7")
    columns = {
        "organization_id": uuid_of(organization),
        "term": terms[pairs // count],
        "document_number": document_numbers(world)[rows],
        "chunk_id": world.ids[rows],
        "frequency": frequencies.astype(">i4"),
        "term_count": np.full(len(rows), size, ">i4"),
    }
    copy(connection, "chunk_terms", len(rows), columns)


def document_numbers(world: World) -> NDArray[Any]:
    return np.repeat(np.arange(1, len(world.topics) + 1), EACH).astype(">i8")


def halves(vectors: Floats) -> NDArray[np.uint8]:
    """The bytes of each vector as pgvector receives a halfvec: dimension, zero, values; big-endian."""
    head = np.array([DIMENSIONS, 0], ">u2").view(np.uint8)
    body = vectors.astype(">f2").view(np.uint8)
    return np.hstack([np.broadcast_to(head, (len(vectors), len(head))), body])


def uuid_of(one: OrganizationId | KnowledgeBaseId | LabelId) -> bytes:
    return one.bytes


def copy(connection: psycopg.Connection, table: str, count: int, columns: dict[str, bytes | NDArray[Any]]) -> None:
    """Fill a table; each value of a column is as wide as the others, in the binary form of its type."""
    arrays = {
        name: np.broadcast_to(np.frombuffer(value, np.uint8), (count, len(value)))
        if isinstance(value, bytes)
        else np.ascontiguousarray(value).view(np.uint8).reshape(count, -1)
        for name, value in columns.items()
    }
    fields: list[Any] = [("", ">i2")]
    for name, array in arrays.items():
        fields += [(f"{name} size", ">i4"), (name, np.uint8, (array.shape[1],))]
    with connection.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)") as target:
        target.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for first in range(0, count, 50_000):
            last = min(first + 50_000, count)
            rows = np.zeros(last - first, fields)
            rows["f0"] = len(columns)
            for name, array in arrays.items():
                rows[f"{name} size"] = array.shape[1]
                rows[name] = array[first:last]
            target.write(rows.tobytes())
        target.write(b"\xff\xff")


@contextmanager
def without_indexes(connection: psycopg.Connection, table: str) -> Iterator[None]:
    """Make all but the primary key anew at the end, which is faster than to keep them."""
    rows = connection.execute(
        """
        SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
         WHERE indrelid = %s::regclass AND NOT indisprimary
        """,
        [table],
    ).fetchall()
    for name, _ in rows:
        connection.execute(f"DROP INDEX {name}")
    yield
    for _, definition in rows:
        connection.execute(definition)


def label(
    server: str, organization: OrganizationId, base: KnowledgeBaseId, ids: dict[float, LabelId], w: World
) -> None:
    with psycopg.connect(server) as connection:
        connection.execute("SET session_replication_role = replica")
        for share, one in ids.items():
            documents = w.ids[w.permitted(share)[::EACH]]
            columns = {
                "organization_id": uuid_of(organization),
                "document_id": documents,
                "label_id": uuid_of(one),
                "knowledge_base_id": uuid_of(base),
            }
            copy(connection, "document_labels", len(documents), columns)


# --- the engines ---


def own_search(tx: Tx, scope: Scope, world: World, *, whole: bool) -> Find:
    async def find(asked: Asked) -> Sequence[int]:
        result = await search(tx, scope, asked.whole if whole else asked.bare, limit=LIMIT)
        return [world.keys[hit.chunk_id.bytes] for hit in result.hits]

    return find


def numpy_scan(world: World, permitted: Ints) -> Find:
    async def find(asked: Asked) -> Sequence[int]:
        whole = len(permitted) == len(world.vectors)
        scores = (world.vectors if whole else world.vectors[permitted]) @ asked.bare.vector
        best = np.argpartition(-scores, min(LIMIT, len(scores) - 1))[:LIMIT]
        return [int(row) for row in permitted[best[np.argsort(-scores[best])]]]

    return find


def faiss_flat(index: Any, world: World, permitted: Ints) -> Find:
    is_permitted = np.zeros(len(world.vectors), bool)
    is_permitted[permitted] = True
    bitmap = np.packbits(is_permitted, bitorder="little")
    selected = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bitmap))

    async def find(asked: Asked) -> Sequence[int]:
        _, rows = index.search(asked.bare.vector[None], LIMIT, params=selected)
        return [int(row) for row in rows[0] if row >= 0]

    return find


def build_hnsw(server: str, world: World) -> None:
    with psycopg.connect(server) as connection:
        connection.execute("SET maintenance_work_mem = '2GB'")
        connection.execute(
            f"CREATE UNLOGGED TABLE peer (row int4, document_number int8, embedding halfvec({DIMENSIONS}))"
        )
        rows = np.arange(len(world.vectors), dtype=">i4")
        columns = {"row": rows, "document_number": document_numbers(world), "embedding": halves(world.vectors)}
        copy(connection, "peer", len(rows), columns)
        connection.execute("CREATE INDEX ON peer USING hnsw (embedding halfvec_ip_ops)")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE peer")


async def open_hnsw(server: str) -> psycopg.AsyncConnection:
    connection = await psycopg.AsyncConnection.connect(server, autocommit=True)
    for setting in ("hnsw.iterative_scan = strict_order", "hnsw.ef_search = 100", "enable_seqscan = off"):
        await connection.execute(f"SET {setting}")
    return connection


def hnsw(connection: psycopg.AsyncConnection, world: World, permitted: Ints) -> Find:
    numbers = [int(number) for number in document_numbers(world)[permitted[::EACH]]]
    sql = """
        SELECT row FROM peer WHERE document_number = ANY(%s::bigint[]) ORDER BY embedding <#> %s::halfvec LIMIT %s
    """

    async def find(asked: Asked) -> Sequence[int]:
        params = (numbers, render_vector(asked.bare.vector), LIMIT)
        rows = await (await connection.execute(sql, params, prepare=False)).fetchall()
        return [row[0] for row in rows]

    return find


# --- measuring ---


@dataclass(frozen=True)
class Truth:
    """What an exact scan finds in the permitted passages, of the stored values and of the encoder's."""

    world: World
    permitted: Ints

    def recalls(self, question: Question, found: Sequence[int]) -> tuple[float, float]:
        stored = question.vector.astype(np.float16).astype(np.float32)
        return self._recall(stored, found, np.float16), self._recall(question.vector, found, np.float32)

    def _recall(self, vector: Floats, found: Sequence[int], kind: type[np.floating[Any]]) -> float:
        def score(rows: Ints) -> Floats:
            return self.world.vectors[rows].astype(kind).astype(np.float32) @ vector

        parts = [score(self.permitted[first : first + 50_000]) for first in range(0, len(self.permitted), 50_000)]
        best = np.sort(np.concatenate(parts))[-LIMIT:]
        return float(np.sum(score(np.array(found, np.int64)) >= best[0] - TIE)) / len(best) if found else 0.0


async def measure(
    find: Find, asked: Sequence[Asked], cpu: Callable[[], float], truth: Truth | None
) -> dict[str, float]:
    """Medians of a cell; recall is its mean."""
    await find(asked[0])  # whoever comes first pays for caches
    walls, cpus, recalls = [], [], []
    for one in asked:
        started, began = time.perf_counter(), cpu()
        found = await find(one)
        walls.append((time.perf_counter() - started) * 1000)
        cpus.append(cpu() - began)
        if truth is not None:
            recalls.append(truth.recalls(one.bare, found))
    row = {"cpu": round(median(cpus), 3), "wall": round(median(walls), 3)}
    if recalls:
        of_halves, of_floats = np.mean(recalls, axis=0)
        row |= {"recall_halfvec": round(float(of_halves), 4), "recall_float32": round(float(of_floats), 4)}
    return row


async def measure_count(tx: Tx, scope: Scope) -> float:
    """The 95th percentile of the milliseconds that it takes to compile and count, as the asker feels them."""
    times = []
    for _ in range(COUNTS):
        started = time.perf_counter()
        await count_permitted(tx, scope)
        times.append((time.perf_counter() - started) * 1000)
    return round(float(np.percentile(times, 95)), 3)


def own_cpu() -> float:
    return time.thread_time() * 1000


def cpu_of(process: int) -> Callable[[], float]:
    """Milliseconds that a process has run. Source: proc(5)."""
    schedstat = Path(f"/proc/{process}/schedstat")
    return lambda: int(schedstat.read_text().split()[0]) / 1e6


# --- the run ---


def main(passages: int, *, with_hnsw: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        settings = Settings(data=Path(folder) / "data")
        with open_database(settings) as addresses, run_embedded(Path(folder) / "data") as embedded:
            server = make_conninfo(embedded.superuser_dsn, dbname="frontdesk")
            cells = asyncio.run(run(settings, addresses, server, passages, with_hnsw=with_hnsw))
    print(json.dumps({"passages": passages, "cells": cells}))


async def run(
    settings: Settings, addresses: Addresses, server: str, passages: int, *, with_hnsw: bool
) -> list[dict[str, Any]]:
    luck = np.random.default_rng(1)
    world = make_world(passages, luck)
    async with open_services(settings, addresses) as services:
        organization, _ = await create_organization(
            services.db, name="Big", owner_email="o@example.com", owner_name="O", password="x" * 12
        )
        caller, model = system_caller(organization), services.embedder.model
        async with services.db.begin(organization) as tx:
            base = (await create_knowledge_base(tx, caller, {"name": "B"}, embedding_model=model)).id
            labels = {share: (await create_label(tx, caller, base, f"{share}")).id for share in SHARES}
        label(server, organization, base, labels, world)
        fill(server, organization, base, model, world)
        index = faiss.IndexFlatIP(DIMENSIONS)
        index.add(world.vectors)
        peer = None
        if with_hnsw:
            build_hnsw(server, world)
            peer = await open_hnsw(server)
        print("visible question engine      CPU ms   wall ms  of halfvec  of float32  our CPU / its")
        cells = []
        for share in SHARES:
            permitted = world.permitted(share)
            closed = np.setdiff1d(np.arange(len(world.vectors)), permitted, assume_unique=True)
            for side, rows in (("in", permitted), ("out", closed)):
                if not len(rows):
                    continue
                asked = ask(world, rows, model, luck)
                async with services.db.begin(organization) as tx:
                    cell = await measure_cell(tx, Label(labels[share]), world, permitted, asked, index, peer)
                cells.append({"visible": share, "question": side, **cell})
                show(share, side, cell)
        if peer is not None:
            await peer.close()
    return cells


async def measure_cell(
    tx: Tx,
    scope: Scope,
    world: World,
    permitted: Ints,
    asked: Sequence[Asked],
    index: Any,
    peer: psycopg.AsyncConnection | None,
) -> dict[str, Any]:
    truth = Truth(world, permitted)
    await tx.execute("SET LOCAL max_parallel_workers_per_gather = 0")  # one process, whose time can be told
    postgres = cpu_of(int(await tx.fetch_value("SELECT pg_backend_pid()")))
    cell: dict[str, Any] = {
        "vectors": await measure(own_search(tx, scope, world, whole=False), asked, postgres, truth),
        "whole": await measure(own_search(tx, scope, world, whole=True), asked, postgres, None),
        "numpy": await measure(numpy_scan(world, permitted), asked, own_cpu, truth),
        "faiss": await measure(faiss_flat(index, world, permitted), asked, own_cpu, truth),
    }
    if peer is not None:
        process = cpu_of(peer.info.backend_pid)
        cell["hnsw"] = await measure(hnsw(peer, world, permitted), asked, process, truth)
    for engine in cell.keys() - {"vectors", "whole"}:
        cell[engine]["ratio"] = round(cell["vectors"]["cpu"] / cell[engine]["cpu"], 2)
    cell["count_p95"] = await measure_count(tx, scope)
    return cell


def show(share: float, side: str, cell: dict[str, Any]) -> None:
    for engine, row in cell.items():
        if engine == "count_p95":
            print(f"{share:7.1%} {side:8} count   p95 wall {row:9.2f}")
            continue
        recall = [f"{row[name]:11.3f}" if name in row else " " * 11 for name in ("recall_halfvec", "recall_float32")]
        ratio = f"{row['ratio']:13.2f}" if engine not in {"vectors", "whole"} else ""
        print(f"{share:7.1%} {side:8} {engine:8} {row['cpu']:10.2f} {row['wall']:9.2f} {' '.join(recall)} {ratio}")


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    main(numbers[0] if numbers else 5_000, with_hnsw="--hnsw" in sys.argv)
