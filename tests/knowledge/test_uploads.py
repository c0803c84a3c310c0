"""Uploads: one signed form, one file, one redemption, by whoever asked for it."""

import base64
import json
from datetime import timedelta

import pytest

from conftest import make_key
from frontdesk.core import uploads
from frontdesk.core.errors import NotFound, TooManyRequests
from frontdesk.core.text import utc_now
from frontdesk.core.uploads import UploadRefused, UploadSpent, issue_upload, redeem_upload, sign_form, verify_form
from frontdesk.organizations.model import Right
from knowledge.sample_files import make_pdf

API = "/api/v1"
PDF = make_pdf(["Hello."])


async def ask_for_form(client, key, **body):
    wanted = {"filename": "terms.pdf", "modelName": "chatbot-file", "fieldName": "file", "fileSize": 100, **body}
    return await client.post(f"{API}/upload-presigned-url/", json=wanted, headers=key)


async def get_form(client, key, **body):
    response = await ask_for_form(client, key, **body)
    assert response.status_code == 200
    return response.json()


async def post_file(client, form, content=PDF, **changes):
    fields = form["fields"] | changes
    path = form["url"].partition("/api/v1")[2]
    return await client.post(f"{API}{path}", data=fields, files={"file": ("any name", content)})


async def test_the_whole_way(client, api_key, base):
    """A form of six fields, an upload without Authorization answered 204, and a file made of it."""
    form = await get_form(client, api_key)
    assert form["url"].startswith("http")
    assert set(form["fields"]) == set(uploads.FIELDS)
    assert all(isinstance(value, str) for value in form["fields"].values())
    response = await post_file(client, form)
    assert (response.status_code, response.content) == (204, b"")
    body = {"files": [{"file": form["fields"]["key"], "filename": "terms.pdf"}]}
    created = await client.post(f"{API}/knowledge-bases/{base}/files/", json=body, headers=api_key)
    assert created.status_code == 201
    assert [(file["filename"], file["size"], file["fileType"], file["status"]) for file in created.json()] == [
        ("terms.pdf", len(PDF), "pdf", "initial")
    ]


async def test_a_key_is_written_once(client, api_key):
    """The second file for a form is refused, and the first one stays."""
    form = await get_form(client, api_key)
    assert (await post_file(client, form)).status_code == 204
    again = await post_file(client, form, make_pdf(["Another."]))
    assert (again.status_code, again.json()["type"]) == (409, "/problems/upload-spent")


async def test_an_upload_is_redeemed_once(client, api_key, base):
    """The second document from one upload is refused."""
    form = await get_form(client, api_key)
    await post_file(client, form)
    body = {"files": [{"file": form["fields"]["key"]}]}
    assert (await client.post(f"{API}/knowledge-bases/{base}/files", json=body, headers=api_key)).status_code == 201
    again = await client.post(f"{API}/knowledge-bases/{base}/files", json=body, headers=api_key)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/upload-spent")


async def test_nobody_redeems_what_somebody_else_uploaded(client, db, organization, other_key, base, api_key):
    """Another key of the organization, and a key of another one, get the same 404 as for a key that never was."""
    form = await get_form(client, api_key)
    await post_file(client, form)
    colleague = await make_key(db, organization)
    answers = []
    for key in (form["fields"]["key"], f"{organization}/uploads/{base}", "nonsense", ""):
        body = {"files": [{"file": key}]}
        answers.append(await client.post(f"{API}/knowledge-bases/{base}/files", json=body, headers=colleague))
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    body = {"files": [{"file": form["fields"]["key"]}]}
    assert (await client.post(f"{API}/knowledge-bases/{base}/files", json=body, headers=other_key)).status_code == 404


async def test_an_attachment_does_not_become_knowledge(client, api_key, base):
    """What was uploaded for a message cannot be redeemed as a file of a knowledge base."""
    form = await get_form(client, api_key, modelName="attachment")
    await post_file(client, form)
    body = {"files": [{"file": form["fields"]["key"]}]}
    assert (await client.post(f"{API}/knowledge-bases/{base}/files", json=body, headers=api_key)).status_code == 404


async def test_nothing_is_redeemed_before_it_was_uploaded(client, api_key, base):
    """A form alone makes no file."""
    form = await get_form(client, api_key)
    body = {"files": [{"file": form["fields"]["key"]}]}
    assert (await client.post(f"{API}/knowledge-bases/{base}/files", json=body, headers=api_key)).status_code == 404


async def test_altered_forms_are_refused(client, api_key, organization):
    """A wrong signature, another key, a longer life, more bytes: 403, and nothing is stored."""
    form = await get_form(client, api_key)
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    altered = base64.b64encode(json.dumps(policy | {"max_bytes": 10**12}).encode()).decode()
    for changes in (
        {"x-amz-signature": "0" * 64},
        {"x-amz-signature": "ß"},
        {"key": f"{organization}/uploads/other"},
        {"policy": altered},
        {"policy": "!"},
    ):
        response = await post_file(client, form, **changes)
        assert (response.status_code, response.json()["type"]) == (403, "/problems/upload-refused"), changes
    assert (await post_file(client, form)).status_code == 204


