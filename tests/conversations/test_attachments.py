"""Attachments: brought once by their own caller, carried by one message, fetched by an address that soon ends."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import pytest
from tests.conftest import make_key
from tests.making import make_inbox

from frontdesk.conversations.attachments import sign_leave
from frontdesk.conversations.handlers import on_attachment_stored
from frontdesk.core.ids import AttachmentId, OrganizationId
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.organizations.keys import revoke_api_key
from frontdesk.organizations.model import Caller, CallerKind, Right, system_caller
from frontdesk.web import create_app

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@dataclass
class Desk:
    """An API client with a web chat."""

    client: httpx.AsyncClient
    services: Services
    organization: OrganizationId
    headers: dict[str, str]
    web_chat: str

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.client.post(f"/api/v1/{path}", json=body, headers=self.headers, **more)

    async def upload(self, content: bytes = PNG, filename: str = "photo.png") -> str:
        """Ask for a form, send the file with it and return the key."""
        asked = {"filename": filename, "modelName": "attachment", "fieldName": "file", "fileSize": len(content)}
        form = (await self.post("upload-presigned-url/", asked)).json()
        path = form["url"].removeprefix(self.services.public_url)
        sent = await self.client.post(path, data=form["fields"], files={"file": (filename, content)})
        assert (sent.status_code, sent.content) == (204, b"")
        return form["fields"]["key"]

    async def bring(
        self, content: bytes = PNG, filename: str = "photo.png", *, conversation: str = ""
    ) -> dict[str, Any]:
        path = f"conversations/{conversation}/attachments/" if conversation else "attachments/"
        answer = await self.post(path, {"file": await self.upload(content, filename), "filename": filename})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def open_conversation(self) -> str:
        return (await self.post("conversations", {"webChat": self.web_chat})).json()["id"]

    async def fetch(self, attachment: dict[str, Any]) -> httpx.Response:
        """Follow an address, without a key."""
        return await self.client.get(attachment["file"].removeprefix(self.services.public_url))

    async def caller(self) -> Caller:
        me = (await self.client.get("/api/v1/users/current", headers=self.headers)).json()
        return Caller(CallerKind.API_KEY, UUID(me["id"]), "", self.organization, ())


@pytest.fixture
async def desk(client, services: Services, organization: OrganizationId, api_key) -> Desk:
    async with services.db.begin(organization) as tx:
        inbox = await make_inbox(tx, system_caller(organization))
    return Desk(client, services, organization, api_key, inbox.public_id)


async def test_an_upload_becomes_an_attachment(desk):
    """What was uploaded is attached by its key; its kind is told by the content, and its address needs no key."""
    key = await desk.upload(PNG, "../照片 1.png")
    answer = await desk.post("attachments/", {"file": key, "filename": "照片 1.png", "type": "video", "size": 1})
    assert answer.status_code == 201
    made = answer.json()
    assert (made["filename"], made["type"], made["size"], made["conversation"]) == (
        "照片 1.png",
        "image",
        len(PNG),
        None,
    )
    fetched = await desk.fetch(made)
    assert (fetched.status_code, fetched.content) == (200, PNG)
    assert fetched.headers["content-type"] == "image/png"
    assert fetched.headers["content-disposition"] == f"attachment; filename*=UTF-8''{quote('照片 1.png')}"
    assert fetched.headers["x-content-type-options"] == "nosniff"
    read = await desk.client.get(f"/api/attachments/{made['id']}/", headers=desk.headers)
    assert {**read.json(), "file": ""} == {**made, "file": ""}


async def test_a_file_comes_with_the_request_itself(desk):
    """multipart/form-data with nothing but `file` does the same in one step."""
    answer = await desk.client.post(
        "/api/v1/attachments/", files={"file": ("notes.txt", b"Twelve months.")}, headers=desk.headers
    )
    assert answer.status_code == 201, answer.text
    assert (answer.json()["filename"], answer.json()["type"]) == ("notes.txt", "other")
    assert (await desk.fetch(answer.json())).content == b"Twelve months."


@pytest.mark.parametrize(("content", "filename"), [(SVG, "a.png"), (SVG, "a.svg"), (b"<!doctype html><p>", "a.txt")])
async def test_what_could_run_is_sent_as_bytes(desk, content: bytes, filename: str):
    """SVG and HTML, whatever they are called, never come with a type that a browser would show."""
    made = await desk.bring(content, filename)
    fetched = await desk.fetch(made)
    assert (made["type"], fetched.headers["content-type"]) == ("other", "application/octet-stream")
    assert fetched.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in fetched.headers["content-security-policy"]


async def test_an_upload_is_redeemed_once_and_by_its_own_caller(desk, other_key):
    """A key of an upload is worth nothing the second time, nor to another key of the organization, nor elsewhere."""
    key = await desk.upload()
    for headers in (await make_key(desk.services.db, desk.organization), other_key):
        answer = await desk.client.post("/api/v1/attachments", json={"file": key}, headers=headers)
        assert answer.status_code == 404
    assert (await desk.post("attachments", {"file": key})).status_code == 201
    again = await desk.post("attachments", {"file": key})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/upload-spent")
    assert (await desk.post("attachments", {"file": "nothing"})).status_code == 404


async def test_a_message_carries_what_was_brought(desk):
    """By id alone or in an object of which only the id counts; every reading of the message shows it."""
    conversation = await desk.open_conversation()
    first, second = await desk.bring(), await desk.bring(b"text", "b.txt", conversation=conversation)
    lie = {"id": second["id"], "type": "image", "filename": "evil.exe", "file": "https://evil.example/x"}
    sent = await desk.post(
        "messages/", {"conversation": conversation, "content": "Look", "attachments": [first["id"], lie]}
    )
    assert sent.status_code == 201, sent.text
    shown = [(one["id"], one["filename"], one["type"]) for one in sent.json()["attachments"]]
    assert shown == [(first["id"], "photo.png", "image"), (second["id"], "b.txt", "other")]
    listed = await desk.client.get(f"/api/v1/messages?conversation={conversation}", headers=desk.headers)
    assert [one["id"] for one in listed.json()["results"][0]["attachments"]] == [first["id"], second["id"]]
    assert (await desk.fetch(listed.json()["results"][0]["attachments"][0])).content == PNG


@pytest.mark.parametrize("path", ["messages/", "messages/outgoing/"])
async def test_an_attachment_is_sent_once_and_where_it_was_brought_for(desk, path: str):
    """Sent before, brought for another conversation, by another key, or unknown: 404, and no message is stored."""
    conversation, elsewhere = await desk.open_conversation(), await desk.open_conversation()
    sent = await desk.bring()
    body = {"conversation": conversation, "content": "Look"}
    assert (await desk.post(path, {**body, "attachments": [sent["id"], sent["id"]]})).status_code == 201
    bound = await desk.bring(conversation=elsewhere)
    sibling = replace(desk, headers=await make_key(desk.services.db, desk.organization))
    strange = await sibling.bring()
    for wrong in (sent["id"], bound["id"], strange["id"], str(uuid4())):
        mine = await desk.bring()
        answer = await desk.post(path, {**body, "attachments": [mine["id"], wrong]})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (404, "/attachments")
        assert (await desk.post(path, {**body, "attachments": [mine["id"]]})).status_code == 201
    listed = await desk.client.get(f"/api/v1/messages?conversation={conversation}", headers=desk.headers)
    assert listed.json()["count"] == 5


async def test_more_than_ten_are_too_many(desk):
    """A message carries ten attachments at most."""
    body = {"conversation": await desk.open_conversation(), "content": "x", "attachments": [str(uuid4())] * 11}
    answer = await desk.post("messages", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/attachments")


async def test_a_completion_carries_them_too(desk):
    """The question of a completion is a message like any other."""
    assistant = (await desk.client.get("/api/v1/chatbots", headers=desk.headers)).json()["results"][0]["id"]
    brought = await desk.bring()
    message = {"content": "What is this?", "attachments": [{"id": brought["id"]}]}
    answer = await desk.post(f"chatbots/{assistant}/completions/", {"message": message})
    assert answer.status_code == 200, answer.text
    read = await desk.client.get(f"/api/v1/attachments/{brought['id']}", headers=desk.headers)
    assert read.json()["conversation"] == answer.json()["conversationId"]


async def test_until_it_is_sent_it_is_seen_by_its_caller_alone(desk, other_key):
    """Then by those who may view the conversation; another organization sees nothing at any time."""
    sibling = await make_key(desk.services.db, desk.organization, Right.CONVERSATIONS_VIEW)
    made = await desk.bring()
    path = f"/api/v1/attachments/{made['id']}"
    assert [(await desk.client.get(path, headers=one)).status_code for one in (sibling, other_key)] == [404, 404]
    body = {"conversation": await desk.open_conversation(), "content": "Look", "attachments": [made["id"]]}
    await desk.post("messages", body)
    assert [(await desk.client.get(path, headers=one)).status_code for one in (sibling, other_key)] == [200, 404]


async def test_an_address_opens_one_file_for_ten_minutes(desk):
    """Altered, for another file, or too old it is 410 and tells nothing."""
    made, other = await desk.bring(), await desk.bring(b"other", "b.txt")
    path, _, leave = made["file"].removeprefix(desk.services.public_url).partition("?leave=")
    organization, key, expires, signature = leave.split(".")
    cipher, caller = desk.services.cipher, await desk.caller()
    old = sign_leave(cipher, caller, AttachmentId(UUID(made["id"])), now=utc_now() - timedelta(minutes=11))
    altered = [
        other["file"].partition("?leave=")[2],
        f"{organization}.{key}.{int(expires) + 60}.{signature}",
        f"{uuid4().hex}.{key}.{expires}.{signature}",
        f"{organization}.{uuid4().hex}.{expires}.{signature}",
        f"{organization}.{key}.{'9' * 30}.{signature}",
        "",
        "a.b.c.d",
        old,
    ]
    for one in altered:
        answer = await desk.client.get(path, params={"leave": one})
        assert (answer.status_code, answer.json()["type"]) == (410, "/problems/link-expired"), one
    young = sign_leave(cipher, caller, AttachmentId(UUID(made["id"])), now=utc_now() - timedelta(minutes=9))
    assert (await desk.client.get(path, params={"leave": young})).status_code == 200


async def test_an_address_ends_with_the_key_that_asked_for_it(desk):
    """A revoked key's addresses open nothing any more."""
    made, caller = await desk.bring(), await desk.caller()
    async with desk.services.db.begin(desk.organization) as tx:
        await revoke_api_key(tx, system_caller(desk.organization), caller.id)
    assert (await desk.fetch(made)).status_code == 404


