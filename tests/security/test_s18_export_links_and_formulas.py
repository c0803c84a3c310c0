"""Security 18: an export link works once, for its maker, for a while; no cell of a file begins a formula."""

import csv
import io
from datetime import timedelta

import openpyxl
import pytest
from tests.conftest import make_key
from tests.making import make_inbox, member

from frontdesk.contacts.filters import parse_filter
from frontdesk.core.errors import Forbidden, NotFound
from frontdesk.core.text import utc_now
from frontdesk.identities.cards import Given, create_card
from frontdesk.identities.listing import ContactFilters
from frontdesk.identities.selecting import Selection
from frontdesk.lifecycle import exporting
from frontdesk.lifecycle.exporting import LINK_LASTS
from frontdesk.organizations.audit import list_audit
from frontdesk.organizations.keys import create_api_key, find_key_caller, revoke_api_key
from frontdesk.organizations.model import Caller, Grant, Right

API = "/api/v1"
EVIL = ("=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "'=1", "=cmd|' /C calc'!A0", "\uff1d1", "\uff201")


async def write(services, organization, caller, file_format="csv", columns=None):
    async with services.db.begin(organization) as tx:
        one = await exporting.start_export(tx, caller, Selection(), file_format, columns)
    await exporting.write_export(services, organization, one.id)
    return one


async def fetch_link(client, key, export_id):
    answer = await client.post(f"{API}/exports/{export_id}/link", headers=key)
    return answer.json()["url"].partition("/api/v1")[2] if answer.status_code == 200 else answer.status_code


@pytest.fixture
async def export_id(services, organization, owner, client, api_key):
    async with services.db.begin(organization) as tx:
        await create_card(tx, owner, Given(fields={"name": "Ann", "emails": ["ann@shop.tw"]}))
    answer = await client.post(f"{API}/exports/", json={"selection": {"filters": {}}}, headers=api_key)
    assert answer.status_code == 201
    await exporting.write_export(services, organization, answer.json()["id"])
    return answer.json()["id"]


async def test_s18_a_link_works_once_and_for_its_maker_only(client, db, organization, other_key, api_key, export_id):
    """Another key of the organization, another organization and nobody are told that there is nothing; twice is once."""
    colleague = await make_key(db, organization)
    assert await fetch_link(client, colleague, export_id) == 404
    assert await fetch_link(client, other_key, export_id) == 404
    path = f"{API}{await fetch_link(client, api_key, export_id)}"
    for headers, status in ((colleague, 404), (other_key, 404), ({}, 401), (api_key, 200), (api_key, 404)):
        assert (await client.get(path, headers=headers)).status_code == status
    assert (await client.get(f"{API}/exports/{export_id}", headers=colleague)).status_code == 404
    assert (await client.get(f"{API}/exports", headers=colleague)).json()["count"] == 0


async def test_s18_a_link_expires_and_a_new_one_ends_the_old(client, db, organization, api_key, export_id):
    """The token is kept as a hash; the older of two links is worth nothing, and so is one that is ten minutes old."""
    old, new = [f"{API}{await fetch_link(client, api_key, export_id)}" for _ in range(2)]
    assert (await client.get(old, headers=api_key)).status_code == 404
    async with db.begin(organization) as tx:
        late = utc_now() - LINK_LASTS
        sql = "UPDATE exports SET link_expires_at = link_expires_at - %(by)s WHERE organization_id = %(o)s"
        await tx.execute(sql, {"by": LINK_LASTS + timedelta(seconds=1), "o": organization})
        stored = await tx.fetch_value(
            "SELECT token_hash FROM exports WHERE organization_id = %(o)s", {"o": organization}
        )
    assert late < utc_now()
    assert new.rpartition("=")[2].encode() not in bytes(stored)
    assert (await client.get(new, headers=api_key)).status_code == 404


async def test_s18_the_file_is_saved_and_never_shown(client, api_key, export_id):
    """It is an attachment, is not kept by caches, and its address goes nowhere else."""
    answer = await client.get(f"{API}{await fetch_link(client, api_key, export_id)}", headers=api_key)
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_s18_no_cell_begins_a_formula(services, organization, owner):
    """Names, attributes, their keys, source ids and platforms, in CSV as in XLSX, headers too."""
    async with services.db.begin(organization) as tx:
        inbox = await make_inbox(tx, owner, "=Inbox")
        for number, evil in enumerate(EVIL):
            fields = {"name": evil.strip(), "attributes": {"=key": evil, "list": [evil]}}
            source_id = f"{evil.strip()}{number}"
            await create_card(tx, owner, Given(fields=fields, source_id=source_id, inbox_ids=(inbox.id,)))
    for file_format in ("csv", "xlsx"):
        one = await write(services, organization, owner, file_format)
        async with services.db.begin(organization) as tx:
            key = (await exporting.access_export(tx, owner, one.id)).file_key
        content = await services.files.read(key)
        if file_format == "csv":
            cells = [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) for cell in row]
        else:
            sheet = openpyxl.load_workbook(io.BytesIO(content))["Contacts"]
            assert {cell.data_type for row in sheet.rows for cell in row} <= {"s", "inlineStr", "n"}  # n: empty
            cells = [str(cell.value) for row in sheet.rows for cell in row if cell.value is not None]
        assert len(cells) > len(EVIL) * 5
        assert [cell for cell in cells if cell[:1] in {"=", "+", "-", "@", "\uff1d", "\uff20", "\t", "\r"}] == []


