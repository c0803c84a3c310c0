"""Importing contacts: what becomes of each row, counts that add up, and nothing half-written."""

import csv
import io
import json

import pytest
from tests.lifecycle.generated_contacts import expected_counts, write_csv
from tests.lifecycle.importing_desk import Desk, checksum
from tests.making import make_inbox

from frontdesk.access.actions import create_profile
from frontdesk.contacts.actions import set_inboxes, update_contact
from frontdesk.contacts.attributes import Kind
from frontdesk.contacts.configuring import create_definition
from frontdesk.contacts.labels import create_label as create_contact_label
from frontdesk.contacts.model import Provenance
from frontdesk.contacts.queries import find_addresses, find_provenance, get_contact
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound
from frontdesk.core.ids import new_id
from frontdesk.core.text import utc_now
from frontdesk.identities.cards import Given, create_card, get_view
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.queries import find_owners
from frontdesk.identities.source_ids import get_bare_realm
from frontdesk.identities.tombstones import insert_tombstones
from frontdesk.lifecycle import importing
from frontdesk.lifecycle.import_error_file import stream_errors
from frontdesk.lifecycle.import_errors import ImportNotReady, ImportUnreadable
from frontdesk.lifecycle.import_model import ImportState
from frontdesk.lifecycle.import_running import NOT_ALLOWED
from frontdesk.lifecycle.importing import NewImport
from frontdesk.organizations.keys import create_api_key, find_key_caller, revoke_api_key
from frontdesk.organizations.model import Right


@pytest.fixture
def desk(services, organization, owner) -> Desk:
    return Desk(services, organization, owner)


def outcomes(rows):
    return [(row.row_number, row.outcome.value, row.code) for row in rows]


async def add(desk: Desk, **given) -> object:
    async with desk.services.db.begin(desk.organization) as tx:
        contact_id, _ = await create_card(tx, desk.caller, Given(**given))
    return contact_id


async def look(desk: Desk, source_id: str):
    async with desk.services.db.begin(desk.organization) as tx:
        key = IdentityKey(await get_bare_realm(tx, None), source_id)
        owner = (await find_owners(tx, [key])).get(key)
        return await get_view(tx, desk.caller, owner) if owner else None


async def test_a_dry_run_says_of_every_row_what_the_run_then_does(desk):
    """The same code decides, so the same becomes of each row; the counts add up to the rows of the file."""
    await add(desk, fields={"name": "Old", "emails": ["old@shop.tw"]}, source_id="M-9")
    await add(desk, fields={"name": "Same"}, source_id="M-8")
    content = (
        "姓名,E-mail,會員編號\n張偉,zhang@shop.tw,M-1\n,,M-2\nNo Mail,not-an-address,M-3\n張偉,,M-1\n王小明,,\n"
        'New,new@shop.tw,M-9\nSame,,M-8\nZero,,0\n"broken"x,,\nShared,OLD@shop.tw,M-7\n'
    )
    one = await desk.bring(content.encode())
    assert [use["target"] for use in one.mapping] == ["name", "emails", "sourceId"]
    before = await checksum(desk)
    checked = await desk.check(one)
    assert checked.state is ImportState.CHECKED
    assert await checksum(desk) == before
    dry = await desk.rows(one, is_dry=True)
    done = await desk.run(one)
    assert (done.state, done.failure) == (ImportState.DONE, None)
    assert done.counts == checked.checked
    assert sum(done.counts.values()) == done.total_count == done.done_count == 10
    assert outcomes(await desk.rows(one)) == outcomes(dry) == [
        (2, "created", None),
        (3, "created", None),
        (4, "error", "invalid-value"),
        (5, "merged", None),
        (6, "created", None),
        (7, "updated", None),
        (8, "unchanged", None),
        (9, "error", "invalid-source-id"),
        (10, "error", "malformed"),
        (11, "created", "shared-email"),
    ]  # fmt: skip
    new = await look(desk, "M-9")
    assert (new.contact.name, new.contact.emails) == ("New", ("new@shop.tw", "old@shop.tw"))  # no address is lost


