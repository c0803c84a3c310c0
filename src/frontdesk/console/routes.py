"""All screens, under `/console`."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from frontdesk.console import (
    account,
    answer_replay,
    assistant_trial,
    assistants,
    contact,
    contact_access,
    contact_block,
    contact_bulk,
    contact_edit,
    contact_erase,
    contact_filters,
    contact_memory,
    contact_merge,
    contact_new,
    contact_notes,
    contact_timeline,
    contacts,
    conversations,
    explaining,
    exports,
    health,
    imports,
    knowledge,
    knowledge_batches,
    knowledge_documents,
    knowledge_faqs,
    knowledge_files,
    knowledge_labels,
    knowledge_search,
    knowledge_versions,
    live,
    platform_access,
    platform_asking,
    platform_identity,
    platform_key_sets,
    platform_keys,
    platform_retention,
    platforms,
    profile_rules,
    profile_templates,
    profiles,
    query_builder,
    settings_account,
    settings_audit,
    settings_erasures,
    settings_fields,
    settings_frame,
    settings_keys,
    settings_members,
    settings_organization,
    settings_roles,
    sign_in,
    token_checks,
)
from frontdesk.console.faults import screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.navigation import places_for
from frontdesk.console.pages import HOME, page
from frontdesk.core.errors import NotFound

router = APIRouter()
start = screen_router()
elsewhere = screen_router()


@start.get("/")
@start.get("")
async def show_start(request: Request, member: Annotated[MemberCtx, member_needs()]) -> Response:
    """Go to the first screen that the member may open."""
    places = places_for(member.caller)
    return RedirectResponse(places[0].path, 303) if places else page(request, "nothing.html")


@elsewhere.get("/{path:path}")
async def show_nothing(member: Annotated[MemberCtx, member_needs()]) -> Response:  # noqa: ARG001 -- the page is framed for the member
    """Say that there is no such screen."""
    raise NotFound


SCREENS = (
    start,
    sign_in.router,
    account.router,
    live.router,
    conversations.router,
    contacts.router,
    contact_filters.router,  # before those that take an id where it has a word
    contact_bulk.router,
    contact_new.router,  # before those that take an id where it has a word
    imports.router,  # before those that take an id where it has a word
    exports.router,
    contact_merge.router,  # before what takes an id where it has a word
    contact.router,
    contact_edit.router,
    contact_notes.router,
    contact_timeline.router,
    contact_access.router,
    explaining.router,
    contact_block.router,
    contact_memory.router,
    contact_erase.router,
    health.router,
    profile_templates.router,  # before those that take an id where it has a word
    profile_rules.router,
    profiles.router,
    query_builder.router,
    knowledge.router,
    knowledge_batches.router,  # before those that take an id where it has a word
    knowledge_documents.router,  # before those that take an id where it has a word
    knowledge_files.router,
    knowledge_versions.router,
    knowledge_faqs.router,
    knowledge_labels.router,
    knowledge_search.router,
    platforms.router,
    platform_identity.router,
    platform_asking.router,
    platform_key_sets.router,
    token_checks.router,
    platform_keys.router,
    platform_access.router,
    platform_retention.router,
    assistants.router,
    answer_replay.router,
    assistant_trial.router,
    settings_frame.router,
    settings_members.router,
    settings_roles.router,
    settings_keys.router,
    settings_organization.router,
    settings_audit.router,
    settings_fields.router,
    settings_erasures.router,
    settings_account.router,
)
for screen in SCREENS:
    router.include_router(screen, prefix=HOME)
router.include_router(elsewhere, prefix=HOME)  # last: it answers every address


@router.get("/", include_in_schema=False)
async def show_home() -> Response:
    """Send people who open the bare address to the console."""
    return RedirectResponse(HOME, 303)
