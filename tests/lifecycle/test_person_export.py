"""Everything about one person in one file, which shows what they wrote and runs none of it."""

import io
import json
import zipfile

import pytest
from tests.lifecycle.marked import Marked, make_marked
from tests.making import member

from frontdesk.core.errors import Forbidden, NotFound
from frontdesk.core.ids import InboxId, OrganizationId, new_id
from frontdesk.core.services import Services
from frontdesk.lifecycle.person_export import load_person, stream_archive
from frontdesk.organizations.model import Caller, Right

SCRIPT = '<script>alert("x")</script>'
KEY = "attachment"


async def make(services: Services, owner: Caller) -> Marked:
    organization = owner.organization_id
    keys = {table: f"{organization}/uploads/{new_id()}" for table in ("attachments", "imports", "exports")}
    await services.files.write(keys["attachments"], b"a photo")
    async with services.db.begin(organization) as tx:
        body = services.cipher.encrypt("{}", purpose="idempotency-answer")
        marked = await make_marked(tx, owner, body, keys | {"uploads": keys["attachments"]})
        await tx.execute("UPDATE messages SET content = %(said)s", {"said": f"hello {SCRIPT}"})
        await tx.execute("UPDATE notes SET body = %(said)s", {"said": SCRIPT})
        await tx.execute("UPDATE attachments SET filename = '../../../etc/pass wd'")
    return marked


async def export(services: Services, caller: Caller, marked: Marked, language: str = "en") -> zipfile.ZipFile:
    async with services.db.begin(caller.organization_id) as tx:
        person = await load_person(tx, caller, marked.contact)
    pieces = [piece async for piece in stream_archive(services, caller, person, language=language)]
    return zipfile.ZipFile(io.BytesIO(b"".join(pieces)))


async def test_all_of_a_person_is_in_the_archive(services: Services, owner: Caller):
    """The card and the merged one, what was written, files, memory and what was done; and no secret."""
    marked = await make(services, owner)
    archive = await export(services, owner, marked)
    assert archive.testzip() is None
    names = archive.namelist()
    data = json.loads(archive.read("data.json"))
    assert {card["id"] for card in data["cards"]} == {str(marked.contact), str(marked.merged)}
    assert data["memoryFacts"]
    assert data["notes"]
    assert "token_hash" not in archive.read("data.json").decode()
    (text,) = [name for name in names if name.endswith(".txt")]
    assert SCRIPT in archive.read(text).decode()
    messages = json.loads(archive.read(text.replace(".txt", ".json")))
    assert messages[0]["content"] == f"hello {SCRIPT}"
    (file,) = [name for name in names if "-files/" in name]
    assert archive.read(file) == b"a photo"
    assert json.loads(archive.read("audit.json"))
    assert json.loads(archive.read("answers.json"))


async def test_names_in_the_archive_lead_nowhere_else(services: Services, owner: Caller):
    """A file that somebody called `../../../etc/passwd` stays in its folder."""
    archive = await export(services, owner, await make(services, owner))
    assert not any(name.startswith("/") or ".." in name or " " in name for name in archive.namelist())


@pytest.mark.parametrize(("language", "word"), [("en", "Everything about one person"), ("zh", "一位聯絡人的全部資料")])
async def test_the_page_shows_and_runs_nothing(services: Services, owner: Caller, language: str, word: str):
    """What people typed is text there, in the reader's language, without script and without any address."""
    archive = await export(services, owner, await make(services, owner), language)
    page = archive.read("index.html").decode()
    assert word in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http://" not in page
    assert "https://" not in page


async def test_it_needs_both_rights(services: Services, owner: Caller):
    """Who may export but not see e-mails gets nothing, and who may see but not export finds nothing to export."""
    marked = await make(services, owner)
    async with services.db.begin(owner.organization_id) as tx:
        await tx.execute(
            "UPDATE contact_inboxes SET inbox_id = %(inbox)s WHERE contact_id = %(contact)s",
            {"inbox": marked.inbox.id, "contact": marked.contact},
        )
        blind = member(owner, Right.CONTACTS_VIEW, Right.CONTACTS_EXPORT, inboxes={marked.inbox.id})
        with pytest.raises(Forbidden):
            await load_person(tx, blind, marked.contact)
        for elsewhere in (member(owner, inboxes={InboxId(new_id())}), member(owner, Right.CONTACTS_VIEW_PERSONAL)):
            with pytest.raises(NotFound):
                await load_person(tx, elsewhere, marked.contact)


async def test_conversations_of_other_inboxes_are_left_out(services: Services, owner: Caller):
    """Who sees some inboxes exports these, is told how many conversations are left out, and reads no audit log."""
    marked = await make(services, owner)
    rights = (Right.CONTACTS_VIEW, Right.CONTACTS_VIEW_PERSONAL, Right.CONTACTS_EXPORT)
    archive = await export(services, member(owner, *rights), marked)
    assert "audit.json" not in archive.namelist()
    assert not any(name.startswith("conversations/") for name in archive.namelist())
    assert "that you may not see: 1" in archive.read("index.html").decode()


async def test_a_missing_file_does_not_spoil_the_rest(services: Services, owner: Caller, organization: OrganizationId):
    """A file that the store has lost is named as missing."""
    marked = await make(services, owner)
    async with services.db.begin(organization) as tx:
        key = await tx.fetch_value("SELECT file_key FROM attachments LIMIT 1")
    await services.files.delete(key)
    archive = await export(services, owner, marked)
    (file,) = [name for name in archive.namelist() if "-files/" in name]
    assert b"not in the store" in archive.read(file)