async def test_a_generated_file_adds_up_and_comes_back_as_it_was(desk, tmp_path):
    """1 % errors and 2 % repetitions: counts as expected; the check, the run and the undo leave what they must."""
    await add(desk, fields={"name": "Before", "attributes": {"level": "gold"}}, source_id="M-0000007")
    before = await checksum(desk)
    write_csv(tmp_path / "contacts.csv", 1_200)
    with (tmp_path / "contacts.csv").open("rb") as file:
        one = await desk.bring(file)
    expected = expected_counts(1_200)
    expected = expected | {"created": expected["created"] - 1, "updated": 1}
    assert (await desk.check(one)).checked == expected
    assert await checksum(desk) == before
    assert (await desk.run(one)).counts == expected
    assert await checksum(desk) != before
    undone = await desk.undo(one)
    assert (undone.state, undone.undone) == (
        ImportState.UNDONE, {"removed": expected["created"], "restored": 1, "kept": 0},
    )  # fmt: skip
    assert await checksum(desk) == before


async def test_everything_that_a_row_can_say(desk):
    """Labels, platforms, profiles, conditions, further identities and attributes of a schema, with provenance import."""
    async with desk.services.db.begin(desk.organization) as tx:
        inbox = await make_inbox(tx, desk.caller, "Shop web")
        await create_contact_label(tx, desk.caller, "Wholesale")
        await create_profile(tx, desk.caller, {"name": "VIP"})
        for key, kind in (("level", Kind.TEXT), ("size", Kind.NUMBER), ("tags", Kind.LIST), ("paid", Kind.BOOLEAN)):
            await create_definition(tx, desk.caller, key, {"kind": kind})
        realm = inbox.realm_id
    conditions = json.dumps({"knowledge_bases": []})
    header = "name,phone,sourceId,labels,inboxes,access profiles,queryMetadata,language,timezone,size,tags,attributes.free,paid"
    row = [
        "Ann",
        "+886 912 345 678",
        "M-1",
        "wholesale",
        "Shop web",
        "VIP",
        conditions,
        "zh-Hant",
        "Asia/Taipei",
        "4.5",
        "a;b",
        "x",
        "yes",
    ]
    text = io.StringIO()
    csv.writer(text).writerow(row)
    one = await desk.bring(f"{header}\n{text.getvalue()}".encode())
    done = await desk.run(one)
    assert done.counts == {"created": 1}, await desk.rows(one)
    view = await look(desk, "M-1")
    card = view.contact
    assert card.phones == ("+886912345678",)
    assert (card.language, card.time_zone) == ("zh-Hant", "Asia/Taipei")
    assert card.attributes == {"size": 4.5, "tags": ["a", "b"], "free": "x", "paid": True}
    assert card.query_metadata == {"knowledge_bases": []}
    assert [label.name for label in view.labels] == ["Wholesale"]
    assert [one.name for one in view.inboxes] == ["Shop web"]
    assert [name for _, name in view.profiles] == ["VIP"]
    assert view.identities[0].realm_id == realm
    async with desk.services.db.begin(desk.organization) as tx:
        said = await find_provenance(tx, card.id)
        assert {one.provenance for one in said.values()} == {Provenance.IMPORT}
        phones = (await find_addresses(tx, card.id))["phones"]
        assert phones[0].provenance is Provenance.IMPORT
        log = await tx.fetch(
            "SELECT action, payload ->> 'import' FROM audit_log WHERE organization_id = %(o)s AND contact_id = %(c)s",
            {"o": desk.organization, "c": card.id},
        )
        assert ("contact.created", str(one.id)) in log
        found = await tx.fetch_one(
            "SELECT search_ids, search_personal FROM contacts WHERE organization_id = %(o)s AND id = %(c)s",
            {"o": desk.organization, "c": card.id},
        )
    assert found == (" m-1", " +886912345678")


BROKEN = (
    ("labels", "Nobody", "unknown-label"),
    ("inboxes", "Nowhere", "unknown-inbox"),
    ("accessProfiles", "None", "unknown-profile"),
    ("queryMetadata", '{"knowledge_base": 1}', "invalid-query-metadata"),
    ("queryMetadata", "{", "invalid-query-metadata"),
    ("identities", '[{"realm": "x", "sourceId": "1"}]', "unknown-realm"),
    ("identities", "[1]", "invalid-value"),
    ("contactId", str(new_id()), "not-found"),
    ("contactId", "7", "invalid-value"),
    ("size", "large", "invalid-value"),
    ("phone", "12", "invalid-value"),
    ("language", "?!", "invalid-value"),
    ("name", "a\x07b", "invalid-value"),
    ("sourceId", " M", "invalid-source-id"),
)


