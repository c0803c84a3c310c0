"""Secrets: those we issue name their organization and are kept as hashes; those we are given are kept encrypted."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from frontdesk.core.ids import OrganizationId

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    """A secret that is shown once: `fd_<kind>_<organization>_<random>`."""

    text: str
    hash: bytes  # what the database keeps: sha256 of the text; the text has 256 random bits, so no slow hash is needed


def issue_secret(kind: str, organization_id: OrganizationId) -> IssuedSecret:
    """Make a secret of 256 random bits that tells its organization."""
    text = f"fd_{kind}_{organization_id.hex}_{secrets.token_urlsafe(32)}"
    return IssuedSecret(text, hash_secret(text))


def hash_secret(text: str) -> bytes:
    """Return what the database keeps of an issued secret."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def parse_secret(text: str, kind: str) -> OrganizationId | None:
    """Return the organization that a secret of `kind` names; None when it is none of ours. It proves nothing yet."""
    parts = text.split("_", 3)
    if len(parts) != 4 or parts[:2] != ["fd", kind] or len(parts[2]) != 32:  # noqa: PLR2004 -- a uuid in hex
        return None
    try:
        return OrganizationId(UUID(hex=parts[2]))
    except ValueError:
        return None


class SecretKeyLost(Exception):
    """A stored secret cannot be read with the present key."""


class Cipher:
    """Encrypts secrets for the database with AES-256-GCM, and signs. `purpose` must be the same on both ways."""

    def __init__(self, key: bytes) -> None:
        self._key = AESGCM(key)
        self._signing_key = hmac.digest(key, b"signatures", "sha256")  # one key is never used for two things

    def encrypt(self, text: str, *, purpose: str) -> bytes:
        """Return nonce and ciphertext; twice the same text gives different bytes."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._key.encrypt(nonce, text.encode(), purpose.encode())

    def decrypt(self, stored: bytes, *, purpose: str) -> str:
        """Return the text. Raises SecretKeyLost when the key or the purpose is another one."""
        try:
            return self._key.decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], purpose.encode()).decode()
        except InvalidTag as error:
            msg = "Stored secrets were encrypted with another key. Set FRONTDESK_SECRET_KEY to the former one."
            raise SecretKeyLost(msg) from error

    def sign(self, content: bytes, *, purpose: str) -> str:
        """Return a signature (HMAC-SHA256, hexadecimal) that only a holder of the key can make."""
        return hmac.digest(self._signing_key, purpose.encode() + b"\0" + content, "sha256").hex()

    def is_signed(self, content: bytes, signature: str, *, purpose: str) -> bool:
        """Tell whether `signature` is what `sign` returned; takes the same time for every wrong one."""
        return hmac.compare_digest(self.sign(content, purpose=purpose).encode(), signature.encode())


def load_key(configured: str | None, folder: Path) -> bytes:
    """Return the key of 32 bytes: the configured one (base64), else the file `secret.key`, made at the first call."""
    if configured is not None:
        return _decode(configured)
    path = folder / "secret.key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    return _decode(path.read_text())


def _decode(text: str) -> bytes:
    key = base64.b64decode(text.strip())
    if len(key) != 32:  # noqa: PLR2004 -- AES-256
        msg = "FRONTDESK_SECRET_KEY must be the base64 of 32 bytes."
        raise ValueError(msg)
    return key
