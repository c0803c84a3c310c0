"""The ASGI app: mounts every `routes.py`, and decides what happens to every request."""

import re
from collections.abc import Sequence
from functools import partial
from importlib import resources
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.staticfiles import StaticFiles

from frontdesk import api_docs, metrics
from frontdesk.access import routes as access
from frontdesk.answers import access_routes as readers
from frontdesk.answers import memory_routes as memory
from frontdesk.answers import receipt_routes as receipts
from frontdesk.answers import routes as answers
from frontdesk.answers import search_routes as searching
from frontdesk.channels import assistant_routes as assistants
from frontdesk.channels import knowledge_routes as connected_knowledge
from frontdesk.channels import older_routes as older_paths
from frontdesk.channels import routes as channels
from frontdesk.console import routes as console
from frontdesk.contacts import routes as contacts
from frontdesk.contacts import template_routes as profile_templates
from frontdesk.conversations import attachment_routes as attachments
from frontdesk.conversations import routes as conversations
from frontdesk.core.asgi import Canonical, LimitedBody, OwnOriginOnly, Traced
from frontdesk.core.idempotency import AnsweredBefore, KeepsAnswers, send_answer
from frontdesk.core.problems import add_problem_handlers
from frontdesk.core.services import Services
from frontdesk.identities import block_routes as blocks
from frontdesk.identities import health_routes as health
from frontdesk.identities import note_routes as notes
from frontdesk.identities import profile_routes as held_profiles
from frontdesk.identities import realm_routes as realms
from frontdesk.identities import routes as identities
from frontdesk.identities import segment_routes as segments
from frontdesk.identities.proving import Prover
from frontdesk.knowledge import routes as knowledge
from frontdesk.lifecycle import bulk_routes as bulk_edits
from frontdesk.lifecycle import export_routes as exports
from frontdesk.lifecycle import import_routes as imports
from frontdesk.lifecycle import merge_routes as merges
from frontdesk.lifecycle import privacy_routes as privacy
from frontdesk.lifecycle import what_if_routes as what_if
from frontdesk.openapi import describe
from frontdesk.organizations import routes as organizations
from frontdesk.webchat import pages as webchat_pages
from frontdesk.webchat import routes as webchat
from frontdesk.webchat.answering import Answering

API = "/api/v1"
STATIC = Path(str(resources.files("frontdesk") / "static"))

_API_ROUTERS = (
    organizations.router,
    profile_templates.router,  # whose paths look like ids of profiles
    access.router,
    held_profiles.router,
    knowledge.router,
    connected_knowledge.router,
    channels.router,
    assistants.router,
    contacts.router,
    identities.router,
    segments.router,
    notes.router,
    blocks.router,
    realms.router,
    health.router,
    conversations.router,
    attachments.router,
    answers.router,
    searching.router,
    older_paths.router,
    receipts.router,
    readers.router,
    merges.router,
    bulk_edits.router,
    memory.router,
    privacy.router,
    what_if.router,
    imports.router,
    exports.router,
    api_docs.router,
)
_PAGE_ROUTERS = (webchat.router, webchat_pages.router, console.router, metrics.router)


def create_app(
    services: Services | None,
    *,
    max_body_bytes: int = 1_000_000,
    metrics_token: str | None = None,
    extra: Sequence[APIRouter] = (),
) -> FastAPI:
    """Return the app over `services`, which the caller opens and closes; without them it can only describe itself.

    `metrics_token` opens /metrics to those who send it.
    """
    app = FastAPI(
        title="Frontdesk API",
        version="1",
        openapi_url=f"{API}/schema",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.metrics_token = metrics_token
    if services is not None:
        app.state.services = services
        app.state.answering = Answering(services)
        app.state.prover = Prover(services.db, services.http, services.cipher)
    for router in _API_ROUTERS:
        app.include_router(router, prefix=API)
    for router in (*_PAGE_ROUTERS, *extra):
        app.include_router(router, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC, check_dir=False), name="static")
    app.openapi = partial(describe, app)  # type: ignore[method-assign]  # how FastAPI wants it
    add_problem_handlers(app)
    app.add_exception_handler(AnsweredBefore, send_answer)
    app.add_middleware(KeepsAnswers)  # the innermost; the last one that is added is the outermost
    app.add_middleware(LimitedBody, max_bytes=max_body_bytes, exempt=_list_unlimited(app))
    app.add_middleware(OwnOriginOnly)
    app.add_middleware(Canonical, mount=API, verbatim=("attributes.",))
    app.add_middleware(Traced)
    return app


def _list_unlimited(app: FastAPI) -> list[re.Pattern[str]]:
    """List the paths whose route says `max_body_size`: these take files, and count what they read."""
    routes = iter_route_contexts(app.routes)
    return [route.path_regex for route in routes if getattr(route, "max_body_size", None) is not None]
