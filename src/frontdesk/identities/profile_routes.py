"""Access profiles in hands: `contacts/{id}/access-profiles/`, who has one, and the rules that give them."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from frontdesk.access import queries as profiles
from frontdesk.access import rule_queries
from frontdesk.access.bodies import WarningBody, render_warnings
from frontdesk.access.profiles import AssignedProfile, HeldThrough, ProfileRule
from frontdesk.access.warnings import AccessWarning
from frontdesk.contacts import rules
from frontdesk.contacts.access import access_contact
from frontdesk.contacts.access_actions import assign_profile, unassign_profile
from frontdesk.contacts.holders import Holder, list_holders
from frontdesk.core.ids import ContactId, ProfileId, RuleId
from frontdesk.core.wire import PageOf, Paging, Time, WireModel, page_of, paging, reply
from frontdesk.identities.queries import resolve_contact_id
from frontdesk.identities.routes import Version
from frontdesk.identities.source_ids import access_unmerged
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["access profiles"])

View = Annotated[Ctx, needs(Right.PROFILES_VIEW)]
Edit = Annotated[Ctx, needs(Right.PROFILES_EDIT)]
ViewContacts = Annotated[Ctx, needs(Right.CONTACTS_VIEW)]
EditAccess = Annotated[Ctx, needs(Right.CONTACTS_EDIT_ACCESS)]
PageAsked = Annotated[Paging, Depends(paging)]
Through = Literal["member", "api", "import", "rule"]


class HeldProfileBody(WireModel):
    """A profile that a contact has, and one way in which it came to it."""

    id: UUID
    name: str
    through: Through
    given_by: str
    since: Time
    rule: UUID | None

    @classmethod
    def of(cls, one: AssignedProfile) -> "HeldProfileBody":
        """Return the body of an assigned profile."""
        return cls(
            id=one.profile.id,
            name=one.profile.name,
            through=one.provenance,
            given_by=one.assigned_by,
            since=one.assigned_at,
            rule=one.rule_id,
        )


class HeldProfilePage(PageOf):
    """The profiles of a contact, by name; one that came in several ways once for each of them."""

    results: Sequence[HeldProfileBody]


class AssignProfileBody(WireModel):
    """The profile to give."""

    profile: UUID


class HolderBody(WireModel):
    """A contact that has a profile, and one way in which it came to it."""

    contact: UUID
    name: str
    through: Through
    given_by: str
    since: Time
    rule: UUID | None

    @classmethod
    def of(cls, one: Holder) -> "HolderBody":
        """Return the body of a holder."""
        return cls(
            contact=one.contact_id,
            name=one.name,
            through=one.through,
            given_by=one.given_by,
            since=one.since,
            rule=one.rule_id,
        )


class HolderPage(PageOf):
    """Who has a profile, the latest first."""

    results: Sequence[HolderBody]


class RuleBody(WireModel):
    """A rule; `isSettled` false: contacts are still being looked at, `checkedCount` of `totalCount`."""

    id: UUID
    profile: UUID
    filter: dict[str, Any]
    version: int
    made_by: str
    is_settled: bool
    checked_count: int
    total_count: int
    contacts_count: int
    created_at: Time
    updated_at: Time
    warnings: Sequence[WarningBody] = ()

    @classmethod
    def of(cls, rule: ProfileRule, contacts_count: int, warnings: Sequence[AccessWarning] = ()) -> "RuleBody":
        """Return the body of a rule; `contacts_count` have the profile by it."""
        return cls(
            id=rule.id,
            profile=rule.profile_id,
            filter=rule.filter,
            version=rule.version,
            made_by=rule.made_by,
            is_settled=rule.is_settled,
            checked_count=rule.checked_count,
            total_count=rule.total_count,
            contacts_count=contacts_count,
            created_at=rule.created_at,
            updated_at=rule.updated_at,
            warnings=render_warnings(warnings),
        )


class RulePage(PageOf):
    """The rules of a profile, the oldest first."""

    results: Sequence[RuleBody]


class WriteRuleBody(WireModel):
    """What a rule asks for: a filter of contacts over attributes, the language and labels."""

    filter: dict[str, Any]


# --- the profiles of a contact ---


@router.get("/contacts/{contact_id}/access-profiles", response_model=HeldProfilePage)
async def list_contact_profiles(request: Request, ctx: ViewContacts, contact_id: UUID, paging: PageAsked) -> Response:
    """List the access profiles of a contact, with how it came to each. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        survivor = await resolve_contact_id(tx, ContactId(contact_id))
        await access_contact(tx, ctx.caller, survivor, Right.CONTACTS_VIEW)
        found = await profiles.list_assigned(tx, survivor)
    part = found[paging.offset : paging.offset + paging.limit]
    return reply(request, page_of(request, paging, len(found), [HeldProfileBody.of(one) for one in part]))


