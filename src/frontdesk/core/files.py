"""Files by key, in a local folder by default or in an object store by URL. A key is written once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, from_url


class FileExists(Exception):
    """The key is taken: files are written once."""


class StoreAway(Exception):
    """The store did not answer, or not as it should; later it may."""


class Files:
    """The store of all organizations; keys begin with the organization's id."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @classmethod
    def open(cls, url: str | None, folder: Path) -> "Files":
        """Return the store at `url`, else the local `folder`, which is made when it is missing."""
        return cls(from_url(url) if url else LocalStore(folder, mkdir=True))

    async def write(self, key: str, content: bytes) -> None:
        """Store `content`. Raises FileExists when the key is taken."""
        try:
            await obstore.put_async(self._store, key, content, mode="create")
        except AlreadyExistsError as error:
            raise FileExists(key) from error

    async def read(self, key: str) -> bytes:
        """Return the whole content. Raises FileNotFoundError and StoreAway."""
        try:
            return bytes(await (await obstore.get_async(self._store, key)).bytes_async())
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as error:
            raise StoreAway(key) from error

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """Yield the content in pieces. Raises FileNotFoundError at the first one."""
        result = await obstore.get_async(self._store, key)
        async for piece in result.stream():
            yield bytes(piece)

    async def read_head(self, key: str, size_bytes: int) -> bytes:
        """Return the beginning of the content. Raises FileNotFoundError."""
        size = (await obstore.head_async(self._store, key))["size"]
        if size == 0:
            return b""
        return bytes(await obstore.get_range_async(self._store, key, start=0, end=min(size, size_bytes)))

    async def write_file(self, key: str, file: IO[bytes]) -> None:
        """Store the rest of a file of any size, in pieces. Raises FileExists when the key is taken."""
        try:
            await obstore.head_async(self._store, key)
        except FileNotFoundError:
            await obstore.put_async(self._store, key, file)
        else:
            raise FileExists(key)

    async def delete(self, key: str) -> None:
        """Remove the file; a missing one is fine."""
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return


@asynccontextmanager
async def fetch_file(files: Files, key: str) -> AsyncIterator[Path]:
    """Yield a copy of the file in a folder of its own, which is removed afterwards. Raises FileNotFoundError."""
    with TemporaryDirectory(prefix="frontdesk-import-") as folder:
        path = Path(folder) / "file"
        with path.open("wb") as target:
            async for piece in files.stream(key):
                await asyncio.to_thread(target.write, piece)
        yield path
