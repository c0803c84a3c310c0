"""The drawer that changes a card. What somebody else changed meanwhile is shown, never overwritten unseen."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.channels.access import list_visible_inboxes
from frontdesk.channels.queries import get_realm
from frontdesk.console import attributes
from frontdesk.console.contact import Head, load_head
from frontdesk.console.contacts import LANGUAGES, PATH
from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.contacts.model import CardFields
from frontdesk.contacts.queries import find_provenance
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, PreconditionFailed
from frontdesk.core.ids import ContactId, InboxId
from frontdesk.core.text import utc_now
from frontdesk.identities.cards import Given, change_card
from frontdesk.identities.queries import count_sessions_of_contact
from frontdesk.identities.source_ids import get_bare_realm
from frontdesk.organizations.model import Right

router = screen_router()

Editor = Annotated[MemberCtx, member_needs(Right.CONTACTS_EDIT)]


class Written(BaseModel):
    """What stands in the fields of the form."""

    model_config = ConfigDict(frozen=True)

    version: int
    name: str = ""
    language: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    source_id: str = ""
    is_checked: bool = False  # the member looked a changed source id up
    inboxes: frozenset[UUID] = frozenset()
    keys: tuple[str, ...] = ()  # of the attributes; with `values`, as text
    values: tuple[str, ...] = ()

    @property
    def attributes(self) -> tuple[tuple[str, str], ...]:
        """Names and values as `attributes.py` reads them."""
        return tuple(zip(self.keys, self.values, strict=False))

    def to_given(self, head: Head, offered: set[InboxId]) -> Given:
        """Return what is to be written; inboxes that were not `offered` in the form stay. Raises InvalidRequest."""
        fields = CardFields(name=self.name, language=self.language or None)
        if head.sees_personal:
            fields["emails"] = _said(self.emails)
            fields["phones"] = _said(self.phones)
        fields["attributes"] = attributes.changes(head.view.contact.attributes, self.attributes)
        old = {inbox.inbox_id for inbox in head.view.inboxes}
        new = (old - offered) | {InboxId(inbox_id) for inbox_id in self.inboxes}
        return Given(
            fields=fields,
            inbox_ids=tuple(new) if new != old else None,
            source_id=self.source_id if self.source_id != _source_id(head) else None,
        )


@router.get("/contacts/{contact_id}/edit")
async def show_edit(request: Request, contact_id: UUID, member: Editor) -> Response:
    """Show the card in a form."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
        context = await _load_form(tx, member, head)
    return page(request, "contact/edit.html", written=_written(head), errors={}, error=None, differences=(), **context)


@router.get("/contacts/{contact_id}/edit/source-id")
async def show_notice(
    request: Request, contact_id: UUID, member: Editor, source_id: Annotated[str, Query()] = ""
) -> Response:
    """Say what a changed source id means, before it is saved."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
        sessions = await count_sessions_of_contact(tx, head.view.contact.id, now=utc_now())
    return page(request, "contact/source_id.html", old=_source_id(head), new=source_id, sessions=sessions)


@router.post("/contacts/{contact_id}/edit")
async def save(request: Request, contact_id: UUID, member: Editor, written: Annotated[Written, Form()]) -> Response:
    """Write the card. A corrected source id must be confirmed; a lost update shows both versions."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            head = await load_head(tx, member, contact_id)
            offered, _ = await list_visible_inboxes(tx, member.caller)
            given = written.to_given(head, {inbox.id for inbox in offered})
            if given.source_id is not None and _source_id(head) and not written.is_checked:
                raise SourceIdUnchecked(pointer="/isChecked")
            await change_card(tx, member.caller, ContactId(contact_id), given, if_version=written.version)
    except FrontdeskError as error:
        return await _show_again(request, member, contact_id, written, error)
    return go(request, f"{PATH}/{contact_id}", flash=look_of(request)._("The contact is saved."))


class SourceIdUnchecked(PreconditionFailed):
    """A source id was to be corrected, and nobody said that it was looked up."""

    title = "Confirm the changed source ID"


async def _show_again(
    request: Request, member: MemberCtx, contact_id: UUID, written: Written, error: FrontdeskError
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
        context = await _load_form(tx, member, head)
    is_lost = isinstance(error, PreconditionFailed) and "version" in error.facts
    return page(
        request,
        "contact/edit.html",
        status=error.status,
        written=written,
        errors={} if is_lost else field_errors(error),
        error=error,
        differences=_differences(_written(head), written) if is_lost else (),
        **context,
    )


async def _load_form(tx: Tx, member: MemberCtx, head: Head) -> dict[str, Any]:
    contact = head.view.contact
    realm_id = head.view.primary.realm_id if head.view.primary else await get_bare_realm(tx, contact.id)
    inboxes, _ = await list_visible_inboxes(tx, member.caller)
    return {
        "head": head,
        "realm": (await get_realm(tx, realm_id)).name,
        "provenance": await find_provenance(tx, contact.id),
        "inboxes": inboxes,
        "languages": LANGUAGES,
        "old_source_id": _source_id(head),
        "sessions": await count_sessions_of_contact(tx, contact.id, now=utc_now()),
    }


def _written(head: Head) -> Written:
    contact = head.view.contact
    pairs = attributes.as_text(contact.attributes)
    return Written(
        version=contact.version,
        name=contact.name,
        language=contact.language or "",
        emails=contact.emails,
        phones=contact.phones,
        source_id=_source_id(head),
        inboxes=frozenset(inbox.inbox_id for inbox in head.view.inboxes),
        keys=tuple(key for key, _ in pairs),
        values=tuple(value for _, value in pairs),
    )


def _differences(stored: Written, written: Written) -> tuple[tuple[str, str, str], ...]:
    """Return field, what is stored now, and what this member wrote, where the two differ."""
    pairs = (
        ("name", stored.name, written.name),
        ("language", stored.language, written.language),
        ("emails", ", ".join(stored.emails), ", ".join(_said(written.emails))),
        ("phones", ", ".join(stored.phones), ", ".join(_said(written.phones))),
        ("source_id", stored.source_id, written.source_id),
        ("attributes", _one_line(stored.attributes), _one_line(written.attributes)),
    )
    return tuple(pair for pair in pairs if pair[1] != pair[2])


def _one_line(pairs: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in pairs if key.strip())


def _source_id(head: Head) -> str:
    return head.view.primary.source_id if head.view.primary else ""


def _said(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(value.strip() for value in values if value.strip())
