"""What the list of contacts costs: paging, search, filters; beside the same statements without row-level security.

Run `python benchmarks/contacts_list.py [contacts] [--plans]` (default 20,000). A second organization of a tenth the
size stands in the same tables. One connection each as the app and as a role that row-level security does not bind; the
ratio compares their p95. Then the first message of somebody new, with and without the indexes of the list. Prints a
table, with `--plans` the plan of each statement, then JSON on the last line.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from frontdesk.assistants.actions import ModelRules
from frontdesk.bootstrap import open_database, open_services
from frontdesk.channels.actions import create_inbox
from frontdesk.channels.assistant_actions import create_assistant_with_inbox
from frontdesk.channels.model import ChannelType, InboxChanges
from frontdesk.channels.queries import get_default_realm
from frontdesk.contacts.filters import Group, parse_filter
from frontdesk.core.db import Addresses, Database, Tx
from frontdesk.core.ids import ContactLabelId, InboxId, OrganizationId, new_id
from frontdesk.core.secrets import Cipher
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.core.wire import Paging
from frontdesk.identities.listing import ContactFilters, Order, list_contacts
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.queries import upsert_identity
from frontdesk.organizations.actions import create_organization
from frontdesk.organizations.model import Caller, CallerKind, Grant, Right, system_caller
from frontdesk.settings import Settings

ROUNDS = 5
BATCH = 20_000
NEWCOMERS = 500
INDEXES = ("contacts_by_search", "contacts_by_attribute", "contacts_by_sort_name", "contacts_by_updated")

FAMILY = "張林陳王李吳劉蔡楊黃許鄭謝郭洪曾邱廖賴周徐蘇葉莊呂江何蕭羅高潘簡朱鍾游彭詹胡施沈"
GIVEN = (
    "偉佳志美淑雅宗家怡建俊承宜明玉秀文國慧欣民穎玲芬婷翰豪君宏傑恩蓁哲華英龍強萍瑩芳"
    "娟惠珍貞雪梅蘭菊竹松柏榮輝光亮晴雨雲山川海星月春夏秋冬安平和順吉祥瑞德仁義"
)
FIRST = [
    "Anna", "Maria", "Tomasz", "Sofia", "John", "Peter", "Olga", "Hana", "Lin", "Wu", "Kenji", "Aiko", "Minh", "Thi",
    "Carlos", "Lucia", "Omar", "Fatima", "Ivan", "Elena",
]  # fmt: skip
HEADS = [
    "ba", "ke", "lo", "mi", "nu", "ra", "so", "te", "va", "zi", "bra", "kle", "lom", "mir", "nur", "ras", "sol", "ter",
    "val", "zim",
]  # fmt: skip
TAILS = [
    "dar", "kov", "lin", "men", "nes", "pot", "ros", "sen", "tis", "vel", "dara", "kova", "lina", "mena", "nesa",
    "pota", "rosa", "sena", "tisa", "vela",
]  # fmt: skip
CITIES = ["Taipei", "高雄", "Tainan", "Hsinchu", "Kraków", "東京", "Berlin"]

FILL = """
    WITH made AS MATERIALIZED (
        SELECT n, now() - (hashint4(n) & 1048575) * interval '60 s' AS seen,
               (lpad(to_hex(1700000000000 + n::bigint * 1000), 12, '0') || '7' || left(md5(n::text), 3) || '8'
                || right(md5(n || %(organization)s::text), 15))::uuid AS id,
               hashint4(n + 7) & 1023 AS a, hashint4(n + 77) & 1023 AS b, hashint4(n + 777) & 1023 AS c,
               hashint4(n + 7777) & 1023 AS d
          FROM generate_series(%(first)s::int, %(last)s::int) n),
    cards AS (
        INSERT INTO contacts (organization_id, id, name, attributes, search_ids, search_personal, created_at,
                              updated_at, last_seen_at)
        SELECT %(organization)s, id,
               CASE WHEN d < 200 THEN ''
                    WHEN d < 600 THEN substr(%(family)s::text, 1 + a %% 40, 1)
                                      || substr(%(given)s::text, 1 + b %% 80, 1)
                                      || substr(%(given)s::text, 1 + c %% 80, 1)
                    ELSE (%(names)s::text[])[1 + a %% 20] || ' '
                         || initcap((%(heads)s::text[])[1 + b %% 20] || (%(tails)s::text[])[1 + c %% 20]) END,
               jsonb_build_object('level', (ARRAY['VIP', 'Gold', 'Silver', 'None'])[1 + (a * b) %% 4],
                                  'points', (a * 1024 + b) %% 5000, 'city', (%(cities)s::text[])[1 + c %% 7],
                                  'birthday', (date '1950-01-01' + a * 20)::text, 'newsletter', b < 300),
               CASE WHEN d < 200 THEN '' ELSE ' ' || search_form('M-' || n) END,
               CASE WHEN d < 500 THEN ''
                    ELSE ' ' || search_form((%(names)s::text[])[1 + a %% 20] || n || '@example.com') END,
               seen - interval '100 days', seen, CASE WHEN b < 50 THEN NULL ELSE seen END
          FROM made),
    known AS (
        INSERT INTO identities (organization_id, id, realm_id, source_id, contact_id, created_at)
        SELECT %(organization)s, id, %(realm)s, 'M-' || n, id, now() FROM made WHERE d >= 200),
    mails AS (
        INSERT INTO contact_emails (organization_id, contact_id, position, email)
        SELECT %(organization)s, id, 0, (%(names)s::text[])[1 + a %% 20] || n || '@example.com'
          FROM made WHERE d >= 500),
    labelled AS (
        INSERT INTO labelled_contacts (organization_id, contact_id, label_id, provenance, set_at)
        SELECT %(organization)s, id, (%(labels)s::uuid[])[CASE WHEN c < 100 THEN 1 WHEN c < 110 THEN 2 ELSE 3 END],
               'member', now()
          FROM made WHERE c < 110 OR n %% 1000 = 0)
    INSERT INTO contact_inboxes (organization_id, contact_id, inbox_id, last_seen_at)
    SELECT %(organization)s, id,
           (%(inboxes)s::uuid[])[CASE WHEN n %% 1000 = 0 THEN 3 WHEN b < 300 THEN 2 ELSE 1 END], seen
      FROM made