@router.post("/contacts/{contact_id}/access-profiles", response_model=HeldProfileBody, status_code=201)
async def assign_contact_profile(
    request: Request, ctx: EditAccess, contact_id: UUID, body: AssignProfileBody
) -> Response:
    """Give a contact an access profile, in the key's name. Safe to repeat.

    Problems: `not-found`, `contact-merged`, `grant-not-held`.
    """
    contact, profile = ContactId(contact_id), ProfileId(body.profile)
    async with ctx.db.begin(ctx.organization_id) as tx:
        await access_unmerged(tx, ctx.caller, contact, Right.CONTACTS_EDIT_ACCESS)
        await assign_profile(tx, ctx.caller, contact, profile)
        held = await profiles.list_assigned(tx, contact)
    given = next(one for one in held if one.profile.id == profile and one.rule_id is None)
    return reply(request, HeldProfileBody.of(given), status=201)


@router.delete("/contacts/{contact_id}/access-profiles/{profile_id}", status_code=204)
async def unassign_contact_profile(ctx: EditAccess, contact_id: UUID, profile_id: UUID) -> None:
    """Take a profile that somebody gave; what a rule gives stays. Safe to repeat.

    Problems: `not-found`, `contact-merged`, `grant-not-held`.
    """
    async with ctx.db.begin(ctx.organization_id) as tx:
        await access_unmerged(tx, ctx.caller, ContactId(contact_id), Right.CONTACTS_EDIT_ACCESS)
        await unassign_profile(tx, ctx.caller, ContactId(contact_id), ProfileId(profile_id))


# --- who has a profile ---


@router.get("/access-profiles/{profile_id}/contacts", response_model=HolderPage)
async def list_profile_contacts(
    request: Request,
    ctx: View,
    profile_id: UUID,
    paging: PageAsked,
    through: Annotated[Through | None, Query(description="Only who came to it so.")] = None,
) -> Response:
    """List who has a profile, the latest first: through what, since when. Also needs the right `contacts.view`.

    Problems: `not-found`, `forbidden`.
    """
    way: HeldThrough | None = through
    async with ctx.db.begin(ctx.organization_id) as tx:
        found, count = await list_holders(
            tx, ctx.caller, ProfileId(profile_id), through=way, limit=paging.limit, offset=paging.offset
        )
    return reply(request, page_of(request, paging, count, [HolderBody.of(one) for one in found]))


# --- rules ---


@router.get("/access-profiles/{profile_id}/rules", response_model=RulePage)
async def list_rules(request: Request, ctx: View, profile_id: UUID, paging: PageAsked) -> Response:
    """List the rules that give a profile, the oldest first. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await rules.list_rules(tx, ctx.caller, ProfileId(profile_id))
        counts = await rule_queries.count_given(tx, ProfileId(profile_id))
    part = found[paging.offset : paging.offset + paging.limit]
    bodies = [RuleBody.of(rule, counts.get(rule.id, 0)) for rule in part]
    return reply(request, page_of(request, paging, len(found), bodies))


@router.post("/access-profiles/{profile_id}/rules", response_model=RuleBody, status_code=201)
async def create_rule(request: Request, ctx: Edit, profile_id: UUID, body: WriteRuleBody) -> Response:
    """Give a profile to every contact whose trusted values fulfil a condition, now and whenever they change.

    Problems: `not-found`, `invalid-request`, `grant-not-held`.
    """
    async with ctx.db.begin(ctx.organization_id) as tx:
        rule, warnings = await rules.create_rule(tx, ctx.caller, ProfileId(profile_id), body.filter)
        counts = await rule_queries.count_given(tx, rule.profile_id)
    return _reply(request, RuleBody.of(rule, counts.get(rule.id, 0), warnings), status=201)


@router.get("/access-profiles/{profile_id}/rules/{rule_id}", response_model=RuleBody)
async def get_rule(request: Request, ctx: View, profile_id: UUID, rule_id: UUID) -> Response:
    """Return one rule. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        rule = await rules.get_rule(tx, ctx.caller, ProfileId(profile_id), RuleId(rule_id))
        counts = await rule_queries.count_given(tx, rule.profile_id)
    return _reply(request, RuleBody.of(rule, counts.get(rule.id, 0)))


@router.put("/access-profiles/{profile_id}/rules/{rule_id}", response_model=RuleBody)
@router.patch("/access-profiles/{profile_id}/rules/{rule_id}", response_model=RuleBody)
async def update_rule(
    request: Request, ctx: Edit, profile_id: UUID, rule_id: UUID, body: WriteRuleBody, version: Version
) -> Response:
    """Change what a rule asks for.

    Problems: `not-found`, `invalid-request`, `precondition-failed`, `grant-not-held`.
    """
    async with ctx.db.begin(ctx.organization_id) as tx:
        rule, warnings = await rules.update_rule(
            tx, ctx.caller, ProfileId(profile_id), RuleId(rule_id), body.filter, if_version=version
        )
        counts = await rule_queries.count_given(tx, rule.profile_id)
    return _reply(request, RuleBody.of(rule, counts.get(rule.id, 0), warnings))


@router.delete("/access-profiles/{profile_id}/rules/{rule_id}", status_code=204)
async def delete_rule(ctx: Edit, profile_id: UUID, rule_id: UUID, version: Version) -> None:
    """Delete a rule, and take from everybody what it gave. Problems: `not-found`, `precondition-failed`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await rules.delete_rule(tx, ctx.caller, ProfileId(profile_id), RuleId(rule_id), if_version=version)


def _reply(request: Request, body: RuleBody, *, status: int = 200) -> Response:
    return reply(request, body, status=status, headers={"ETag": f'"{body.version}"'})