async def test_what_cannot_be_kept_is_an_error_of_its_row(desk):
    """Each says its code; the rows around it are imported."""
    async with desk.services.db.begin(desk.organization) as tx:
        await create_definition(tx, desk.caller, "size", {"kind": Kind.NUMBER})
    for header, cell, code in BROKEN:
        text = io.StringIO()
        csv.writer(text).writerows([["full name", header], ["Ann", ""], ["Bob", cell], ["Eve", ""]])
        mapping = [{"column": "full name", "target": "ignore" if header == "name" else "name"}]
        target = {"size": "attributes.size", "phone": "phones"}.get(header, header)
        one = await desk.bring(text.getvalue().encode(), mapping=[*mapping, {"column": header, "target": target}])
        done = await desk.run(one)
        found = outcomes(await desk.rows(one))
        assert [row for row in found if row[1] == "error"] == [(3, "error", code)], (header, cell)
        assert done.counts == {"created": 2, "error": 1}


async def test_required_and_unique_attributes(desk):
    """A new contact has what is needed; a unique value is somebody's, in the file as in the card file, dry or not."""
    async with desk.services.db.begin(desk.organization) as tx:
        await create_definition(tx, desk.caller, "card", {"kind": Kind.TEXT, "is_unique": True})
        await create_definition(tx, desk.caller, "city", {"kind": Kind.TEXT, "is_required": True})
    holder = await add(
        desk, fields={"name": "Holder", "attributes": {"card": "C-1", "city": "Taipei"}}, source_id="M-1"
    )
    content = "name,sourceId,card,city\nA,M-2,C-1,x\nB,M-3,C-2,x\nC,M-4,C-2,x\nD,M-5,C-3,\nHolder,M-1,C-9,Taipei\nE,M-6,C-1,x\n"
    one = await desk.bring(content.encode())
    await desk.check(one)
    expected = [
        (2, "conflict", "unique-value-taken"), (3, "created", None), (4, "conflict", "unique-value-taken"),
        (5, "error", "required"), (6, "updated", None), (7, "created", None),
    ]  # fmt: skip
    assert outcomes(await desk.rows(one, is_dry=True)) == expected
    await desk.run(one)
    assert outcomes(await desk.rows(one)) == expected
    await desk.undo(one)
    async with desk.services.db.begin(desk.organization) as tx:
        assert (await get_contact(tx, holder)).attributes["card"] == "C-1"
        held = await tx.fetch(
            "SELECT value_key, contact_id FROM attribute_values WHERE organization_id = %(o)s", {"o": desk.organization}
        )
    assert held == [("C-1", holder)]


async def test_source_ids_lead_to_one_contact_or_to_a_conflict(desk):
    """Two contacts in one row, another id than the card has, and a taken one are conflicts; nothing is guessed."""
    first = await add(desk, fields={"name": "A"}, source_id="M-1")
    await add(desk, fields={"name": "B"}, source_id="M-2")
    async with desk.services.db.begin(desk.organization) as tx:
        realm = str(await get_bare_realm(tx, None))
    both = json.dumps([{"realm": realm, "sourceId": "M-2"}])
    rows = [
        ["contactId", "sourceId", "identities"],
        ["", "M-1", both],
        [first, "M-3", ""],
        [first, "M-2", ""],
        [first, "", ""],
    ]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    one = await desk.bring(text.getvalue().encode())
    await desk.run(one)
    assert outcomes(await desk.rows(one)) == [
        (2, "conflict", "source-ids-of-two-contacts"),
        (3, "conflict", "source-id-differs"),
        (4, "conflict", "source-id-taken"),
        (5, "unchanged", None),
    ]


