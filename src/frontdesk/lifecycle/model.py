"""Which value of which card stays when several become one: rules that need no I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from frontdesk.contacts.card import MAX_ADDRESSES, check_attributes
from frontdesk.contacts.model import Provenance
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import ContactId
from frontdesk.lifecycle.errors import MergeChoiceNeeded, MergeLosesData

MAX_MERGED: Final = 8  # at once, beside the survivor
PLAIN_FIELDS: Final = ("name", "avatar", "language", "time_zone")
ATTRIBUTE: Final = "attributes."

_EMPTY: Final[tuple[object, ...]] = (None, "", [])


@dataclass(frozen=True, slots=True)
class Side:
    """One of the cards that become one. `said`: the row of `contact_fields` for each field that was ever written."""

    id: ContactId
    plain: Mapping[str, Any]
    attributes: Mapping[str, Any]
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    said: Mapping[str, Mapping[str, Any]]
    block: Mapping[str, Any] | None  # None: not blocked
    last_seen_at: datetime | None
    deleted_at: datetime | None

    def value(self, field: str) -> Any:  # noqa: ANN401 -- what stands on a card
        """Return what stands in a field, or in an attribute as `attributes.<key>`; None when nothing does."""
        if field.startswith(ATTRIBUTE):
            return self.attributes.get(field.removeprefix(ATTRIBUTE))
        return self.plain[field]

    @property
    def fields(self) -> Iterable[str]:
        """All fields of which one value can stay."""
        return (*PLAIN_FIELDS, *(ATTRIBUTE + key for key in self.attributes))


@dataclass(frozen=True, slots=True)
class Offer:
    """What one card says in a field. `said` None: nobody ever wrote it."""

    contact_id: ContactId
    value: Any
    said: Mapping[str, Any] | None

    @property
    def is_empty(self) -> bool:
        """True when the card says nothing there."""
        return any(self.value == empty and type(self.value) is type(empty) for empty in _EMPTY)

    @property
    def is_deliberate(self) -> bool:
        """True when somebody of the organization wrote it on purpose."""
        return self.said is not None and Provenance(self.said["provenance"]).is_deliberate


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """One field: what the cards say, the survivor's first, and whose value stays."""

    field: str
    offers: tuple[Offer, ...]
    winner: ContactId

    @property
    def kept(self) -> Offer:
        """What stays."""
        return next(offer for offer in self.offers if offer.contact_id == self.winner)

    @property
    def differs(self) -> bool:
        """True when the cards contradict each other."""
        said = [offer.value for offer in self.offers if not offer.is_empty]
        return any(value != said[0] or isinstance(value, bool) != isinstance(said[0], bool) for value in said)

    @property
    def changes_survivor(self) -> bool:
        """True when the survivor gets another card's value."""
        return self.winner != self.offers[0].contact_id


def plan_fields(sides: Sequence[Side], choices: Mapping[str, UUID]) -> tuple[FieldPlan, ...]:
    """Return whose value stays in each field; the first of `sides` is the survivor.

    Without a choice something beats nothing, what was written deliberately beats what came by itself, and else the
    survivor's stays. Raises InvalidRequest for a choice of no such field or card.
    """
    fields = list(dict.fromkeys(field for side in sides for field in side.fields))
    ids = {side.id for side in sides}
    for field, chosen in choices.items():
        if field not in fields or chosen not in ids:
            raise InvalidRequest("There is no such choice.", pointer=f"/choices/{field}")
    return tuple(_plan(field, sides, choices.get(field)) for field in fields)


def _plan(field: str, sides: Sequence[Side], chosen: UUID | None) -> FieldPlan:
    offers = tuple(Offer(side.id, side.value(field), side.said.get(field)) for side in sides)
    proposed = max(offers, key=lambda offer: (not offer.is_empty, offer.is_deliberate))  # the first of equals
    return FieldPlan(field, offers, ContactId(chosen) if chosen is not None else proposed.contact_id)


def check_plan(
    sides: Sequence[Side], plans: Iterable[FieldPlan], *, unique: frozenset[str], chosen: Iterable[str]
) -> Iterable[MergeChoiceNeeded | MergeLosesData]:
    """Yield why these cards cannot become one without losing something; `unique`: keys of attributes one person has."""
    plans, chosen = list(plans), set(chosen)
    for plan in plans:
        if plan.field.removeprefix(ATTRIBUTE) in unique and plan.differs and plan.field not in chosen:
            yield MergeChoiceNeeded(plan.field)
    for field in ("emails", "phones"):
        if len({address.casefold() for side in sides for address in getattr(side, field)}) > MAX_ADDRESSES:
            yield MergeLosesData(f"Together the cards have more than {MAX_ADDRESSES} of these.", field)
    kept = {plan.field.removeprefix(ATTRIBUTE): plan.kept.value for plan in plans if plan.field.startswith(ATTRIBUTE)}
    try:
        check_attributes({key: value for key, value in kept.items() if value is not None})
    except InvalidRequest as error:
        yield MergeLosesData(error.detail, "attributes")