async def test_s18_personal_columns_leave_only_with_the_right(services, organization, owner):
    """Who may not see e-mails cannot export them, asked for or not; and only contacts of own inboxes leave."""
    async with services.db.begin(organization) as tx:
        mine, theirs = await make_inbox(tx, owner, "Mine"), await make_inbox(tx, owner, "Theirs")
        for inbox in (mine, theirs):
            fields = {"name": inbox.name, "emails": [f"{inbox.name}@shop.tw"]}
            await create_card(tx, owner, Given(fields=fields, inbox_ids=(inbox.id,)))
        weak = await make_caller(tx, owner, [Right.CONTACTS_VIEW, Right.CONTACTS_EXPORT], [mine.id])
        blind = await make_caller(tx, owner, [Right.CONTACTS_VIEW], None)
        with pytest.raises(Forbidden):
            await exporting.start_export(tx, blind, Selection(), "csv")
    for columns in (None, ["name", "emails"]):
        one = await write(services, organization, weak, columns=columns)
        async with services.db.begin(organization) as tx:
            key = (await exporting.access_export(tx, weak, one.id)).file_key
        text = (await services.files.read(key)).decode()
        assert "Mine" in text
        assert "@shop.tw" not in text
        assert "Theirs" not in text


async def test_s18_a_selection_by_address_needs_the_right_and_is_not_written_down(services, organization, owner):
    """It is refused before a job begins; and who reads the audit log is not told who was looked for."""
    condition = {"field": "email", "op": "equals", "value": "a@b.tw"}
    by_email = Selection(None, ContactFilters(filter=parse_filter({"operator": "and", "conditions": [condition]})))
    async with services.db.begin(organization) as tx:
        weak = await make_caller(tx, owner, [Right.CONTACTS_VIEW, Right.CONTACTS_EXPORT], None)
        with pytest.raises(Forbidden):
            await exporting.start_export(tx, weak, by_email, "csv")
        await exporting.start_export(tx, owner, by_email, "csv")
        (entry, *_) = (await list_audit(tx, owner, limit=1)).entries
    assert entry.action == "export.started"
    assert entry.payload["filtered_by"] == ["email"]
    assert "a@b.tw" not in str(entry.payload)


async def test_s18_who_loses_the_right_gets_no_file(services, organization, owner):
    """The rights are looked at while the file is written, and again when it is downloaded."""
    async with services.db.begin(organization) as tx:
        caller = await make_caller(tx, owner, [Right.CONTACTS_VIEW, Right.CONTACTS_EXPORT], None)
        one = await exporting.start_export(tx, caller, Selection(), "csv")
        await revoke_api_key(tx, owner, caller.id)
    await exporting.write_export(services, organization, one.id)
    async with services.db.begin(organization) as tx:
        done = await exporting.access_export(tx, caller, one.id)
        assert (done.state, done.file_key) == ("failed", None)
        nobody = Caller(caller.kind, caller.id, caller.name, organization, (Grant(frozenset()),))
        with pytest.raises(NotFound):
            await exporting.access_export(tx, nobody, one.id)
        assert not member(owner, Right.CONTACTS_VIEW).may(Right.CONTACTS_EXPORT)


async def make_caller(tx, owner, rights, inboxes):
    key, _ = await create_api_key(tx, owner, name="k", rights=rights, inbox_ids=inboxes, expires_at=None)
    return await find_key_caller(tx, key.id)