async def test_too_much_is_refused(services, desk):
    """A file above the limit is 413 in both ways, and so is a JSON body that is no description of a file."""
    app = create_app(replace(services, max_upload_bytes=1000))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.test") as client:
        form = {"file": ("a.txt", b"x" * 1001)}
        big = await client.post("/api/v1/attachments", files=form, headers=desk.headers)
        asked = {"filename": "a.txt", "modelName": "attachment", "fileSize": 1001}
        announced = await client.post("/api/v1/upload-presigned-url", json=asked, headers=desk.headers)
        padded = await client.post("/api/v1/attachments", json={"file": "x" * 70_000}, headers=desk.headers)
    assert [one.status_code for one in (big, announced, padded)] == [413, 413, 413]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"file": null}', "application/json"),
        (b'{"file": "a\\u0000b"}', "application/json"),
        (b"\xff", "application/json"),
        (b"", ""),
        (b"x", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary=b"),
        (
            b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
    ],
)
async def test_what_is_no_file_is_refused(desk, content: bytes, kind: str):
    """Whatever is sent instead of a file or a key is a 400 or a 404, never a fault of ours."""
    answer = await desk.client.post(
        "/api/v1/attachments", content=content, headers={**desk.headers, "Content-Type": kind}
    )
    assert answer.status_code in {400, 404}, answer.text


async def test_what_nobody_sends_is_removed(desk):
    """A day later the file of an attachment without a message is gone, and one that was sent is there."""
    unsent, sent = await desk.bring(), await desk.bring()
    body = {"conversation": await desk.open_conversation(), "content": "Look", "attachments": [sent["id"]]}
    await desk.post("messages", body)
    for _ in range(2):
        for one in (unsent, sent):
            await on_attachment_stored(desk.services, desk.organization, UUID(one["id"]))
    gone = await desk.client.get(f"/api/v1/attachments/{unsent['id']}", headers=desk.headers)
    assert (gone.status_code, (await desk.fetch(unsent)).status_code) == (404, 404)
    assert (await desk.fetch(sent)).content == PNG


async def test_it_cannot_be_sent_when_it_is_about_to_be_removed(desk):
    """A message takes only what was brought within the last 24 hours."""
    made = await desk.bring()
    async with desk.services.db.begin(desk.organization) as tx:
        await tx.execute("UPDATE attachments SET created_at = created_at - interval '25 hours'")
    body = {"conversation": await desk.open_conversation(), "content": "Look", "attachments": [made["id"]]}
    assert (await desk.post("messages", body)).status_code == 404
