"""Access by membership level, department or product edition, set up in one step: a form, a preview, done."""

from typing import Annotated, Final, get_args
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.navigation import N_
from frontdesk.console.pages import go, look_of, page
from frontdesk.contacts.profile_templates import TEMPLATES, Level, Part, Template, TemplateKind, apply_template
from frontdesk.core.errors import FrontdeskError, InvalidRequest
from frontdesk.core.ids import KnowledgeBaseId
from frontdesk.knowledge.queries import list_bases
from frontdesk.organizations.model import Right

router = screen_router()

PATH: Final = "/console/access-profiles"
KINDS: Final[dict[TemplateKind, str]] = {
    "membership": N_("By membership level"),
    "department": N_("By department"),
    "edition": N_("By product edition"),
}
PARTS: Final = {
    "attribute": N_("Attribute of contacts"),
    "choice": N_("Choice"),
    "label": N_("Label"),
    "profile": N_("Access profile"),
    "opened": N_("Opens"),
    "rule": N_("Rule"),
}
_MOST_BASES: Final = 1000

Editor = Annotated[MemberCtx, member_needs(Right.PROFILES_EDIT)]


class WrittenTemplate(BaseModel):
    """What stands in the form; of `levels` one is on each line, as `value: name`."""

    model_config = ConfigDict(frozen=True)

    attribute: str = ""
    attribute_name: str = ""
    levels: str = ""
    common_label: str = ""
    is_cumulative: bool = False
    base_ids: tuple[UUID, ...] = ()
    action: str = "preview"

    @classmethod
    def of(cls, template: Template, base_ids: tuple[UUID, ...]) -> "WrittenTemplate":
        """Return the form of a template as it is offered."""
        return cls(
            attribute=template.attribute,
            attribute_name=template.attribute_name,
            levels="\n".join(f"{level.value}: {level.name}" for level in template.levels),
            common_label=template.common_label,
            is_cumulative=template.is_cumulative,
            base_ids=base_ids,
        )

    def to_template(self) -> Template:
        """Return what is to be set up; a line without a colon is value and name at once."""
        lines = [line.partition(":") for line in self.levels.splitlines() if line.strip()]
        return Template(
            self.attribute,
            self.attribute_name or self.attribute,
            tuple(Level(value.strip(), name.strip() or value.strip()) for value, _, name in lines),
            self.is_cumulative,
            tuple(map(KnowledgeBaseId, self.base_ids)),
            self.common_label,
        )


@router.get("/access-profiles/templates")
async def show_template(request: Request, member: Editor, kind: TemplateKind = "membership") -> Response:
    """Show the form with what the template offers, for all knowledge bases."""
    async with member.db.begin(member.organization_id) as tx:
        bases, _ = await list_bases(tx, limit=_MOST_BASES, offset=0)
    written = WrittenTemplate.of(TEMPLATES[kind], tuple(base.id for base in bases))
    return await _show(request, member, kind, written)


@router.post("/access-profiles/templates")
async def apply(
    request: Request, member: Editor, written: Annotated[WrittenTemplate, Form()], kind: TemplateKind = "membership"
) -> Response:
    """Show what would be made, or make it."""
    is_preview = written.action != "apply"
    try:
        async with member.db.begin(member.organization_id) as tx:
            parts = await apply_template(tx, member.caller, written.to_template(), dry_run=is_preview)
    except FrontdeskError as error:
        return await _show(request, member, kind, written, error=error)
    if is_preview:
        return await _show(request, member, kind, written, parts=parts)
    return go(request, PATH, flash=look_of(request)._("The profiles are set up. Put the labels on documents now."))


async def _show(
    request: Request,
    member: MemberCtx,
    kind: TemplateKind,
    written: WrittenTemplate,
    *,
    parts: list[Part] | None = None,
    error: FrontdeskError | None = None,
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        bases, _ = await list_bases(tx, limit=_MOST_BASES, offset=0)
    return page(
        request,
        "profiles/template.html",
        status=error.status if error else 200,
        kind=kind,
        kinds={one: KINDS[one] for one in get_args(TemplateKind)},
        written=written,
        bases=bases,
        parts=parts,
        names=PARTS,
        errors=_errors(error),
    )


def _errors(error: FrontdeskError | None) -> dict[str, str]:
    """Map the fields of the form to what is wrong with them."""
    if error is None:
        return {}
    if isinstance(error, InvalidRequest) and error.pointer:
        fields = {"knowledgeBases": "bases", "attributeName": "attribute_name", "commonLabel": "common_label"}
        first = error.pointer.split("/")[1]
        return {fields.get(first, first): error.detail}
    return field_errors(error)