"""


@dataclass(frozen=True)
class World:
    """An organization that is full of contacts."""

    id: OrganizationId
    inboxes: tuple[InboxId, ...]  # of 70, 30 and 0.1 percent of the contacts

    @property
    def caller(self) -> Caller:
        return system_caller(self.id)

    def limited(self, place: int) -> Caller:
        """A member who sees one inbox."""
        grant = Grant(frozenset(Right), frozenset({self.inboxes[place]}))
        return Caller(CallerKind.MEMBER, new_id(), "Member", self.id, (grant,))


def main(contacts: int, *, plans: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="frontdesk-bench-") as folder:
        Path(folder).chmod(0o755)
        settings = Settings(data=Path(folder) / "data")
        with open_database(settings) as addresses:
            print(json.dumps(asyncio.run(run(settings, addresses, contacts, plans=plans))))


async def run(settings: Settings, addresses: Addresses, contacts: int, *, plans: bool) -> dict[str, Any]:
    async with (
        open_services(settings, addresses) as services,
        Database.open(addresses.maintenance, max_connections=1) as unbound,
    ):
        world = await fill(services, contacts)
        await fill(services, contacts // 10)
        with psycopg.connect(addresses.owner, autocommit=True) as owner:
            owner.execute("VACUUM ANALYZE contacts, identities, contact_emails, contact_inboxes, labelled_contacts")
        print(f"{contacts} contacts" + " " * 17 + "p50 ms     p95 ms   without RLS, p95 ms   ratio   matches")
        table = {}
        for name, (caller, asked) in cases(world).items():
            table[name] = row = await measure(services.db, unbound, caller, asked)
            print(
                f"{name:28} {row['p50']:10.1f} {row['p95']:10.1f} {row['unbound']:21.1f} {row['ratio']:7.2f} "
                f"{row['matches']:9}"
            )
            if plans:
                await explain(services.db, caller, asked[0])
        newcomers = await measure_newcomers(services.db, addresses.owner, world)
        print(
            f"first message of somebody new: {newcomers['with']:.2f} ms, without the list's indexes "
            f"{newcomers['without']:.2f} ms, ratio {newcomers['ratio']:.2f}"
        )
        return {"list": table, "newcomers": newcomers}


async def fill(services: Services, contacts: int) -> World:
    organization, _ = await create_organization(
        services.db, name="Big", owner_email=f"o{new_id()}@example.com", owner_name="O", password="x" * 12
    )
    caller, rules = system_caller(organization), ModelRules(Cipher(bytes(32)), ())
    async with services.db.begin(organization) as tx:
        assistant, _ = await create_assistant_with_inbox(tx, caller, {"name": "Shop", "base_ids": ()}, rules)
        inboxes = []
        for number in range(3):
            written = InboxChanges(name=f"Web {number}", assistant_id=assistant.id)
            inboxes.append((await create_inbox(tx, caller, written, channel_type=ChannelType.WEB))[0].id)
        realm = (await get_default_realm(tx)).id
        labels = [await make_label(tx, name) for name in ("Taipei members", "Press", "Rare")]
    params = {
        "organization": organization, "realm": realm, "inboxes": inboxes, "labels": labels, "family": FAMILY,
        "given": GIVEN, "names": FIRST, "heads": HEADS, "tails": TAILS, "cities": CITIES,
    }  # fmt: skip
    for first in range(1, contacts + 1, BATCH):
        async with services.db.begin(organization) as tx:
            await tx.execute(FILL, params | {"first": first, "last": min(first + BATCH - 1, contacts)})
    return World(organization, tuple(inboxes))


async def make_label(tx: Tx, name: str) -> ContactLabelId:
    label_id = ContactLabelId(new_id())
    sql = "INSERT INTO contact_labels (organization_id, id, name, created_at) VALUES (%(o)s, %(id)s, %(name)s, %(now)s)"
    await tx.execute(sql, {"o": tx.organization_id, "id": label_id, "name": name, "now": utc_now()})
    return label_id


def where(field: str, op: str, *values: object) -> ContactFilters:
    return ContactFilters(filter=group({"field": field, "op": op} | ({"value": values[0]} if values else {})))


def group(*conditions: dict[str, Any]) -> Group:
    return parse_filter({"operator": "and", "conditions": list(conditions)})


def asked(*queries: str) -> list[ContactFilters]:
    return [ContactFilters(query=query) for query in queries]


def cases(world: World) -> dict[str, tuple[Caller, Sequence[ContactFilters]]]:
    caller = world.caller
    lists = [ContactFilters(), *(ContactFilters(query=query) for query in ("張偉", "sofia"))]
    mixed = {"operator": "or", "conditions": [
        {"field": "label", "op": "equals", "value": "Press"}, {"field": "last_seen", "op": "within", "value": 1}
    ]}  # fmt: skip
    return {
        "list": (caller, [ContactFilters()]),
        "list by name": (caller, [ContactFilters(order=Order.NAME)]),
        "list by creation": (caller, [ContactFilters(order=Order.CREATED)]),
        "list by change": (caller, [ContactFilters(order=Order.UPDATED_TURNED)]),
        "search 1 Chinese": (caller, asked("張", "林", "偉", "梅", "高")),
        "search 2 Chinese": (caller, asked("張偉", "林佳", "東京", "陳淑", "山川")),
        "search 3 Chinese": (caller, asked("張偉佳", "林佳雅", "陳淑芬", "王家梅")),
        "search 1-2 Latin": (caller, asked("l", "s", "z", "li", "ol", "vi")),
        "search word": (caller, asked("sofia", "bakova", "krakow", "tomasz")),
        "search two words": (caller, asked("anna bakova", "sofia vip", "maria zimlin")),
        "search source id": (caller, asked("M-15555", "M-777", "M-99999", "M-4321")),
        "search e-mail": (caller, asked("anna5@", "olga777", "example.com", "hana99")),
        "search for nobody": (caller, asked("xqzw", "nobody here", "龘")),
        "search a label": (caller, asked("press", "rare")),
        "source id, exact": (caller, [ContactFilters(source_id=f"M-{n}") for n in (7, 777, 9999)]),
        "known, anonymous": (caller, [ContactFilters(kind="known"), ContactFilters(kind="anonymous")]),
        "label": (caller, [where("label", "equals", name) for name in ("Taipei members", "Press", "Rare")]),
        "attribute equals": (caller, [where("attributes.level", "equals", name) for name in ("VIP", "Gold", "no")]),
        "attribute differs": (caller, [where("attributes.level", "not_equals", name) for name in ("VIP", "nothing")]),
        "attribute contains": (caller, [where("attributes.city", "contains", part) for part in ("pei", "雄", "zzz")]),
        "attribute, not indexed": (caller, [where("attributes.points", "greater", least) for least in (9, 4990, 9999)]),
        "seen lately, long ago": (caller, [where("last_seen", "within", 7), where("last_seen", "older_than", 700)]),
        "never seen": (caller, [where("last_seen", "is_not_set")]),
        "and, or": (caller, [ContactFilters(filter=parse_filter({"operator": "and", "conditions": [
            {"field": "attributes.level", "op": "equals", "value": "VIP"}, mixed]}))]),
        "member of 70 % of them": (world.limited(0), lists),
        "member of 0.1 % of them": (world.limited(2), lists),
    }  # fmt: skip


async def measure(
    db: Database, unbound: Database, caller: Caller, asked: Sequence[ContactFilters]
) -> dict[str, float | int]:
    ours, matches = await clock(db, caller, asked)
    theirs, _ = await clock(unbound, caller, asked)
    return {
        "p50": round(median(ours), 1),
        "p95": round(p95(ours), 1),
        "unbound": round(p95(theirs), 1),
        "ratio": round(p95(ours) / p95(theirs), 2),
        "matches": matches,
    }


async def clock(db: Database, caller: Caller, asked: Sequence[ContactFilters]) -> tuple[list[float], int]:
    times, matches = [], 0
    async with db.begin(caller.organization_id) as tx:
        for filters in asked:
            await list_contacts(tx, caller, filters, Paging(25, 0))
            for _ in range(ROUNDS):
                started = time.perf_counter()
                matches = max(matches, (await list_contacts(tx, caller, filters, Paging(25, 0))).count)
                times.append((time.perf_counter() - started) * 1000)
    return times, matches


def p95(times: Sequence[float]) -> float:
    return sorted(times)[max(0, round(len(times) * 0.95) - 1)]


async def explain(db: Database, caller: Caller, filters: ContactFilters) -> None:
    """Print the plans of what `list_contacts` runs for these filters."""
    async with db.begin(caller.organization_id) as tx:
        told = Told(tx)
        await list_contacts(told, caller, filters, Paging(25, 0))


class Told(Tx):
    """A transaction that prints the plan of each statement that is planned for its values."""

    def __init__(self, tx: Tx) -> None:
        super().__init__(tx.organization_id, tx.connection)

    async def fetch_planned(self, sql: str, params: Any = None) -> list[tuple[Any, ...]]:
        for (line,) in await super().fetch_planned(f"EXPLAIN (ANALYZE, TIMING OFF) {sql}", params):
            print(f"    {line[:160]}")
        return await super().fetch_planned(sql, params)


async def measure_newcomers(db: Database, owner: str, world: World) -> dict[str, float]:
    """Time the statement that every first message of somebody new runs; the transaction is rolled back in the end."""
    found = {"with": await clock_newcomers(db, world)}
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(f"DROP INDEX {', '.join(INDEXES)}")
    found["without"] = await clock_newcomers(db, world)
    return {name: round(value, 3) for name, value in found.items()} | {
        "ratio": round(found["with"] / found["without"], 2)
    }


async def clock_newcomers(db: Database, world: World) -> float:
    times = []
    async with db.begin(world.id) as tx:
        realm = (await get_default_realm(tx)).id
        for _ in range(NEWCOMERS):
            key = IdentityKey(realm, f"N-{new_id()}")
            started = time.perf_counter()
            await upsert_identity(tx, key, now=utc_now())
            times.append((time.perf_counter() - started) * 1000)
        await tx.execute("ROLLBACK")
    return median(times)


if __name__ == "__main__":
    sizes = [int(argument) for argument in sys.argv[1:] if argument.isdecimal()]
    main(sizes[0] if sizes else 20_000, plans="--plans" in sys.argv)
