"""What a card is, who may overwrite what on it, and what a write would change."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypedDict, cast

from frontdesk.access.layers import ProfilesMode
from frontdesk.access.model import Assurance
from frontdesk.core.ids import ContactId, InboxId, new_id

PERSONAL_FIELDS: Final = frozenset({"emails", "phones"})  # shown with the right contacts.view_personal only

_ATTRIBUTE: Final = "attributes."
_PLAIN_FIELDS: Final = ("name", "avatar", "language", "time_zone", "emails", "phones")


class Provenance(StrEnum):
    """Who said what stands in a field."""

    MEMBER = "member"
    API = "api"
    IMPORT = "import"
    SIGNED = "signed"  # a proof of the enterprise
    CHANNEL = "channel"  # the profile on a platform
    CLAIMED = "claimed"  # the person or the page, unproven

    @property
    def is_deliberate(self) -> bool:
        """True when somebody of the organization, or a system of theirs, wrote it here on purpose."""
        return self in {Provenance.MEMBER, Provenance.API, Provenance.IMPORT}

    @property
    def assurance(self) -> Assurance | None:
        """How the session was proven in which it was said; None: it was written deliberately, in no session."""
        return _ASSURANCES.get(self)


_ASSURANCES: Final = {
    Provenance.SIGNED: Assurance.SIGNED,
    Provenance.CHANNEL: Assurance.CHANNEL,
    Provenance.CLAIMED: Assurance.CLAIMED,
}
_RANKS: Final = {Provenance.SIGNED: 3, Provenance.CHANNEL: 2, Provenance.CLAIMED: 1}  # of the automatic ones


def may_overwrite(new: Provenance, old: Provenance | None) -> bool:
    """Say whether a value from `new` replaces one from `old`; None: the field was never written.

    Among deliberate ones the last write wins. Automatic ones rank signed, channel, claimed, and never touch a
    deliberate one, except that a signed refresh replaces what the API or an import wrote.
    """
    if old is None or new.is_deliberate:
        return True
    if old.is_deliberate:
        return new is Provenance.SIGNED and old is not Provenance.MEMBER
    return _RANKS[new] >= _RANKS[old]


def outranks(new: Provenance, old: Provenance) -> bool:
    """Say whether an automatic `new` that repeats a value makes it more trustworthy than `old` did."""
    return may_overwrite(new, old) and not may_overwrite(old, new)


@dataclass(frozen=True, slots=True)
class Contact:
    """A person outside the organization: the card. An empty name means that none is known."""

    id: ContactId
    name: str
    avatar: str | None  # address of a picture
    language: str | None  # BCP 47
    time_zone: str | None  # IANA
    emails: tuple[str, ...]  # the first one is the main one
    phones: tuple[str, ...]
    attributes: dict[str, Any]
    query_metadata: dict[str, Any] | None  # the contact's own, as written; None: none is set
    profiles_mode: ProfilesMode
    version: int
    created_at: datetime
    updated_at: datetime
    last_seen_at: datetime | None  # None: never came
    deleted_at: datetime | None


def anybody(now: datetime) -> Contact:
    """Return the card of somebody of whom nothing is known and nothing is stored, with a fresh id."""
    return Contact(ContactId(new_id()), "", None, None, None, (), (), {}, None, "replace", 1, now, now, None, None)


@dataclass(frozen=True, slots=True)
class ContactInbox:
    """One inbox of a contact. Times are None as long as the contact never came through it."""

    inbox_id: InboxId
    name: str
    channel_type: str
    first_seen_at: datetime | None
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class FieldProvenance:
    """Who said what stands in one field, and when."""

    provenance: Provenance
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Address:
    """An e-mail address or a phone number on a card, and who said that it is one of this person."""

    value: str
    provenance: Provenance


class CardFields(TypedDict, total=False):
    """What is written on a card; a field that is absent stays as it is, None empties it.

    Attributes are written one by one: those that are absent stay, None removes. Source: RFC 7396.
    """

    name: str | None
    avatar: str | None
    language: str | None
    time_zone: str | None
    emails: Sequence[str] | None
    phones: Sequence[str] | None
    attributes: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, or one attribute as `attributes.<key>`; None is an attribute that is not there."""

    field: str
    old: Any
    new: Any

    @property
    def is_real(self) -> bool:
        """False when the field says this already. True and 1 are two values."""
        return self.old != self.new or isinstance(self.old, bool) != isinstance(self.new, bool)

    @property
    def is_attribute(self) -> bool:
        """True for `attributes.<key>`."""
        return self.field.startswith(_ATTRIBUTE)


def compare_fields(contact: Contact, fields: CardFields) -> tuple[FieldChange, ...]:
    """Return each of `fields`, already cleaned, beside what the card says, whether they differ or not."""
    return tuple(_compare(contact, fields))


def find_changes(contact: Contact, fields: CardFields) -> tuple[FieldChange, ...]:
    """Return what of `fields`, already cleaned, differs from the card."""
    return tuple(change for change in _compare(contact, fields) if change.is_real)


def apply_changes(contact: Contact, changes: Iterable[FieldChange]) -> Contact:
    """Return the card with `changes` made."""
    plain: dict[str, Any] = {}
    attributes = dict(contact.attributes)
    for change in changes:
        if not change.is_attribute:
            plain[change.field] = change.new
        elif change.new is None:
            attributes.pop(change.field.removeprefix(_ATTRIBUTE), None)
        else:
            attributes[change.field.removeprefix(_ATTRIBUTE)] = change.new
    return replace(contact, attributes=attributes, **plain)


def attribute_keys(changes: Iterable[FieldChange]) -> frozenset[str]:
    """Return the keys of the attributes that `changes` write or remove."""
    return frozenset(change.field.removeprefix(_ATTRIBUTE) for change in changes if change.is_attribute)


def hide_personal(contact: Contact) -> Contact:
    """Return the card as it is shown without the right contacts.view_personal."""
    return replace(contact, emails=(), phones=())


def _compare(contact: Contact, fields: CardFields) -> Iterator[FieldChange]:
    written = cast("dict[str, Any]", fields)
    for field in _PLAIN_FIELDS:
        if field in written:
            yield FieldChange(field, getattr(contact, field), written[field])
    attributes = fields.get("attributes")
    if attributes is None and "attributes" in fields:
        attributes = dict.fromkeys(contact.attributes)
    for key, value in (attributes or {}).items():
        yield FieldChange(_ATTRIBUTE + key, contact.attributes.get(key), value)
