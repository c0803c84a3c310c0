"""Rules and templates of access profiles as the console shows and changes them."""

import pytest
from tests.making import make_base, make_inbox

from frontdesk.access.actions import create_profile
from frontdesk.access.queries import list_assigned, list_profiles
from frontdesk.access.rule_queries import list_rules
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.labels import create_label
from frontdesk.contacts.model import Provenance
from frontdesk.contacts.rules import create_rule
from frontdesk.organizations.model import system_caller

ROW = {"fields": ["attributes.level", "", ""], "ops": ["equals", "equals", "equals"], "values": ["gold", "", ""]}


@pytest.fixture
async def gold(db, organization):
    """A profile without rules, a gold member named Ann, and a label."""
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        inbox = await make_inbox(tx, caller)
        profile, _ = await create_profile(tx, caller, {"name": "Gold"})
        fields = {"name": "Ann Zhang", "attributes": {"level": "gold"}}
        ann = await create_contact(tx, caller, fields=fields, inbox_ids=[inbox.id], provenance=Provenance.IMPORT)
        await create_label(tx, caller, "Regulars")
    return profile, ann.id


async def rules_of(db, organization, profile):
    async with db.begin(organization) as tx:
        return await list_rules(tx, profile.id)


async def test_a_rule_is_counted_made_told_changed_and_deleted(olga, db, organization, gold):
    """Counting writes nothing; the page tells the rule in words, and whom it gives the profile since when."""
    profile, ann = gold
    page, new = f"/console/access-profiles/{profile.id}", f"/console/access-profiles/{profile.id}/rules/new"
    assert "Add rule" in (await olga.get(new)).text
    counted = await olga.post(new, {**ROW, "operator": "and", "action": "count"})
    assert "1 contact fulfils it now" in counted.text
    assert await rules_of(db, organization, profile) == []
    assert (await olga.post(new, {**ROW, "operator": "and"})).status_code == 204
    [rule] = await rules_of(db, organization, profile)
    text = (await olga.get(page)).text
    assert "Ann Zhang" in text
    assert "by a rule" in text
    assert "gives it to 1 contact" in text
    assert "Ann Zhang" not in (await olga.get(f"{page}?through=member")).text
    one = f"{page}/rules/{rule.id}"
    label = {"operator": "or", "fields": ["label"], "ops": ["equals"], "values": ["Regulars"], "version": "1"}
    assert (await olga.post(f"{one}/edit", label)).status_code == 204
    assert 'value="Regulars"' in (await olga.get(f"{one}/edit")).text
    lost = await olga.post(f"{one}/edit", {**ROW, "operator": "and", "version": "1"})
    assert lost.status_code == 412
    async with db.begin(organization) as tx:
        assert await list_assigned(tx, ann) == []
    assert "Regulars" in (await olga.get(f"{one}/delete")).text
    assert (await olga.post(f"{one}/delete", {})).status_code == 204
    assert await rules_of(db, organization, profile) == []


async def test_a_refused_row_is_marked(olga, gold):
    """What a rule may not ask for is said beside the row."""
    profile, _ = gold
    new = f"/console/access-profiles/{profile.id}/rules/new"
    sent = {"operator": "and", "fields": ["label", "email"], "ops": ["equals", "equals"], "values": ["a", "b"]}
    refused = await olga.post(new, sent)
    assert refused.status_code == 400
    assert refused.text.count('aria-invalid="true"') == 1
    assert "Rules read attributes" in refused.text
    empty = await olga.post(new, {"operator": "and"})
    assert (empty.status_code, "at least one condition" in empty.text) == (400, True)


async def test_groups_made_elsewhere_stay(olga, db, organization, gold):
    """The form shows rows only, and loses nothing."""
    profile, _ = gold
    inner = {"operator": "or", "conditions": [{"field": "language", "op": "equals", "value": "ja"}]}
    row = {"field": "attributes.level", "op": "equals", "value": "gold"}
    async with db.begin(organization) as tx:
        raw = {"operator": "and", "conditions": [row, inner]}
        rule, _ = await create_rule(tx, system_caller(organization), profile.id, raw)
    one = f"/console/access-profiles/{profile.id}/rules/{rule.id}/edit"
    assert "They stay" in (await olga.get(one)).text
    await olga.post(one, {**ROW, "values": ["silver", "", ""], "operator": "and", "version": "1"})
    [changed] = await rules_of(db, organization, profile)
    assert changed.filter["conditions"] == [{**row, "value": "silver"}, inner]


async def test_a_template_is_previewed_and_set_up(olga, db, organization):
    """The preview lists what is made; set up it is there; what makes no sense is said beside its field."""
    async with db.begin(organization) as tx:
        base = await make_base(tx, "Shop")
    path = "/console/access-profiles/templates?kind=department"
    form = (await olga.get(path)).text
    assert "employee: Employee" in form
    sent = {
        "attribute": "department",
        "attribute_name": "Department",
        "levels": "sales: Sales\nservice",
        "common_label": "All",
        "base_ids": [str(base)],
    }
    preview = await olga.post(path, {**sent, "action": "preview"})
    assert (preview.status_code, "What is made" in preview.text) == (200, True)
    async with db.begin(organization) as tx:
        assert (await list_profiles(tx))[1] == 0
    assert (await olga.post(path, {**sent, "action": "apply"})).status_code == 204
    async with db.begin(organization) as tx:
        assert [one.name for one in (await list_profiles(tx))[0]] == ["Sales", "service"]
    assert "is there" in (await olga.post(path, {**sent, "action": "preview"})).text
    twice = await olga.post(path, {**sent, "levels": "a: A\na: B"})
    assert (twice.status_code, "value and a name of its own" in twice.text) == (400, True)
