"""Exports: what leaves comes back as it was, and nobody gets what is not theirs."""

import io

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.lifecycle.importing_desk import Desk
from tests.making import make_inbox

from frontdesk.access.actions import create_profile
from frontdesk.contacts.access_actions import assign_profile
from frontdesk.contacts.attributes import Kind, Schema
from frontdesk.contacts.configuring import create_definition
from frontdesk.contacts.labels import create_label
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.sheet_writing import DoesNotFit
from frontdesk.core.wire import Paging
from frontdesk.identities.cards import Given, LabelWish, create_card
from frontdesk.identities.listing import ContactFilters, list_contacts
from frontdesk.identities.selecting import Selection
from frontdesk.lifecycle import exporting
from frontdesk.lifecycle.export_formats import open_writer
from frontdesk.lifecycle.import_model import ImportState
from frontdesk.organizations.model import Caller, system_caller

EVERYBODY = Selection()
FORMATS = ("csv", "xlsx", "ndjson", "vcard")
NAMES = {"csv": "c.csv", "xlsx": "c.xlsx", "ndjson": "c.ndjson", "vcard": "c.vcf"}
KINDS = {
    "text": Kind.TEXT,
    "number": Kind.NUMBER,
    "date": Kind.DATE,
    "paid": Kind.BOOLEAN,
    "tags": Kind.LIST,
    "url": Kind.URL,
}


async def set_up(services, organization) -> Desk:
    """An organization with a schema, a label, a profile and two platforms."""
    owner = system_caller(organization)
    async with services.db.begin(organization) as tx:
        for key, kind in KINDS.items():
            await create_definition(tx, owner, key, {"kind": kind})
        for name in ("Wholesale", 'a;b "c"'):
            await create_label(tx, owner, name)
        await create_profile(tx, owner, {"name": "VIP"})
        for name in ("Shop web", "=Line"):
            await make_inbox(tx, owner, name)
    return Desk(services, organization, owner)


async def export(
    desk: Desk, file_format: str, columns=None, selection=EVERYBODY, caller: Caller | None = None
) -> bytes:
    async with desk.services.db.begin(desk.organization) as tx:
        one = await exporting.start_export(tx, caller or desk.caller, selection, file_format, columns)
    await exporting.write_export(desk.services, desk.organization, one.id)
    async with desk.services.db.begin(desk.organization) as tx:
        done = await exporting.access_export(tx, caller or desk.caller, one.id)
    assert done.state == "done", done.failure
    return await desk.services.files.read(done.file_key)


async def list_cards(desk: Desk) -> list[tuple]:
    """All that an export says of each contact, without ids and times."""
    async with desk.services.db.begin(desk.organization) as tx:
        page = await list_contacts(tx, desk.caller, ContactFilters(), Paging(1000, 0))
    return sorted(
        (
            (
                view.contact.name, view.contact.emails, view.contact.phones, view.contact.language,
                view.contact.time_zone, view.contact.avatar, sorted(view.contact.attributes.items(), key=repr),
                view.contact.query_metadata, sorted(one.source_id for one in view.identities),
                sorted(one.name for one in view.inboxes), sorted(one.name for one in view.labels),
                sorted(name for _, name in view.profiles),
            )
            for view in page.rows
        ),
        key=repr,
    )  # fmt: skip


odd = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20) | st.sampled_from(
    [
        "=1+1",
        "'=x",
        "''-",
        "'plain",
        "+886",
        "@a",
        "\tx",
        "\rx",
        "json:1",
        " spaced ",
        "5",
        "true",
        "_x0041_",
        '"q"',
        "a;b",
    ]
)
lines = st.text("張偉ab'\"=;,-_x0041 ", min_size=1, max_size=12).filter(lambda text: text.strip())
attributes = st.fixed_dictionaries(
    {},
    optional={
        "text": odd.filter(lambda text: text != ""),
        "number": st.integers(-(10**12), 10**12) | st.floats(-1e6, 1e6, allow_nan=False).map(lambda n: round(n, 4)),
        "date": st.dates().map(str),
        "paid": st.booleans(),
        "tags": st.lists(odd, min_size=1, max_size=4),
        "url": st.sampled_from(["https://example.com/a?b=c&d", "http://張.tw/"]),
        "free": odd,
        "=free 2": st.one_of(
            st.integers(), st.booleans(), st.lists(odd, max_size=2), st.dictionaries(odd, odd, max_size=2)
        ),
    },
)
cards = st.fixed_dictionaries(
    {"name": lines, "attributes": attributes},
    optional={
        "emails": st.just(["ann@shop.tw", "b@shop.tw"]),
        "phones": st.just(["+886912345678"]),
        "language": st.just("zh-Hant"),
        "time_zone": st.just("Asia/Taipei"),
        "avatar": st.just("https://example.com/a.png"),
    },
)


