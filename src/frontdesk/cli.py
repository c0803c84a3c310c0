"""The command line: `frontdesk serve`, `demo`, `init`, `ask`, `worker`, `migrate`, `import`, `export`, `openapi`."""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from socket import AF_INET, AF_INET6, SO_REUSEADDR, SOL_SOCKET, socket
from typing import Annotated

import structlog
import typer
import uvicorn
from fastapi import APIRouter, FastAPI
from pydantic import ValidationError
from structlog.dev import plain_traceback
from structlog.typing import Processor

from frontdesk.asking import ask_as
from frontdesk.bootstrap import open_database, open_services
from frontdesk.core.db import Addresses
from frontdesk.core.embedded import EmbeddedError
from frontdesk.core.errors import FrontdeskError
from frontdesk.core.live import Live
from frontdesk.core.services import Services
from frontdesk.demo import shop
from frontdesk.demo.organization import make_organization
from frontdesk.erasing import erase_person
from frontdesk.lifecycle.erasing import Mode
from frontdesk.migrate import DatabaseNotReady
from frontdesk.organizations.actions import create_organization
from frontdesk.settings import Settings
from frontdesk.transferring import export_file, find_by_name, import_file, write_errors
from frontdesk.web import create_app
from frontdesk.webchat.answering import Answering
from frontdesk.worker import run_worker

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def serve(*, worker: Annotated[bool, typer.Option(help="Also run background jobs in this process.")] = True) -> None:
    """Run the app (and the worker) on FRONTDESK_HOST and FRONTDESK_PORT."""
    _run_server(Settings(), with_worker=worker)


@app.command()
def demo() -> None:
    """Run the app with a demo organization, which is made at the first start, and print how to sign in."""
    _run_server(Settings(), with_worker=True, with_demo=True)


@app.command()
def worker() -> None:
    """Run background jobs only."""

    async def run(settings: Settings, addresses: Addresses) -> None:
        async with open_services(settings, addresses) as services, run_worker(services, addresses.app):
            await asyncio.Event().wait()

    _with_database(Settings(), run)


@app.command()
def migrate() -> None:
    """Bring the database to the present schema and stop."""
    with open_database(Settings()):
        print("The database has the present schema.")


