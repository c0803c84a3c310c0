"""What rules give is what the cards say, as far as it can be trusted, whoever wrote it and however."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from tests.contacts.test_schema import until_waiting
from tests.lifecycle.importing_desk import Desk
from tests.lifecycle.people import make_person
from tests.making import make_assistant, make_base, make_document, make_inbox, opens

import frontdesk
from frontdesk.access.actions import create_profile
from frontdesk.access.model import Assurance
from frontdesk.access.queries import list_assigned
from frontdesk.access.rule_queries import list_rules
from frontdesk.contacts import rules
from frontdesk.contacts.access_actions import assign_profile, unassign_profile
from frontdesk.contacts.actions import refresh_card, update_contact
from frontdesk.contacts.labels import add_labels, create_label, delete_label, remove_labels
from frontdesk.contacts.model import Provenance
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import ContactId, ContactLabelId, new_id
from frontdesk.identities.deletion import delete_contact, restore_contact
from frontdesk.lifecycle.bulk_applying import apply_change, undo_change
from frontdesk.lifecycle.bulk_model import BulkChange, BulkKind
from frontdesk.lifecycle.errors import AccessWouldWiden
from frontdesk.lifecycle.merging import merge_contacts
from frontdesk.lifecycle.previewing import preview_merge
from frontdesk.lifecycle.undoing import undo_merge
from frontdesk.organizations.model import Caller

LEVEL = {"field": "attributes.level", "op": "equals", "value": "vip"}
TRUSTED = {"member", "api", "import", "signed"}


def any_of(*conditions):
    return {"operator": "or", "conditions": list(conditions)}


def all_of(*conditions):
    return {"operator": "and", "conditions": list(conditions)}


async def make_profile(tx, owner, query_metadata=None):
    changes = {"name": f"Profile {new_id()}", "query_metadata": query_metadata, "minimum_assurance": Assurance.CHANNEL}
    return (await create_profile(tx, owner, changes))[0].id


async def make_rule(tx, owner, raw, query_metadata=None):
    profile = await make_profile(tx, owner, query_metadata)
    rule, _ = await rules.create_rule(tx, owner, profile, raw)
    return rule


async def held(tx, contact) -> list[tuple[object, bool]]:
    """The profiles of a contact, each with whether a rule gives it."""
    return [(one.profile.id, one.rule_id is not None) for one in await list_assigned(tx, contact)]


async def naive(tx) -> set[tuple[object, object]]:
    """Who should have what by which rule: every card is asked, in Python."""
    o = {"o": tx.organization_id}
    said: dict[object, dict[str, str]] = {}
    for contact, name, who in await tx.fetch(
        "SELECT contact_id, field, provenance FROM contact_fields WHERE organization_id = %(o)s", o
    ):
        said.setdefault(contact, {})[name] = who
    labelled: dict[object, set[str]] = {}
    for contact, label, who in await tx.fetch(
        "SELECT contact_id, label_id::text, provenance FROM labelled_contacts WHERE organization_id = %(o)s", o
    ):
        if who in TRUSTED:
            labelled.setdefault(contact, set()).add(label)
    cards = await tx.fetch("SELECT id, language, attributes FROM contacts WHERE organization_id = %(o)s", o)
    written = await tx.fetch("SELECT id, filter FROM profile_rules WHERE organization_id = %(o)s", o)
    return {
        (contact, rule)
        for contact, language, attributes in cards
        for rule, condition in written
        if fulfils(condition, language, attributes, said.get(contact, {}), labelled.get(contact, set()))
    }


def fulfils(raw: Mapping, language, attributes, said, labels) -> bool:
    if "operator" in raw:
        joint = all if raw["operator"] == "and" else any
        return joint(fulfils(one, language, attributes, said, labels) for one in raw["conditions"])
    if raw["field"] == "label":
        return raw["value"] in labels
    value = language if raw["field"] == "language" else attributes.get(raw["field"].removeprefix("attributes."))
    return value == raw["value"] and said.get(raw["field"]) in TRUSTED


async def given(tx) -> set[tuple[object, object]]:
    sql = "SELECT contact_id, rule_id FROM rule_assignments WHERE organization_id = %(o)s"
    return set(await tx.fetch(sql, {"o": tx.organization_id}))


async def test_a_rule_gives_and_takes_and_leaves_what_a_hand_gave(tx, owner, inbox):
    """The same profile may come both ways; each way ends by itself."""
    rule = await make_rule(tx, owner, any_of(LEVEL))
    ann = await make_person(tx, owner, inbox, "Ann", attributes={"level": "vip"})
    assert await held(tx, ann) == [(rule.profile_id, True)]
    await assign_profile(tx, owner, ann, rule.profile_id)
    assert await held(tx, ann) == [(rule.profile_id, False), (rule.profile_id, True)]
    await update_contact(tx, owner, ann, {"attributes": {"level": "regular"}}, provenance=Provenance.MEMBER)
    assert await held(tx, ann) == [(rule.profile_id, False)]
    await update_contact(tx, owner, ann, {"attributes": {"level": "vip"}}, provenance=Provenance.MEMBER)
    await unassign_profile(tx, owner, ann, rule.profile_id)
    assert await held(tx, ann) == [(rule.profile_id, True)]
    await rules.delete_rule(tx, owner, rule.profile_id, rule.id)
    assert await held(tx, ann) == []


@pytest.mark.parametrize("said_by", list(Provenance))
async def test_only_what_can_be_trusted_counts(tx, owner, inbox, said_by):
    """What a page or a platform says of somebody gives nothing, until somebody trustworthy says the same."""
    rule = await make_rule(tx, owner, all_of(LEVEL))
    ann = await make_person(tx, owner, inbox, "Ann")
    await refresh_card(tx, ann, {"attributes": {"level": "vip"}}, said_by)
    assert bool(await held(tx, ann)) is (said_by.value in TRUSTED)
    await refresh_card(tx, ann, {"attributes": {"level": "vip"}}, Provenance.SIGNED)
    assert await held(tx, ann) == [(rule.profile_id, True)]


async def test_every_writer_of_a_card_applies_the_rules(tx, owner, inbox):
    """Labels, language, bulk edits and their undo, deleting a label, deletion and restoring, changing the rule."""
    label = await create_label(tx, owner, "VIP")
    by_label = await make_rule(tx, owner, any_of({"field": "label", "op": "equals", "value": "VIP"}))
    by_language = await make_rule(tx, owner, any_of({"field": "language", "op": "equals", "value": "ja"}))
    ann = await make_person(tx, owner, inbox, "Ann")

    async def has(*profiles) -> bool:
        return sorted(await held(tx, ann)) == sorted((profile, True) for profile in profiles)

    await add_labels(tx, owner, ann, [label.id])
    assert await has(by_label.profile_id)
    await remove_labels(tx, owner, ann, [label.id])
    assert await has()
    language = BulkChange(BulkKind.SET_LANGUAGE, value="ja")
    _, old = await apply_change(tx, owner, ann, language)
    assert await has(by_language.profile_id)
    await undo_change(tx, owner, ann, language, old)
    assert await has()
    labelling = BulkChange(BulkKind.ADD_LABEL, subject=label.id)
    await apply_change(tx, owner, ann, labelling)
    assert await has(by_label.profile_id)
    await delete_contact(tx, owner, ann)
    await restore_contact(tx, owner, ann, confirm_access=True)
    assert await has(by_label.profile_id)
    await delete_label(tx, owner, label.id)
    assert await has()
    await update_contact(tx, owner, ann, {"attributes": {"level": "vip"}}, provenance=Provenance.API)
    await rules.update_rule(tx, owner, by_label.profile_id, by_label.id, any_of(LEVEL))
    assert await has(by_label.profile_id)
    assert await given(tx) == await naive(tx)


async def test_a_merge_never_opens_more_by_a_rule_unasked(tx, owner):
    """The united card fulfils what neither fulfilled: refused until it is accepted; the undo takes it away again."""
    base = await make_base(tx, "Base")
    await make_document(tx, base, "Secret")
    inbox = await make_inbox(tx, owner, "Staff web", assistant=await make_assistant(tx, owner, "Staff", base))
    label = await create_label(tx, owner, "Staff")
    both = all_of(LEVEL, {"field": "label", "op": "equals", "value": str(label.id)})
    rule = await make_rule(tx, owner, both, opens(base))
    ann = await make_person(tx, owner, inbox, "Ann", source_id="M-1", attributes={"level": "vip"})
    bob = await make_person(tx, owner, inbox, "Bob")
    await add_labels(tx, owner, bob, [label.id])
    with pytest.raises(AccessWouldWiden):
        async with tx.savepoint():
            await merge_contacts(tx, owner, ann, [bob], choices={})
    assert await held(tx, ann) == []
    preview = await preview_merge(tx, owner, ann, [bob], {})
    assert (preview.rule_gains, preview.widens) == (1, True)
    assert await held(tx, ann) == []
    done = await merge_contacts(tx, owner, ann, [bob], choices={}, accept_wider_access=True)
    assert await held(tx, ann) == [(rule.profile_id, True)]
    await undo_merge(tx, owner, done.merge_id)
    assert await held(tx, ann) == []
    assert await given(tx) == await naive(tx)


def test_nobody_writes_what_rules_read_but_those_who_apply_them():
    """A new writer of provenance, labels, attributes or languages has to apply the rules; then it may stand here."""
    said = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM)\s+(contact_fields|labelled_contacts)\b")
    card = re.compile(r"(INSERT INTO|UPDATE) contacts\b[^;]*?\b(attributes = |attributes,|\{columns\})", re.DOTALL)
    sources = {path: path.read_text() for path in Path(frontdesk.__file__).parent.rglob("*.py")}
    found = {
        f"{path.parent.name}/{path.stem}"
        for path, text in sources.items()
        if "migrations" not in path.parts and (said.search(text) or card.search(text))
    }
    applying = {f"{path.parent.name}/{path.stem}" for path, text in sources.items() if "apply_rules(" in text}
    assert found == {
        "contacts/queries",
        "contacts/label_queries",
        "lifecycle/import_writing",
        "lifecycle/import_undo_queries",
        "lifecycle/merge_queries",
        "lifecycle/undo_queries",
    }
    assert applying == {
        "contacts/rules",
        "contacts/actions",
        "contacts/labels",
        "lifecycle/import_running",
        "lifecycle/import_undoing",
        "lifecycle/merging",
        "lifecycle/undoing",
    }
    through = re.compile(r"\b(upsert_provenance|insert_labels_of|delete_labels_of|write_said|restore_provenance)\(")
    callers = {f"{path.parent.name}/{path.stem}" for path, text in sources.items() if through.search(text)}
    assert callers - found - {"contacts/refreshing"} <= applying  # refreshing is a part of contacts/actions


async def test_imports_and_their_undo(db, services, organization, owner):
    """A whole file at once, in the same transaction as each batch."""
    async with db.begin(organization) as tx:
        await make_inbox(tx, owner)
        rule = await make_rule(tx, owner, any_of(LEVEL))
    desk = Desk(services, organization, owner)
    mapping = [{"column": "name", "target": "name"}, {"column": "level", "target": "attributes.level"}]
    rows = "".join(f"P{number},{'vip' if number % 3 == 0 else 'regular'}\n" for number in range(90))
    done = await desk.run(await desk.bring(f"name,level\n{rows}".encode(), mapping=mapping))
    async with db.begin(organization) as tx:
        assert {rule_id for _, rule_id in await given(tx)} == {rule.id}
        assert len(await given(tx)) == 30
        assert await given(tx) == await naive(tx)
    await desk.undo(done)
    async with db.begin(organization) as tx:
        assert await given(tx) == await naive(tx) == set()


@dataclass
class Life:
    """What happens to a few people, by luck."""

    tx: Tx
    owner: Caller
    luck: Random
    people: list[ContactId]
    labels: list[ContactLabelId]
    merges: list[tuple[object, ContactId]] = field(default_factory=list)

    def condition(self):
        label = {"field": "label", "op": "equals", "value": str(self.luck.choice(self.labels))}
        return self.luck.choice([LEVEL, {"field": "language", "op": "equals", "value": "ja"}, label])

    async def write(self):
        level = {"attributes": {"level": self.luck.choice(["vip", "x", None])}}
        fields = self.luck.choice([level, {"language": "ja"}])
        said_by = self.luck.choice(list(Provenance)[:3])
        await update_contact(self.tx, self.owner, self.luck.choice(self.people), fields, provenance=said_by)

    async def refresh(self):
        said = {"attributes": {"level": self.luck.choice(["vip", "x"])}, "language": self.luck.choice(["ja", "en"])}
        await refresh_card(self.tx, self.luck.choice(self.people), said, self.luck.choice(list(Provenance)))

    async def label(self):
        work = self.luck.choice([add_labels, remove_labels])
        await work(self.tx, self.owner, self.luck.choice(self.people), [self.luck.choice(self.labels)])

    async def rule(self):
        joint = self.luck.choice([any_of, all_of])
        await make_rule(self.tx, self.owner, joint(self.condition(), self.condition()))

    async def change_rule(self):
        written = await list_rules(self.tx)
        if written:
            rule = self.luck.choice(written)
            await rules.update_rule(self.tx, self.owner, rule.profile_id, rule.id, any_of(self.condition()))

    async def merge(self):
        if len(self.people) > 2:
            first, second = self.luck.sample(self.people, 2)
            merged = await merge_contacts(self.tx, self.owner, first, [second], choices={}, accept_wider_access=True)
            self.people.remove(second)
            self.merges.append((merged.merge_id, second))

    async def undo(self):
        if self.merges:
            merge_id, second = self.merges.pop()
            await undo_merge(self.tx, self.owner, merge_id, confirm_access=True)
            self.people.append(second)


async def test_random_writes_keep_the_rules(tx, owner, inbox):
    """Whatever happens to cards and rules in whatever order, who has what is what a naive reader of the cards says."""
    luck = Random(4)  # noqa: S311 -- examples, not secrets
    people = [await make_person(tx, owner, inbox, f"Person {number}") for number in range(4)]
    labels = [(await create_label(tx, owner, f"Label {number}")).id for number in range(2)]
    life = Life(tx, owner, luck, people, labels)
    steps = (life.write, life.refresh, life.label, life.rule, life.change_rule, life.merge, life.undo)
    for _ in range(80):
        step = luck.choice(steps)
        await step()
        assert await given(tx) == await naive(tx), step.__name__
    assert await given(tx)


async def test_a_write_and_a_rule_at_once(db, organization, owner):
    """Either the rule meets what was written, or the write meets the rule."""
    async with db.begin(organization) as tx:
        inbox = await make_inbox(tx, owner)
        ann = await make_person(tx, owner, inbox, "Ann")
        profile = await make_profile(tx, owner)

    async def make():
        async with db.begin(organization) as tx:
            await rules.create_rule(tx, owner, profile, any_of(LEVEL))

    async with db.begin(organization) as tx:
        await update_contact(tx, owner, ann, {"attributes": {"level": "vip"}}, provenance=Provenance.MEMBER)
        waiting = asyncio.create_task(make())
        await until_waiting(tx, 1)
    await waiting
    async with db.begin(organization) as tx:
        assert await held(tx, ann) == [(profile, True)]


async def test_many_contacts_are_looked_at_by_a_job(tx, owner, inbox, monkeypatch):
    """Who loses the profile loses it at once; who gets it waits for the job, which goes on where it was."""
    monkeypatch.setattr(rules, "AT_ONCE", 3)
    people = [await make_person(tx, owner, inbox, f"P{n}", attributes={"level": "vip"}) for n in range(8)]
    rule = await make_rule(tx, owner, any_of(LEVEL))
    assert await given(tx) == set()
    assert not (await rules.get_rule(tx, owner, rule.profile_id, rule.id)).is_settled
    while await rules.settle_part(tx, rule.id):
        pass
    assert await given(tx) == {(one, rule.id) for one in people}
    assert (await rules.get_rule(tx, owner, rule.profile_id, rule.id)).checked_count == 8
    await rules.update_rule(tx, owner, rule.profile_id, rule.id, any_of({**LEVEL, "value": "gold"}))
    assert await given(tx) == set()


@pytest.mark.parametrize(
    "raw",
    [
        {},
        any_of(),
        any_of({"field": "email", "op": "equals", "value": "a@example.com"}),
        any_of({"field": "name", "op": "contains", "value": "a"}),
        any_of({"field": "attributes.level", "op": "not_equals", "value": "vip"}),
        any_of({"field": "attributes.level", "op": "is_not_set"}),
    ],
)
async def test_what_a_rule_cannot_ask_for_is_refused(tx, owner, raw):
    """Neither what a visitor can say, nor that something is missing."""
    profile = await make_profile(tx, owner)
    with pytest.raises(InvalidRequest) as refused:
        await rules.create_rule(tx, owner, profile, raw)
    assert refused.value.pointer.startswith("/filter")