async def test_nobody_who_was_erased_comes_back_unasked(desk):
    """A row that names an erased person is an error, unless it is said that they may come back."""
    async with desk.services.db.begin(desk.organization) as tx:
        key = IdentityKey(await get_bare_realm(tx, None), "M-1")
        cipher = desk.services.cipher
        await insert_tombstones(tx, cipher, keys=[key], emails=["gone@shop.tw"], phones=[], now=utc_now())
    content = b"name,sourceId,email\nA,M-1,\nB,M-2,Gone@shop.tw\nC,M-3,c@shop.tw\n"
    one = await desk.bring(content)
    await desk.run(one)
    assert [row.code for row in await desk.rows(one)] == ["erased", "erased", None]
    again = await desk.bring(content, options={"allowErased": True})
    assert (await desk.run(again)).counts == {"created": 2, "unchanged": 1}


async def test_undo_leaves_what_happened_since(desk):
    """Who was changed or used since is kept; a field that somebody else wrote since stays."""
    kept = await add(desk, fields={"name": "Kept", "emails": ["k@shop.tw"], "language": "en"}, source_id="M-1")
    content = "name,sourceId,email,language\nNew name,M-1,new@shop.tw,ja\nGoes,M-2,,\nStays,M-3,,\n"
    one = await desk.bring(content.encode())
    await desk.run(one)
    stays = (await look(desk, "M-3")).contact
    async with desk.services.db.begin(desk.organization) as tx:
        for contact_id, name in ((stays.id, "Used"), (kept, "Newer")):
            await update_contact(tx, desk.caller, contact_id, {"name": name}, provenance=Provenance.MEMBER)
    undone = await desk.undo(one)
    assert undone.undone == {"removed": 1, "restored": 1, "kept": 2}
    assert await look(desk, "M-2") is None
    assert (await look(desk, "M-3")).contact.name == "Used"
    card = (await look(desk, "M-1")).contact
    assert (card.name, card.emails, card.language) == ("Newer", ("k@shop.tw",), "en")
    with pytest.raises(ImportNotReady):
        await desk.undo(one)


async def test_cancelled_and_resumed(desk, tmp_path):
    """What was imported before it was stopped stays; it goes on exactly there."""
    write_csv(tmp_path / "contacts.csv", 100)
    with (tmp_path / "contacts.csv").open("rb") as file:
        one = await desk.bring(file)
    async with desk.services.db.begin(desk.organization) as tx:
        await importing.start_run(tx, desk.caller, one.id)
        await importing.cancel(tx, desk.caller, one.id)
    assert (await desk.work(one)).done_count == 0
    assert (await desk.run(one)).counts == expected_counts(100)


async def test_the_error_file_is_the_file_to_mend(desk):
    """The rows that failed with their own columns, as they were, safe to open, and fit to be imported again."""
    one = await desk.bring(b'name,sourceId,note\n=1+1,0,"a,b"\nAnn,M-1,\n\'+x,null,y\n')
    await desk.run(one)
    done = await desk.look(one)
    pieces = stream_errors(desk.services, desk.organization, done, is_dry=False)
    text = b"".join([piece async for piece in pieces]).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["Row", "Code", "Field", "Detail", "name", "sourceId", "note"]
    assert [(row[0], row[1], row[4:]) for row in rows[1:]] == [
        ("2", "invalid-source-id", ["'=1+1", "0", "a,b"]),
        ("4", "invalid-source-id", ["'+x", "null", "y"]),
    ]


# --- rights ---


async def make_key_desk(services, owner, *rights, inboxes=None) -> Desk:
    async with services.db.begin(owner.organization_id) as tx:
        key, _ = await create_api_key(tx, owner, name="importer", rights=rights, inbox_ids=inboxes, expires_at=None)
        caller = await find_key_caller(tx, key.id)
    return Desk(services, owner.organization_id, caller)