async def test_the_fields_come_before_the_file(client, api_key):
    """A file is not taken before the fields were checked, and nothing comes after it."""
    form = await get_form(client, api_key)
    path = f"{API}{form['url'].partition('/api/v1')[2]}"
    parts = [("file", ("a.pdf", PDF)), *((name, (None, value)) for name, value in form["fields"].items())]
    assert (await client.post(path, files=parts)).status_code == 403
    fields = [(name, (None, value)) for name, value in form["fields"].items()]
    late = await client.post(path, files=[*fields, ("file", ("a.pdf", PDF)), ("more", (None, "x"))])
    assert late.status_code == 400
    for body, content_type in (
        (b"{}", "application/json"),
        (b"garbage", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
    ):
        answer = await client.post(path, content=body, headers={"Content-Type": content_type})
        assert answer.status_code == 400
    assert (await client.post(path, files=fields)).status_code == 400
    assert (await post_file(client, form)).status_code == 204


async def test_too_much_is_refused(client, api_key, services, tx, organization):
    """A file over the signed limit is cut off with 413; a declared size over the limit is refused at once."""
    form = await issue_upload(tx, caller="member:1", purpose="chatbot-file", filename="a.txt", max_bytes=1000)
    url = f"{API}/uploads"
    fields = sign_form(services.cipher, form)
    answer = await client.post(url, data=fields, files={"file": ("a.txt", b"x" * 1001)})
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
    huge = {"junk": "x" * 40_000, **fields}
    assert (await client.post(url, data=huge, files={"file": ("a.txt", b"x")})).status_code == 413
    assert (await ask_for_form(client, api_key, fileSize=services.max_upload_bytes + 1)).status_code == 413


async def test_more_than_a_request_body_is_taken(client, api_key):
    """The limit of ordinary request bodies does not bind uploads."""
    form = await get_form(client, api_key, filename="long.txt")
    assert (await post_file(client, form, b"word " * 500_000)).status_code == 204


async def test_a_form_grows_old(services, tx):
    """After an hour a form is worth nothing, and neither is what was uploaded with it."""
    form = await issue_upload(tx, caller="member:1", purpose="chatbot-file", filename="a.txt", max_bytes=1000)
    fields = sign_form(services.cipher, form)
    assert verify_form(services.cipher, fields, form.expires_at - timedelta(seconds=1)) == form
    with pytest.raises(UploadRefused):
        verify_form(services.cipher, fields, form.expires_at)
    await uploads.record_upload(tx, uploads.describe_upload(form, b"Hello."))
    past = utc_now() - timedelta(seconds=1)
    await tx.execute(
        "UPDATE uploads SET expires_at = %(past)s WHERE organization_id = %(organization)s",
        {"past": past, "organization": tx.organization_id},
    )
    with pytest.raises(NotFound):
        await redeem_upload(tx, form.key, caller="member:1", purpose="chatbot-file")


async def test_what_is_redeemed_stays_redeemed(tx):
    """Also long after its hour the second redemption is told apart from an unknown key, to the redeemer alone."""
    form = await issue_upload(tx, caller="member:1", purpose="attachment", filename="a.txt", max_bytes=1000)
    stored = uploads.describe_upload(form, b"Hello.")
    await uploads.record_upload(tx, stored)
    assert await redeem_upload(tx, form.key, caller="member:1", purpose="attachment") == stored
    with pytest.raises(UploadSpent):
        await redeem_upload(tx, form.key, caller="member:1", purpose="attachment")
    with pytest.raises(NotFound):
        await redeem_upload(tx, form.key, caller="member:2", purpose="attachment")


async def test_the_content_decides_what_is_accepted(client, api_key):
    """A program called terms.pdf is no PDF; an attachment may be anything."""
    form = await get_form(client, api_key)
    refused = await post_file(client, form, b"MZ\x00\x01 program")
    assert (refused.status_code, refused.json()["type"]) == (400, "/problems/unsupported-file")
    assert (await post_file(client, form)).status_code == 204
    form = await get_form(client, api_key, modelName="attachment")
    assert (await post_file(client, form, b"MZ\x00\x01 program")).status_code == 204


async def test_who_may_ask_for_a_form(client, db, organization):
    """Knowledge takes the right to edit knowledge, attachments the right to reply; other purposes are unknown."""
    editor = await make_key(db, organization, Right.KNOWLEDGE_EDIT)
    agent = await make_key(db, organization, Right.CONVERSATIONS_REPLY)
    assert (await ask_for_form(client, editor)).status_code == 200
    assert (await ask_for_form(client, agent)).status_code == 403
    assert (await ask_for_form(client, agent, modelName="attachment")).status_code == 200
    assert (await ask_for_form(client, editor, modelName="attachment")).status_code == 403
    assert (await ask_for_form(client, editor, modelName="batch-qa")).status_code == 400
    assert (await ask_for_form(client, {})).status_code == 401


async def test_open_forms_are_limited(tx, monkeypatch):
    """Who leaves too many forms unused waits; somebody else does not."""
    monkeypatch.setattr(uploads, "MAX_PENDING", 3)
    for _ in range(3):
        await issue_upload(tx, caller="member:1", purpose="attachment", filename="a", max_bytes=1)
    with pytest.raises(TooManyRequests):
        await issue_upload(tx, caller="member:1", purpose="attachment", filename="a", max_bytes=1)
    await issue_upload(tx, caller="member:2", purpose="attachment", filename="a", max_bytes=1)
