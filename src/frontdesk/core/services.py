"""What entry points are given. `bootstrap` constructs it, once."""

from dataclasses import dataclass

import httpx

from frontdesk.core.db import Database
from frontdesk.core.embedding import Embedder
from frontdesk.core.files import Files
from frontdesk.core.live import Live
from frontdesk.core.secrets import Cipher


@dataclass(frozen=True, slots=True)
class Mailer:
    """How staff e-mails leave; `smtp_url` None: they do not, and links are shown once instead."""

    smtp_url: str | None
    sender: str


@dataclass(frozen=True, slots=True)
class Services:
    """The outside world of one process."""

    db: Database
    live: Live
    files: Files
    http: httpx.AsyncClient  # guarded, see core.http
    cipher: Cipher
    embedder: Embedder
    mailer: Mailer
    public_url: str  # without a trailing slash
    model_urls: tuple[str, ...]  # base addresses of models that the operator allows
    max_upload_bytes: int
    max_import_bytes: int