async def test_who_is_limited_to_some_inboxes_imports_into_these_only(services, owner, desk):
    """Others' contacts are conflicts without a name; new ones stand in an own inbox; others' inboxes do not exist."""
    async with services.db.begin(owner.organization_id) as tx:
        mine = await make_inbox(tx, owner, "Mine")
        await make_inbox(tx, owner, "Theirs")
    await add(desk, fields={"name": "Secret"}, source_id="M-1")
    rights = (Right.CONTACTS_IMPORT, Right.CONTACTS_EDIT)
    limited = await make_key_desk(services, owner, *rights, inboxes=[mine.id])
    content = b"name,sourceId,inboxes\nA,M-1,Mine\nB,M-2,Mine\nC,M-3,\nD,M-4,Theirs\n"
    one = await limited.bring(content)
    await limited.run(one)
    assert outcomes(await limited.rows(one)) == [
        (2, "conflict", "source-id-taken"),
        (3, "created", None),
        (4, "error", "inbox-needed"),
        (5, "error", "unknown-inbox"),
    ]
    other = await make_key_desk(services, owner, *rights, inboxes=[mine.id])
    async with services.db.begin(owner.organization_id) as tx:
        with pytest.raises(NotFound):
            await importing.access_import(tx, other.caller, one.id)


async def test_access_and_addresses_need_their_own_rights(services, owner, desk):
    """Without the right to say what contacts read, or to see e-mails, an import cannot either."""
    await add(desk, fields={"name": "A", "emails": ["a@shop.tw"]}, source_id="M-1")
    weak = await make_key_desk(services, owner, Right.CONTACTS_IMPORT, Right.CONTACTS_EDIT)
    one = await weak.bring(b"name,sourceId,email,queryMetadata\nA,M-1,b@shop.tw,\n")
    async with services.db.begin(owner.organization_id) as tx:
        with pytest.raises(Forbidden):
            await importing.start_run(tx, weak.caller, one.id)
        mapping = [{"column": "sourceId", "target": "sourceId"}, {"column": "email", "target": "emails"}]
        await importing.change_mapping(tx, weak.caller, one.id, mapping=mapping)
    await weak.run(one)
    assert outcomes(await weak.rows(one)) == [(2, "error", "forbidden")]


async def test_who_loses_the_right_stops_the_import(services, owner, desk):
    """The rights are looked at for each batch: a revoked key imports nothing more."""
    lent = await make_key_desk(services, owner, Right.CONTACTS_IMPORT, Right.CONTACTS_EDIT)
    one = await lent.bring(b"name\nAnn\n")
    async with services.db.begin(owner.organization_id) as tx:
        await importing.start_run(tx, lent.caller, one.id)
        await revoke_api_key(tx, owner, lent.caller.id)
    stopped = await Desk(services, owner.organization_id, owner).work(one)
    assert (stopped.state, stopped.failure, stopped.done_count) == (ImportState.FAILED, NOT_ALLOWED, 0)


async def test_a_file_is_taken_once_and_by_its_uploader_only(services, owner, desk):
    """Another key cannot import somebody's upload, and an unreadable file leaves nothing behind."""
    other = await make_key_desk(services, owner, Right.CONTACTS_IMPORT, Right.CONTACTS_EDIT)
    key = await desk.upload(b"name\nAnn\n")
    with pytest.raises(NotFound):
        await importing.create_import(services, other.caller, NewImport(key))
    with pytest.raises(ImportUnreadable):
        await desk.bring(b"", "empty.csv")


async def test_no_import_tells_which_addresses_others_have(services, owner, desk):
    """Neither a remark nor the outcome of a guess does, and what was guessed right is refused as what was not."""
    await add(desk, fields={"name": "A", "emails": ["a@shop.tw"]}, source_id="M-1")
    weak = await make_key_desk(services, owner, Right.CONTACTS_IMPORT, Right.CONTACTS_EDIT)
    content = b"name,sourceId,email\nA,M-1,a@shop.tw\nA,M-1,b@shop.tw\nB,M-2,a@shop.tw\nB,M-2,a@shop.tw\n"
    one = await weak.bring(content)
    expected = [(2, "error", "forbidden"), (3, "error", "forbidden"), (4, "created", None), (5, "merged", None)]
    await weak.check(one)
    assert outcomes(await weak.rows(one, is_dry=True)) == expected
    again = await desk.bring(b"name,email\nC,a@shop.tw\n")
    await desk.check(again)
    assert outcomes(await desk.rows(again, is_dry=True)) == [(2, "created", "shared-email")]


