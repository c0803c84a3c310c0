"""How long it takes to read files into passages, beside the parser alone and the embedding model alone.

Run `python benchmarks/ingestion.py [pages]` (default: 1000, in HTML files of 100). All is on this machine: the product
reads through its worker's function, sandbox and database included; the peers are kreuzberg on the same bytes and the
model on the same passages. Prints a table, then JSON on the last line. Reach: at most 1.3 times both peers together.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import kreuzberg

from frontdesk.bootstrap import open_database, open_services
from frontdesk.core.media import HTML
from frontdesk.core.services import Services
from frontdesk.core.uploads import describe_upload, issue_upload, record_upload, store_upload
from frontdesk.knowledge.actions import create_knowledge_base
from frontdesk.knowledge.chunk_queries import list_chunks
from frontdesk.knowledge.document_actions import add_files, name_uploader
from frontdesk.knowledge.handlers import on_document_added
from frontdesk.knowledge.model import NewFile
from frontdesk.organizations.actions import create_organization
from frontdesk.organizations.model import system_caller
from frontdesk.settings import Settings

PAGES_OF_FILE = 100


def make_files(pages: int) -> list[bytes]:
    """Return HTML files with so many printed pages in all, about 1,500 characters each."""
    texts = [
        f"<h2>Page {page}</h2>" + "".join(f"<p>Page {page} says in line {one} how refunds go.</p>" for one in range(40))
        for page in range(pages)
    ]
    return ["".join(texts[first : first + PAGES_OF_FILE]).encode() for first in range(0, pages, PAGES_OF_FILE)]


async def measure(services: Services, files: list[bytes]) -> dict[str, float]:
    """Return seconds of the product, the parser and the model, and how many passages there are."""
    password = "correct horse battery"  # noqa: S105 -- of nobody
    organization, _ = await create_organization(
        services.db, name="Bench", owner_email="bench@example.com", owner_name="Bench", password=password
    )
    caller = system_caller(organization)
    ids = []
    async with services.db.begin(organization) as tx:
        base = await create_knowledge_base(tx, caller, {"name": "B"}, embedding_model=services.embedder.model)
    for number, content in enumerate(files):
        async with services.db.begin(organization) as tx:
            form = await issue_upload(
                tx,
                caller=name_uploader(caller),
                purpose="chatbot-file",
                filename=f"{number}.html",
                max_bytes=len(content),
            )
        await store_upload(services.files, form.key, content)
        async with services.db.begin(organization) as tx:
            await record_upload(tx, describe_upload(form, content))
            ids += [one.id for one, _ in await add_files(tx, caller, base.id, [NewFile(form.key)])]
    start = time.perf_counter()
    for document_id in ids:
        await on_document_added(services, organization, document_id)
    product = time.perf_counter() - start
    async with services.db.begin(organization) as tx:
        chunks, count = await list_chunks(tx, base.id, None, limit=1_000_000, offset=0)
    start = time.perf_counter()
    config = kreuzberg.ExtractionConfig(use_cache=False, concurrency=kreuzberg.ConcurrencyConfig(max_threads=1))
    for content in files:
        kreuzberg.extract_bytes_sync(content, HTML, config)
    parser = time.perf_counter() - start
    start = time.perf_counter()
    for chunk in chunks:
        await services.embedder.embed(chunk.text)
    return {"product": product, "parser": parser, "model": time.perf_counter() - start, "passages": count}


async def main(pages: int) -> None:
    """Measure once and print."""
    files = make_files(pages)
    with tempfile.TemporaryDirectory(prefix="frontdesk-bench-", ignore_cleanup_errors=True) as folder:
        settings = Settings(data=Path(folder))
        with open_database(settings) as addresses:
            async with open_services(settings, addresses) as services:
                found = await measure(services, files)
    ratio = found["product"] / (found["parser"] + found["model"])
    print(f"{pages} pages, {found['passages']:.0f} passages")
    for name in ("product", "parser", "model"):
        print(f"{name:8} {found[name]:7.1f} s")
    print(f"product / (parser + model) = {ratio:.2f}")
    print(json.dumps({**found, "pages": pages, "ratio": ratio}))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
