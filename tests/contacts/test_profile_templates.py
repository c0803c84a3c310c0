"""A template sets up labels, profiles and rules in one step, and again only what is missing."""

import pytest
from tests.making import make_base, make_inbox, make_label, member

from frontdesk.access.actions import create_profile
from frontdesk.access.queries import find_profiles, list_assigned, list_profiles
from frontdesk.access.rule_queries import list_rules
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.model import Provenance
from frontdesk.contacts.profile_templates import TEMPLATES, Level, Template, apply_template
from frontdesk.contacts.schema_queries import list_definitions
from frontdesk.core.errors import Forbidden, InvalidRequest
from frontdesk.knowledge.queries import list_labels
from frontdesk.organizations.model import Right

RIGHTS = (Right.PROFILES_EDIT, Right.KNOWLEDGE_EDIT, Right.KNOWLEDGE_VIEW, Right.CONTACTS_CONFIGURE)


def template(*bases, kind="membership", levels=None):
    told = TEMPLATES[kind]
    chosen = levels or told.levels
    return Template(told.attribute, told.attribute_name, chosen, told.is_cumulative, bases, told.common_label)


async def picture(tx) -> object:
    """All that a template writes."""
    profiles, _ = await list_profiles(tx)
    definitions = [(one.key, one.choices) for one in await list_definitions(tx)]
    return profiles, await list_rules(tx), definitions


async def opened(tx, name: str, base) -> set[str]:
    """The names of the labels that a profile opens in a base."""
    labels = {str(label.id): label.name for label in (await list_labels(tx, base))[0]}
    profile = next(one for one in (await list_profiles(tx))[0] if one.name == name)
    clauses = [one for one in profile.query_metadata["knowledge_bases"] if one["knowledge_base_id"] == str(base)]
    assert all(one["faq_mode"] == "all" and one["label_relations"]["applies_to"] == "all" for one in clauses)
    return {labels[one["label_id"]] for clause in clauses for one in clause["label_relations"]["conditions"]}


@pytest.mark.parametrize("kind", TEMPLATES)
async def test_each_template_gives_its_levels_by_a_value(tx, owner, kind):
    """Whoever's card says a level has the profile of that level, and of no other."""
    base = await make_base(tx, "Shop")
    inbox = await make_inbox(tx, owner)
    await apply_template(tx, owner, template(base, kind=kind))
    for level in TEMPLATES[kind].levels:
        fields = {"attributes": {TEMPLATES[kind].attribute: level.value}}
        card = await create_contact(tx, owner, fields=fields, inbox_ids=[inbox.id], provenance=Provenance.API)
        assert [one.profile.name for one in await list_assigned(tx, card.id)] == [level.name]


async def test_levels_read_what_those_below_read_or_only_their_own(tx, owner):
    """VIP reads what member reads; a distributor reads nothing of employees."""
    base = await make_base(tx, "Shop")
    await apply_template(tx, owner, template(base))
    await apply_template(tx, owner, template(base, kind="department"))
    assert await opened(tx, "Silver member", base) == {"Everybody", "Regular member", "Silver member"}
    assert await opened(tx, "Distributor", base) == {"Everybody", "Distributor"}


async def test_again_it_changes_nothing(tx, owner):
    """The second time everything is there."""
    base = await make_base(tx, "Shop")
    first = await apply_template(tx, owner, template(base))
    before = await picture(tx)
    again = await apply_template(tx, owner, template(base))
    assert all(part.is_new for part in first)
    assert not any(part.is_new for part in again)
    assert await picture(tx) == before


async def test_the_preview_is_what_is_done(tx, owner):
    """A dry run tells the very parts, and writes none of them."""
    base = await make_base(tx, "Shop")
    await make_label(tx, base, "Gold member")
    before = await picture(tx)
    told = await apply_template(tx, owner, template(base), dry_run=True)
    assert await picture(tx) == before
    assert await apply_template(tx, owner, template(base)) == told


async def test_it_can_be_applied_again_with_more(tx, owner):
    """A further level and a further base are added; what a member wrote by hand stays as it is."""
    base, other = await make_base(tx, "Shop"), await make_base(tx, "Service")
    await apply_template(tx, owner, template(base))
    more = (Level("bronze", "Bronze member"), *TEMPLATES["membership"].levels)
    preview = await apply_template(tx, owner, template(base, other, levels=more), dry_run=True)
    assert await apply_template(tx, owner, template(base, other, levels=more)) == preview
    assert "Bronze member" in await opened(tx, "Gold member", base)
    assert await opened(tx, "Gold member", other) == {"Everybody", *(level.name for level in more)}
    assert [choice for _, choices in (await picture(tx))[2] for choice in choices][-1] == "bronze"
    assert len(await list_rules(tx)) == 4
    assert not any(part.is_new for part in await apply_template(tx, owner, template(base, other, levels=more)))


async def test_what_a_member_wrote_by_hand_stays(tx, owner):
    """A profile of that name whose conditions are others is given by the rule, and opens what it opened."""
    base = await make_base(tx, "Shop")
    raw = {"knowledgeBases": [{"knowledgeBaseId": str(base), "faqIds": []}]}
    profile, _ = await create_profile(tx, owner, {"name": "Gold member", "query_metadata": raw})
    await apply_template(tx, owner, template(base))
    assert [one.query_metadata for one in await find_profiles(tx, [profile.id])] == [raw]
    assert len(await list_rules(tx, profile.id)) == 1


@pytest.mark.parametrize("missing", [Right.PROFILES_EDIT, Right.KNOWLEDGE_EDIT, Right.CONTACTS_CONFIGURE])
async def test_it_needs_the_right_of_each_step(tx, owner, missing):
    """Who may not do one of the steps by hand does none of them by a template."""
    base = await make_base(tx, "Shop")
    with pytest.raises(Forbidden):
        await apply_template(tx, member(owner, *(right for right in RIGHTS if right is not missing)), template(base))


@pytest.mark.parametrize(
    ("levels", "with_base", "pointer"),
    [
        ((), True, "/levels"),
        ((Level("a", "A"), Level("a", "B")), True, "/levels"),
        ((Level("a", "A"), Level("b", "A")), True, "/levels"),
        ((Level("a", "Everybody"),), True, "/levels"),
        ((Level("a", " "),), True, "/levels/0/name"),
        ((Level("a", "A"),), False, "/knowledgeBases"),
    ],
)
async def test_what_makes_no_sense_is_refused(tx, owner, levels, with_base, pointer):
    """Two levels of one name or value, none at all, or no knowledge base."""
    told = TEMPLATES["membership"]
    bases = (await make_base(tx, "Shop"),) if with_base else ()
    wanted = Template(told.attribute, told.attribute_name, levels, told.is_cumulative, bases, told.common_label)
    with pytest.raises(InvalidRequest) as refused:
        await apply_template(tx, owner, wanted)
    assert refused.value.pointer == pointer
