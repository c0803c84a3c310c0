"""Threat 26: what is uploaded is what its content says, comes back to be saved, and belongs to whoever brought it."""

import io
import zipfile
from uuid import uuid4

import httpx
import pytest
from tests.conftest import make_key
from tests.conversations.test_attachments import PNG, SVG, Desk, desk  # noqa: F401 -- the desk is a fixture

HTML = b"<!doctype html><script>alert(1)</script>"


async def ask_form(desk: Desk, kind: str, headers: dict[str, str]) -> httpx.Response:  # noqa: F811
    asked = {"filename": "a.txt", "modelName": kind, "fieldName": "file", "fileSize": 10}
    return await desk.client.post("/api/v1/upload-presigned-url/", json=asked, headers=headers)


@pytest.mark.parametrize("content", [SVG, HTML, b"\xef\xbb\xbf <SVG xmlns='http://www.w3.org/2000/svg'/>"])
@pytest.mark.parametrize("filename", ["a.png", "a.svg", "a.html", "a.pdf.exe"])
async def test_s26_what_could_run_is_never_shown_in_place(desk: Desk, content: bytes, filename: str):  # noqa: F811
    """Whatever it is called: bytes to be saved, not to be sniffed, under a policy that lets nothing run."""
    fetched = await desk.fetch(await desk.bring(content, filename))
    assert fetched.headers["content-type"] in {"application/octet-stream", "text/plain"}
    assert fetched.headers["content-disposition"].startswith("attachment")
    assert fetched.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in fetched.headers["content-security-policy"]


async def test_s26_every_field_but_the_id_of_an_attachment_is_ignored(desk: Desk):  # noqa: F811
    """A message that says other things of its attachment carries the attachment as it was brought."""
    thread, made = await desk.open_conversation(), await desk.bring(PNG, "photo.png")
    lies = {"id": made["id"], "filename": "invoice.html", "file": "https://evil.example/x", "type": "html", "size": 1}
    sent = await desk.post("messages/", {"conversation": thread, "content": "Look", "attachments": [lies]})
    (carried,) = sent.json()["attachments"]
    assert (carried["id"], carried["filename"], carried["type"]) == (made["id"], "photo.png", "image")
    assert "evil" not in sent.text


async def test_s26_a_key_is_redeemed_once_by_its_own_caller(desk: Desk):  # noqa: F811
    """Nor is an upload for one purpose good for another."""
    key = await desk.upload()
    another = await make_key(desk.services.db, desk.organization)
    body = {"file": key, "filename": "photo.png"}
    stolen = await desk.client.post("/api/v1/attachments/", json=body, headers=another)
    assert stolen.status_code == 404
    base = (await desk.post("knowledge-bases/", {"name": f"Base {uuid4()}"})).json()["id"]
    misused = await desk.post(f"knowledge-bases/{base}/files/", {"files": [body]})
    assert misused.status_code == 404
    assert [(await desk.post("attachments/", body)).status_code for _ in range(2)] == [201, 409]


async def test_s26_a_visitor_uploads_nothing_else(desk: Desk):  # noqa: F811
    """The session of a browser asks for no upload form, and a key without rights for none of that kind."""
    started = await desk.client.post(f"/webchat/{desk.web_chat}/sessions")
    session = {"Authorization": f"Bearer {started.json()['sessionToken']}"}
    for kind in ("attachment", "chatbot-file", "batch-qa"):
        assert (await ask_form(desk, kind, session)).status_code == 401


async def test_s26_a_file_that_unpacks_to_far_more_is_kept_as_it_came(desk: Desk):  # noqa: F811
    """A bomb named as a workbook is kept as it came: nothing unpacks an attachment."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("[Content_Types].xml", "<Types/>")
        bomb.writestr("xl/workbook.xml", b"0" * 80_000_000)
    fetched = await desk.bring(packed.getvalue(), "bomb.xlsx")
    assert fetched["size"] < 100_000
