"""Who was erased, kept as keyed hashes: a later import or API call must not bring the person back unasked.

Only this installation, with its secret key, can tell whether a value is among them. A proven arrival asks nobody: who
comes back is a new contact.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from frontdesk.core.db import Tx
from frontdesk.core.secrets import Cipher
from frontdesk.identities.errors import Erased
from frontdesk.identities.model import IdentityKey

Gone: TypeAlias = IdentityKey | str
"""What of the given values belonged to somebody erased: an identity, an e-mail or a phone number as given."""

_NO_REALM: Final = UUID(int=0)
_PURPOSE: Final = "tombstones"

_Row: TypeAlias = tuple[str, UUID, bytes]


async def insert_tombstones(
    tx: Tx,
    cipher: Cipher,
    *,
    keys: Iterable[IdentityKey],
    emails: Iterable[str],
    phones: Iterable[str],
    now: datetime,
) -> int:
    """Remember that whoever had these was erased; returns how many were not remembered yet. Safe to repeat."""
    rows = _hash_all(tx, cipher, keys, emails, phones)
    sql = """
        INSERT INTO identity_tombstones (organization_id, kind, realm_id, value_hash, erased_at)
        SELECT %(organization)s, kind, realm_id, value_hash, %(now)s
          FROM unnest(%(kinds)s::text[], %(realms)s::uuid[], %(hashes)s::bytea[]) AS gone (kind, realm_id, value_hash)
            ON CONFLICT DO NOTHING
    """
    return await tx.execute(sql, {**_params(tx, rows), "now": now})


async def find_erased(
    tx: Tx, cipher: Cipher, *, keys: Iterable[IdentityKey], emails: Iterable[str], phones: Iterable[str]
) -> set[Gone]:
    """Return those of the given values that belonged to somebody who was erased."""
    rows = _hash_all(tx, cipher, keys, emails, phones)
    if not rows:
        return set()
    sql = """
        SELECT kind, realm_id, value_hash FROM identity_tombstones
          JOIN unnest(%(kinds)s::text[], %(realms)s::uuid[], %(hashes)s::bytea[]) AS asked (kind, realm_id, value_hash)
         USING (kind, realm_id, value_hash)
         WHERE organization_id = %(organization)s
    """
    found = {(kind, realm, bytes(value)) for kind, realm, value in await tx.fetch(sql, _params(tx, rows))}
    return {value for row, value in rows.items() if row in found}


async def refuse_erased(
    tx: Tx, cipher: Cipher, *, keys: Collection[IdentityKey], emails: Collection[str], phones: Collection[str]
) -> None:
    """Raise Erased when one of these belonged to somebody who was erased."""
    found = await find_erased(tx, cipher, keys=keys, emails=emails, phones=phones)
    fields = {"sourceId": found.intersection(keys), "emails": found.intersection(emails), "phones": found}
    if found:
        raise Erased(next(field for field, hits in fields.items() if hits))


def _hash_all(
    tx: Tx, cipher: Cipher, keys: Iterable[IdentityKey], emails: Iterable[str], phones: Iterable[str]
) -> Mapping[_Row, Gone]:
    """Map each row of the table to the value that it stands for; e-mails in any case are one."""
    rows: dict[_Row, Gone] = {}
    for key in keys:
        rows["source_id", key.realm, _hash(tx, cipher, "source_id", key.realm, key.source_id)] = key
    for email in emails:
        rows["email", _NO_REALM, _hash(tx, cipher, "email", _NO_REALM, email.lower())] = email
    for phone in phones:
        rows["phone", _NO_REALM, _hash(tx, cipher, "phone", _NO_REALM, phone)] = phone
    return rows


def _hash(tx: Tx, cipher: Cipher, kind: str, realm: UUID, value: str) -> bytes:
    content = f"{tx.organization_id}/{kind}/{realm}/{value}".encode("utf-8", "surrogatepass")
    return bytes.fromhex(cipher.sign(content, purpose=_PURPOSE))


def _params(tx: Tx, rows: Mapping[_Row, Gone]) -> dict[str, object]:
    kinds, realms, hashes = zip(*rows, strict=True) if rows else ((), (), ())
    return {"organization": tx.organization_id, "kinds": list(kinds), "realms": list(realms), "hashes": list(hashes)}
