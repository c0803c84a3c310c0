"""Bodies of the API that the routes of several domains share: query metadata as it was sent, and warnings about it."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from frontdesk.access.model import Assurance
from frontdesk.access.warnings import AccessWarning
from frontdesk.core.wire import WireModel

QueryMetadataField: TypeAlias = Annotated[
    dict[str, Any] | None, Field(description="Conditions of access; null when none are set. Stored and echoed as sent.")
]
AssuranceName: TypeAlias = Literal["anonymous", "claimed", "channel", "signed"]


class WarningBody(WireModel):
    """Saved, but it may not do what is expected."""

    code: str
    pointer: str
    detail: str
    facts: dict[str, Any]


def render_warnings(warnings: Sequence[AccessWarning]) -> list[WarningBody]:
    """Return the bodies of `warnings`."""
    return [
        WarningBody(code=one.code, pointer=one.pointer, detail=one.detail, facts=dict(one.facts)) for one in warnings
    ]


def render_assurance(assurance: Assurance) -> AssuranceName:
    """Return the name of `assurance` in the API."""
    names: dict[Assurance, AssuranceName] = {
        Assurance.ANONYMOUS: "anonymous",
        Assurance.CLAIMED: "claimed",
        Assurance.CHANNEL: "channel",
        Assurance.SIGNED: "signed",
    }
    return names[assurance]
