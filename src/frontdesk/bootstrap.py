"""Settings → Services: the only place that constructs things."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from frontdesk.core.db import Addresses, Database
from frontdesk.core.embedded import default_data_dir, run_embedded
from frontdesk.core.files import Files
from frontdesk.core.http import open_guarded_client
from frontdesk.core.live import Live
from frontdesk.core.secrets import Cipher, load_key
from frontdesk.core.services import Mailer, Services
from frontdesk.knowledge.embedding import open_embedder
from frontdesk.migrate import embedded_addresses, external_addresses, migrate
from frontdesk.settings import Settings


def data_folder(settings: Settings) -> Path:
    """Return the folder for everything that this installation keeps, made when it is missing."""
    folder = settings.data or default_data_dir()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextmanager
def open_database(settings: Settings) -> Iterator[Addresses]:
    """Yield where the migrated database is: DATABASE_URL, else the embedded one, which runs as long as the block."""
    if settings.database_url is not None:
        owner = settings.owner_database_url or settings.database_url
        addresses = external_addresses(settings.database_url.get_secret_value(), owner.get_secret_value())
        migrate(addresses)
        yield addresses
        return
    with run_embedded(data_folder(settings)) as server:
        addresses = embedded_addresses(server, data_folder(settings))
        migrate(addresses)
        yield addresses


@asynccontextmanager
async def open_services(settings: Settings, addresses: Addresses) -> AsyncIterator[Services]:
    """Yield the services of one process; closes them in reverse."""
    folder = data_folder(settings)
    live = Live()
    key = settings.secret_key.get_secret_value() if settings.secret_key else None
    async with (
        Database.open(addresses.app, max_connections=settings.max_connections) as db,
        open_guarded_client(settings.outgoing_allow) as http,
        live.listen(addresses.app),
    ):
        yield Services(
            db=db,
            live=live,
            files=Files.open(settings.files_url, folder / "files"),
            http=http,
            cipher=Cipher(load_key(key, folder)),
            embedder=await asyncio.to_thread(open_embedder, settings.embedding_model),
            mailer=Mailer(settings.smtp_url.get_secret_value() if settings.smtp_url else None, settings.mail_from),
            public_url=(settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/"),
            model_urls=settings.model_urls,
            max_upload_bytes=settings.max_upload_bytes,
            max_import_bytes=settings.max_import_bytes,
        )