@pytest.mark.parametrize("file_format", FORMATS)
async def test_what_is_exported_comes_back_as_it_was(services, organization, other_organization, file_format):
    """Every kind of value, lists, lines, apostrophes and formulas, labels, platforms, access and further identities."""
    ours, theirs = await set_up(services, organization), await set_up(services, other_organization)

    @given(st.lists(cards, min_size=30, max_size=30))
    @settings(max_examples=1, suppress_health_check=list(HealthCheck), database=None, derandomize=False)
    def draw(drawn) -> None:
        examples.append(drawn)

    examples: list = []
    draw()
    async with services.db.begin(organization) as tx:
        page = await exporting.load_names(tx)
        inboxes = list(page.inboxes)
        for number, fields in enumerate(examples[-1]):
            given_card = Given(
                fields=fields,
                source_id=f"=M-{number}" if number % 3 else None,
                identities=((page.member_realm, f"second;{number}"),) if number % 5 == 1 else (),
                inbox_ids=tuple(inboxes[: number % 3]),
                labels=(LabelWish(None, "Wholesale"), LabelWish(None, 'a;b "c"')) if number % 2 else None,
                sets_access=number % 4 == 0,
                query_metadata={"knowledge_bases": [], "note": "=1"} if number % 8 == 0 else None,
            )
            contact_id, _ = await create_card(tx, ours.caller, given_card)
            if number % 6 == 0:
                profile = (
                    await tx.fetch_one(
                        "SELECT id FROM access_profiles WHERE organization_id = %(o)s", {"o": organization}
                    )
                )[0]
                await assign_profile(tx, ours.caller, contact_id, profile)
    content = await export(ours, file_format)
    one = await theirs.bring(content, NAMES[file_format])
    done = await theirs.run(one)
    assert (done.state, done.counts) == (ImportState.DONE, {"created": 30}), await theirs.rows(one)
    assert await list_cards(theirs) == await list_cards(ours)


async def test_columns_and_rows_are_those_that_were_chosen(services, organization):
    """A selection by ids or filters, chosen columns in their order, in each of the formats."""
    desk = await set_up(services, organization)
    async with services.db.begin(organization) as tx:
        ann, _ = await create_card(tx, desk.caller, Given(fields={"name": "Ann", "attributes": {"free": "x"}}))
        await create_card(tx, desk.caller, Given(fields={"name": "Bob", "attributes": {"other": 1}}, source_id="M-1"))
    content = await export(desk, "csv", ["attributes.free", "name"], Selection((ann,)))
    assert content.decode("utf-8-sig") == "attributes.free,name\r\nx,Ann\r\n"
    content = await export(desk, "csv", ["name", "attributes"], Selection(filters=ContactFilters(kind="known")))
    assert content.decode("utf-8-sig") == "name,attributes.other\r\nBob,json:1\r\n"
    sheet = openpyxl.load_workbook(io.BytesIO(await export(desk, "xlsx", ["name"])))["Contacts"]
    assert sorted(row[0].value for row in sheet.rows) == ["Ann", "Bob", "name"]
    async with services.db.begin(organization) as tx:
        for wrong in (["nothing"], [], ["attributes."]):
            with pytest.raises(InvalidRequest):
                await exporting.start_export(tx, desk.caller, Selection(), "csv", wrong)


def test_what_does_not_fit_a_workbook_is_said(tmp_path):
    """A cell is never cut: the export fails with the column."""
    with (tmp_path / "x").open("wb") as file:
        writer = open_writer("xlsx", file, ["queryMetadata"], Schema({}))
        with pytest.raises(DoesNotFit, match="queryMetadata"):
            writer.write([{"queryMetadata": {"a": "b" * 40_000}}])
        writer.abandon()


async def test_old_files_are_removed(services, organization):
    """A file is kept for seven days; then it is gone, and no link is made any more."""
    desk = await set_up(services, organization)
    await export(desk, "csv")
    async with services.db.begin(organization) as tx:
        await tx.execute("UPDATE exports SET expires_at = now() WHERE organization_id = %(o)s", {"o": organization})
        (one,), _ = await exporting.list_exports(tx, desk.caller, limit=1, offset=0)
    await exporting.remove_expired(services, organization)
    with pytest.raises(FileNotFoundError):
        await services.files.read(one.file_key)
    async with services.db.begin(organization) as tx:
        assert (await exporting.access_export(tx, desk.caller, one.id)).state == "gone"
        with pytest.raises(exporting.ExportNotReady):
            await exporting.make_link(tx, desk.caller, one.id)