async def test_who_may_not_see_addresses_takes_no_file_of_others_over(services, owner, desk):
    """Its samples are shown neither alone nor in the list, and nobody makes it theirs by running or undoing it."""
    one = await desk.bring(b"name,email\nA,a@shop.tw\n")
    weak = await make_key_desk(services, owner, Right.CONTACTS_IMPORT, Right.CONTACTS_EDIT)
    async with services.db.begin(owner.organization_id) as tx:
        ((listed,), _) = await importing.list_imports(tx, weak.caller, limit=10, offset=0)
        assert listed.samples == (await importing.access_import(tx, weak.caller, one.id)).samples == []
        for step in (importing.start_check, importing.start_run):
            with pytest.raises(Forbidden):
                await step(tx, weak.caller, one.id)
    await desk.run(one)
    async with services.db.begin(owner.organization_id) as tx:
        with pytest.raises(Forbidden):
            await importing.start_undo(tx, weak.caller, one.id)


async def test_an_undo_writes_only_what_its_caller_may_write_now(services, owner, desk):
    """Whoever was moved to an inbox of others since stays as they are, access too."""
    async with services.db.begin(owner.organization_id) as tx:
        mine, other = await make_inbox(tx, owner, "Mine"), await make_inbox(tx, owner, "Other")
    mover = await add(desk, fields={"name": "A"}, source_id="M-1", inbox_ids=(mine.id,))
    rights = (Right.CONTACTS_IMPORT, Right.CONTACTS_EDIT, Right.CONTACTS_EDIT_ACCESS)
    limited = await make_key_desk(services, owner, *rights, inboxes=[mine.id])
    one = await limited.bring(b"name,sourceId,inboxes,queryMetadata\nB,M-1,,{}\nC,M-2,Mine,\nD,M-3,Mine,\n")
    assert (await limited.run(one)).counts == {"created": 2, "updated": 1}
    async with services.db.begin(owner.organization_id) as tx:
        for contact_id in (mover, (await look(desk, "M-2")).contact.id):
            await set_inboxes(tx, owner, contact_id, {other.id})
    assert (await limited.undo(one)).undone == {"removed": 1, "restored": 0, "kept": 2}
    assert (await look(desk, "M-1")).contact.query_metadata == {}


async def test_no_row_can_stop_an_import(desk):
    """Characters that cannot be kept and JSON of any depth are errors of their rows; the others are imported."""
    deep = "[" * 900 + "]" * 900
    evil = ["x\0", "x\ud800"]
    lines = [f'{{"{key}": {deep}}}' for key in ("name", "labels", "inboxes")]
    lines += [json.dumps({key: value}) for key in ("name", "labels", "inboxes", "sourceId") for value in evil]
    uses = [{"column": key, "target": key} for key in ("name", "labels", "inboxes", "sourceId")]
    ndjson = "\n".join([*lines, '{"name": "Ann"}']).encode()
    for content, filename in ((ndjson, "a.ndjson"), (b"name,labels\n,x\0\nAnn,\n", "a.csv")):
        mapping = uses if filename == "a.ndjson" else uses[:2]
        one = await desk.run(await desk.bring(content, filename, mapping=mapping))
        assert one.state is ImportState.DONE
        assert one.counts == {"error": one.done_count - 1, "created": 1}


async def test_numbers_of_any_size_are_kept_or_refused(desk):
    """One that is beyond every other number is an error of its row, as is what only looks like a number."""
    async with desk.services.db.begin(desk.organization) as tx:
        await create_definition(tx, desk.caller, "n", {"name": "N", "kind": Kind.NUMBER})
    values = [10**20, 10**400, float("nan"), float("inf"), "9" * 400, 1e308]
    lines = [json.dumps({"name": "A", "attributes": {"n": value}}) for value in values]
    one = await desk.run(await desk.bring("\n".join(lines).encode(), "a.ndjson"))
    codes = [row.code for row in await desk.rows(one)]
    assert codes == [None, *["invalid-value"] * 4, None]


async def test_a_file_that_nobody_can_use_is_not_kept(services, desk):
    """A mapping that is wrong spends the upload, so its file goes with it."""
    key = await desk.upload(b"name\nAnn\n")
    with pytest.raises(InvalidRequest):
        await importing.create_import(
            services, desk.caller, NewImport(key, mapping=[{"column": "no", "target": "name"}])
        )
    with pytest.raises(FileNotFoundError):
        await services.files.read(key)
