"""Uploads: a file comes in by a form that we signed, is kept under a key written once, and is redeemed once.

Whoever asked for the form, and nobody else, turns the stored file into something (an attachment, a document). What
nobody redeems is removed. Table: uploads. The form has the fields of an S3 "presigned POST", which clients know.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Final, Literal, TypeAlias
from uuid import UUID

from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, NotFound, TooManyRequests
from frontdesk.core.files import FileExists, Files
from frontdesk.core.ids import OrganizationId, UploadId, new_id
from frontdesk.core.jobs import enqueue
from frontdesk.core.media import sniff_media_type
from frontdesk.core.secrets import Cipher
from frontdesk.core.text import dump_json, utc_now

UploadPurpose: TypeAlias = Literal["attachment", "chatbot-file", "contact-import", "document-batch"]

LIFETIME: Final = timedelta(hours=1)  # from the form to the redemption
MAX_PENDING: Final = 200  # forms of one caller that wait for their file or their redemption
FIELDS: Final = ("key", "policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature")

_PURPOSE: Final = "upload-form"
_PIECE: Final = 1_000_000  # bytes


class UploadRefused(FrontdeskError):
    """The form was not made by us, was altered, or is too old."""

    status, slug, title = 403, "upload-refused", "This upload form is not valid"


class UploadSpent(FrontdeskError):
    """A file was stored under this key already, or the stored file was redeemed already."""

    status, slug, title = 409, "upload-spent", "This upload was used already"


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Leave to store one file of at most `max_bytes` under `key` until `expires_at`."""

    organization_id: OrganizationId
    key: str
    purpose: UploadPurpose
    filename: str
    max_bytes: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the store: under `key`, of the kind that its content shows."""

    key: str
    filename: str
    media_type: str
    size_bytes: int
    sha256: bytes


async def issue_upload(tx: Tx, *, caller: str, purpose: UploadPurpose, filename: str, max_bytes: int) -> UploadForm:
    """Give `caller` (any text that names one person, key or session) leave to upload one file.

    Raises TooManyRequests when too many of the caller's forms are open.
    """
    now = utc_now()
    if await _count_pending(tx, caller, now) >= MAX_PENDING:
        raise TooManyRequests("Too many uploads wait to be used.", facts={"retry_after": 60})
    upload_id = UploadId(new_id())
    key = _key(tx.organization_id, upload_id)
    form = UploadForm(tx.organization_id, key, purpose, filename, max_bytes, now + LIFETIME)
    await tx.execute(
        """
        INSERT INTO uploads (organization_id, key, caller, purpose, filename, max_bytes, created_at, expires_at)
        VALUES (%(organization)s, %(key)s, %(caller)s, %(purpose)s, %(filename)s, %(max_bytes)s, %(now)s, %(expires)s)
        """,
        {
            "organization": tx.organization_id,
            "key": form.key,
            "caller": caller,
            "purpose": purpose,
            "filename": filename,
            "max_bytes": max_bytes,
            "now": now,
            "expires": form.expires_at,
        },
    )
    await enqueue(tx, "core.upload_issued", delay=LIFETIME * 2, upload_id=upload_id)
    return form


def sign_form(cipher: Cipher, form: UploadForm) -> dict[str, str]:
    """Return the six fields that go with the file."""
    policy = dump_json(
        {
            "organization": str(form.organization_id),
            "key": form.key,
            "purpose": form.purpose,
            "filename": form.filename,
            "max_bytes": form.max_bytes,
            "expires_at": form.expires_at.isoformat(),
        }
    ).encode()
    return {
        "key": form.key,
        "policy": base64.b64encode(policy).decode(),
        "x-amz-algorithm": "HMAC-SHA256",
        "x-amz-credential": "frontdesk",
        "x-amz-date": (form.expires_at - LIFETIME).strftime("%Y%m%dT%H%M%SZ"),
        "x-amz-signature": cipher.sign(policy, purpose=_PURPOSE),
    }


def verify_form(cipher: Cipher, fields: Mapping[str, str], now: datetime) -> UploadForm:
    """Return what the six fields allow. Raises UploadRefused. Needs no database."""
    try:
        policy = base64.b64decode(fields["policy"], validate=True)
        signature, key = fields["x-amz-signature"], fields["key"]
    except (KeyError, binascii.Error) as error:
        raise UploadRefused("The form is incomplete; its fields come before the file.") from error
    if not cipher.is_signed(policy, signature, purpose=_PURPOSE):
        raise UploadRefused("The signature does not belong to this form.")
    form = _read_policy(policy)
    if form.key != key:
        raise UploadRefused("The key is not the one that was signed.")
    if form.expires_at <= now:
        raise UploadRefused("The form is too old; ask for a new one.")
    return form


def describe_upload(form: UploadForm, content: bytes) -> StoredFile:
    """Tell what the file is that came with the form; it is not stored yet."""
    media_type = sniff_media_type(content, form.filename)
    return StoredFile(form.key, form.filename, media_type, len(content), hashlib.sha256(content).digest())


def describe_upload_file(form: UploadForm, file: IO[bytes]) -> StoredFile:
    """Tell what a file of any size is that came with the form, without holding it; it is not stored yet."""
    digest, size, head, tail = hashlib.sha256(), 0, b"", b""
    file.seek(0)
    while piece := file.read(_PIECE):
        digest.update(piece)
        head, tail, size = head or piece, piece, size + len(piece)
    file.seek(0)
    content = head if size <= _PIECE else head + tail  # an archive lists its parts at its end
    return StoredFile(form.key, form.filename, sniff_media_type(content, form.filename), size, digest.digest())


async def store_upload_file(files: Files, key: str, file: IO[bytes]) -> None:
    """Write a file of any size; `record_upload` must follow. Raises UploadSpent when the key was written before."""
    try:
        await files.write_file(key, file)
    except FileExists as error:
        raise UploadSpent from error


async def store_upload(files: Files, key: str, content: bytes) -> None:
    """Write the file; `record_upload` must follow. Raises UploadSpent when the key was written before."""
    try:
        await files.write(key, content)
    except FileExists as error:
        raise UploadSpent from error


async def record_upload(tx: Tx, stored: StoredFile) -> None:
    """Note that the file is there. Raises UploadRefused when nobody waits for it any more."""
    is_wanted = await tx.execute(
        """
        UPDATE uploads SET size_bytes = %(size)s, media_type = %(media_type)s, sha256 = %(sha256)s, stored_at = %(now)s
         WHERE organization_id = %(organization)s AND key = %(key)s AND stored_at IS NULL AND expires_at > %(now)s
        """,
        {
            "organization": tx.organization_id,
            "key": stored.key,
            "size": stored.size_bytes,
            "media_type": stored.media_type,
            "sha256": stored.sha256,
            "now": utc_now(),
        },
    )
    if not is_wanted:
        raise UploadRefused


async def redeem_upload(tx: Tx, key: str, *, caller: str, purpose: UploadPurpose) -> StoredFile:
    """Take the stored file for good; it is the taker's to delete.

    Raises UploadSpent the second time. Raises NotFound when the key is unknown, somebody else's, meant for something
    else, too old, or has no file yet.
    """
    row = await tx.fetch_one(
        """
        SELECT filename, media_type, size_bytes, sha256, redeemed_at IS NOT NULL FROM uploads
         WHERE organization_id = %(organization)s AND key = %(key)s AND caller = %(caller)s AND purpose = %(purpose)s
           AND stored_at IS NOT NULL AND (expires_at > %(now)s OR redeemed_at IS NOT NULL)
           FOR UPDATE
        """,
        params := {
            "organization": tx.organization_id,
            "key": key,
            "caller": caller,
            "purpose": purpose,
            "now": utc_now(),
        },
    )
    if row is None:
        raise NotFound("No uploaded file has this key.")
    filename, media_type, size_bytes, sha256, is_redeemed = row
    if is_redeemed:
        raise UploadSpent
    redeem = "UPDATE uploads SET redeemed_at = %(now)s WHERE organization_id = %(organization)s AND key = %(key)s"
    await tx.execute(redeem, params)
    return StoredFile(key, filename, media_type, size_bytes, sha256)


async def find_unused(tx: Tx, upload_id: UploadId) -> str | None:
    """Return the key of an upload that nobody redeemed, whose file is to be deleted before `delete_upload`; else None.

    Right once it is too old to be redeemed.
    """
    sql = "SELECT key FROM uploads WHERE organization_id = %(organization)s AND key = %(key)s AND redeemed_at IS NULL"
    params = {"organization": tx.organization_id, "key": _key(tx.organization_id, upload_id)}
    found: str | None = await tx.fetch_value(sql, params)
    return found


async def delete_upload(tx: Tx, key: str) -> None:
    """Forget an upload that nobody redeemed; its key is never accepted again."""
    sql = "DELETE FROM uploads WHERE organization_id = %(organization)s AND key = %(key)s AND redeemed_at IS NULL"
    await tx.execute(sql, {"organization": tx.organization_id, "key": key})


async def _count_pending(tx: Tx, caller: str, now: datetime) -> int:
    sql = """
        SELECT count(*) FROM uploads
         WHERE organization_id = %(organization)s AND caller = %(caller)s
           AND redeemed_at IS NULL AND expires_at > %(now)s
    """
    return int(await tx.fetch_value(sql, {"organization": tx.organization_id, "caller": caller, "now": now}))


def _key(organization_id: OrganizationId, upload_id: UploadId) -> str:
    return f"{organization_id}/uploads/{upload_id}"


def _read_policy(policy: bytes) -> UploadForm:
    read = json.loads(policy)  # signed by us, so it is as we wrote it
    return UploadForm(
        organization_id=OrganizationId(UUID(read["organization"])),
        key=read["key"],
        purpose=read["purpose"],
        filename=read["filename"],
        max_bytes=read["max_bytes"],
        expires_at=datetime.fromisoformat(read["expires_at"]),
    )
