"""`access-profiles/templates/`: access by membership level, department or product edition, set up in one step."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from frontdesk.contacts.profile_templates import TEMPLATES, Level, Part, Template, apply_template
from frontdesk.core.ids import KnowledgeBaseId
from frontdesk.core.wire import PageOf, Paging, WireModel, page_of, paging, reply
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["access profiles"])


class LevelBody(WireModel):
    """A level: the value on cards, and the name of its label and its profile."""

    value: str
    name: str


class TemplateBody(WireModel):
    """A template as it is offered: each part may be changed before it is applied."""

    kind: Literal["membership", "department", "edition"]
    attribute: str
    attribute_name: str
    levels: Sequence[LevelBody]
    is_cumulative: bool
    common_label: str


class TemplatePage(PageOf):
    """The templates."""

    results: Sequence[TemplateBody]


class ApplyTemplateBody(WireModel):
    """What to set up. `levels` begin with the lowest; with `isCumulative` each reads what those before it read."""

    attribute: Annotated[str, Field(description="The key of the attribute of contacts that says the level.")]
    attribute_name: str = ""
    levels: Sequence[LevelBody]
    is_cumulative: bool = True
    knowledge_bases: Sequence[UUID]
    common_label: Annotated[str, Field(description="The label of documents for all levels; empty: none.")] = ""
    dry_run: bool = False

    def to_template(self) -> Template:
        """Return what is to be set up."""
        return Template(
            self.attribute,
            self.attribute_name or self.attribute,
            tuple(Level(level.value, level.name) for level in self.levels),
            self.is_cumulative,
            tuple(map(KnowledgeBaseId, self.knowledge_bases)),
            self.common_label,
        )


class TemplatePartBody(WireModel):
    """One thing that is set up; `isNew` false: it was there. `knowledgeBase` names the one that it is of."""

    kind: Literal["attribute", "choice", "label", "profile", "opened", "rule"]
    name: str
    is_new: bool
    knowledge_base: str | None

    @classmethod
    def of(cls, part: Part) -> "TemplatePartBody":
        """Return the body of a part."""
        return cls(kind=part.kind, name=part.name, is_new=part.is_new, knowledge_base=part.base or None)


class AppliedTemplateBody(WireModel):
    """What was set up, or would be."""

    dry_run: bool
    parts: Sequence[TemplatePartBody]


@router.get("/access-profiles/templates", response_model=TemplatePage)
async def list_templates(
    request: Request,
    ctx: Annotated[Ctx, needs(Right.PROFILES_VIEW)],  # noqa: ARG001 -- the right is what counts
    paging: Annotated[Paging, Depends(paging)],
) -> Response:
    """List the templates that set up labels, profiles and rules in one step."""
    bodies = [
        TemplateBody(
            kind=kind,
            attribute=one.attribute,
            attribute_name=one.attribute_name,
            levels=[LevelBody(value=level.value, name=level.name) for level in one.levels],
            is_cumulative=one.is_cumulative,
            common_label=one.common_label,
        )
        for kind, one in TEMPLATES.items()
    ]
    part = bodies[paging.offset : paging.offset + paging.limit]
    return reply(request, page_of(request, paging, len(bodies), part))


@router.post("/access-profiles/templates", response_model=AppliedTemplateBody)
async def apply_access_template(
    request: Request, body: ApplyTemplateBody, ctx: Annotated[Ctx, needs(Right.PROFILES_EDIT)]
) -> Response:
    """Set up an attribute, labels, profiles and rules; again: add what is missing. `dryRun` tells and writes nothing.

    Also needs the rights `knowledge.edit`, and `contacts.configure` for all inboxes.

    Problems: `not-found`, `forbidden`, `invalid-request`, `grant-not-held`.
    """
    async with ctx.db.begin(ctx.organization_id) as tx:
        parts = await apply_template(tx, ctx.caller, body.to_template(), dry_run=body.dry_run)
    return reply(request, AppliedTemplateBody(dry_run=body.dry_run, parts=[TemplatePartBody.of(one) for one in parts]))