@app.command()
def init(
    organization: Annotated[str, typer.Option(prompt="Organization")],
    email: Annotated[str, typer.Option(prompt="E-mail of the first owner")],
    name: Annotated[str, typer.Option(prompt="Name of the first owner")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
) -> None:
    """Make the first organization and its owner."""

    async def run(settings: Settings, addresses: Addresses) -> None:
        async with open_services(settings, addresses) as services:
            await create_organization(
                services.db, name=organization, owner_email=email, owner_name=name, password=password
            )
            print(f"{organization} is there. Start with `frontdesk serve` and sign in as {email}.")

    _with_database(Settings(), run)


@app.command()
def ask(
    question: str,
    inbox: Annotated[str, typer.Option(help="Public id or name of the inbox.")],
    speaker: Annotated[str, typer.Option("--as", help="A source id, or: visitor")] = "visitor",
) -> None:
    """Ask as a visitor or as the contact with this source id, and print the answer with its sources. Stores nothing."""

    async def run(settings: Settings, addresses: Addresses) -> None:
        async with open_services(settings, addresses) as services:
            print(await ask_as(services, inbox=inbox, speaker=speaker, question=question))

    _with_database(Settings(), run)


@app.command("import")
def import_contacts(
    organization: Annotated[str, typer.Argument(help="Id or name.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV, XLSX, NDJSON or vCard.")],
    *,
    dry_run: Annotated[bool, typer.Option(help="Only say what would become of each row.")] = False,
    errors: Annotated[Path | None, typer.Option(help="Where to write the rows that are not imported, as CSV.")] = None,
) -> None:
    """Import contacts from a file, whose columns are recognized by their names."""

    async def run(settings: Settings, addresses: Addresses) -> None:
        async with open_services(settings, addresses) as services:
            found = await find_by_name(services, organization)
            done = await import_file(services, found, file, is_dry=dry_run, tell=print)
            if errors is not None:
                await write_errors(services, found, done, errors)

    _with_database(Settings(), run)


@app.command()
def export(
    organization: Annotated[str, typer.Argument(help="Id or name.")],
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Its name says the format: .csv, .xlsx, .ndjson, .vcf")],
) -> None:
    """Write all contacts of an organization into a file that `import` reads."""

    async def run(settings: Settings, addresses: Addresses) -> None:
        async with open_services(settings, addresses) as services:
            count = await export_file(services, await find_by_name(services, organization), file)
            print(f"{count} contacts are in {file}.")

    _with_database(Settings(), run)


@app.command()
def erase(
    organization: Annotated[str, typer.Argument(help="Id or name.")],
    contact: Annotated[str, typer.Argument(help="Contact id, or source id in the member realm.")],
    *,
    mode: Annotated[Mode, typer.Option(help="personal: conversations stay, without what names the person.")] = Mode.ALL,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a person for ever, and print the signed receipt."""
    if not yes:
        typer.confirm(f"Erase {contact} of {organization}? This cannot be undone.", abort=True)

    async def run(settings: Settings, addresses: Addresses) -> None:
        async with open_services(settings, addresses) as services:
            print(await erase_person(services, await find_by_name(services, organization), contact, mode))

    _with_database(Settings(), run)


@app.command()
def openapi() -> None:
    """Print the OpenAPI description of the REST API."""
    print(json.dumps(create_app(None).openapi(), indent=1, ensure_ascii=False))


class _Server(uvicorn.Server):
    """Hangs up on those who listen before it waits for requests to end: an open page would hold it up."""

    def __init__(self, config: uvicorn.Config, live: Live) -> None:
        super().__init__(config)
        self._live = live

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self._live.end()
        await super().shutdown(sockets)


def _bind(settings: Settings) -> socket:
    """Take host and port before anything is started; exit with a sentence when that is impossible."""
    listener = socket(AF_INET6 if ":" in settings.host else AF_INET)
    listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        address = f"{settings.host} port {settings.port}"
        sys.exit(f"Cannot listen on {address} ({error.strerror}): set FRONTDESK_PORT or FRONTDESK_HOST.")
    return listener


def _run_server(settings: Settings, *, with_worker: bool, with_demo: bool = False) -> None:
    listener = _bind(settings)
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})

    async def run(settings: Settings, addresses: Addresses) -> None:
        async with open_app(settings, addresses, with_worker=with_worker, with_demo=with_demo) as (app, services):
            config = uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                forwarded_allow_ips=settings.trusted_proxies,
                timeout_graceful_shutdown=3,
            )
            server = _Server(config, services.live)
            if with_demo:
                print(await shop.welcome(services, program=sys.argv[0]), flush=True)
            else:
                print(f"Frontdesk listens on {services.public_url}", flush=True)
            await server.serve(sockets=[listener])

    _with_database(settings, run)


@asynccontextmanager
async def open_app(
    settings: Settings, addresses: Addresses, *, with_worker: bool, with_demo: bool = False
) -> AsyncIterator[tuple[FastAPI, Services]]:
    """Yield the app with everything that it needs."""
    async with open_services(settings, addresses) as services:
        extra: Sequence[APIRouter] = []
        if with_demo:
            await make_organization(services)
            extra = [shop.router]
        token = settings.metrics_token.get_secret_value() if settings.metrics_token else None
        app = create_app(services, max_body_bytes=settings.max_body_bytes, metrics_token=token, extra=extra)
        answering: Answering = app.state.answering
        async with answering.finishing():
            if not with_worker:
                yield app, services
                return
            async with run_worker(services, addresses.app):
                yield app, services


def _with_database(settings: Settings, run: Callable[[Settings, Addresses], Coroutine[None, None, None]]) -> None:
    with open_database(settings) as addresses, suppress(KeyboardInterrupt):
        asyncio.run(run(settings, addresses))


def _set_up_logs(settings: Settings) -> None:
    """Write events to standard error. Tracebacks are plain: rich ones show local variables, secrets among them."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    renderer: list[Processor] = [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain_traceback)]
    if settings.log_json:
        renderer = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso"), *renderer],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def main() -> None:
    """Run the command line; what a person can mend is said in one sentence."""
    try:
        _set_up_logs(Settings())
        app()
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            print(f"{'FRONTDESK_' + str(problem['loc'][0]).upper()}: {problem['msg']}", file=sys.stderr)
        sys.exit(1)
    except (EmbeddedError, DatabaseNotReady, FrontdeskError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
