"""Laws of scopes: layers only narrow, order does not matter, simplifying changes nothing, no input breaks the reader."""

import json
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.access.situations import effective_of
from tests.access.strategies import World, facts_of, random_query_metadata, random_situation, randoms, shuffled, worlds

from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.model import (
    All,
    And,
    Kind,
    KnowledgeBase,
    Label,
    Layer,
    Nothing,
    Or,
    Scope,
    all_of,
    any_of,
    permits,
)
from frontdesk.access.parse import parse_query_metadata

OPTIONAL = ("knowledge_bases", "label_relations", "chatbot_file_ids", "faq_ids", "faq_mode", "applies_to")


def opened(scope: Scope, world: World) -> set[str]:
    return {one.id for one in world.documents if permits(scope, facts_of(one))}


@given(randoms, worlds, st.sampled_from(["inbox", "claim", "message", "page"]))
def test_law_05_adding_a_layer_never_adds_a_document(rng: Random, world: World, layer: str):
    """Whatever the others say, one more layer of inbox, token, message or page opens nothing that was closed."""
    situation = random_situation(rng, world)
    wider = opened(effective_of(replace(situation, **{layer: None})).scope, world)
    assert opened(effective_of(replace(situation, **{layer: random_query_metadata(rng, world)})).scope, world) <= wider


@given(randoms, worlds)
def test_law_05_no_layer_adds_to_another(rng: Random, world: World):
    """The effective scope opens only what every single step of the path opens, and all of that."""
    effective = effective_of(random_situation(rng, world))
    each = [opened(step.scope, world) for step in effective.steps]
    assert opened(effective.scope, world) == set.intersection(*each)


@given(randoms, worlds)
def test_law_05_the_order_of_layers_is_irrelevant(rng: Random, world: World):
    """Joined in any order, the same documents are open."""
    effective = effective_of(random_situation(rng, world))
    steps = rng.sample(effective.steps, len(effective.steps))
    assert opened(all_of(*(step.scope for step in steps)), world) == opened(effective.scope, world)


@given(randoms, worlds, st.sampled_from(Layer))
def test_the_order_within_query_metadata_is_irrelevant(rng: Random, world: World, layer: Layer):
    """Clauses, conditions, ids and keys in another order say the same."""
    raw = random_query_metadata(rng, world)
    one, other = (parse_query_metadata(written, layer=layer).scope for written in (raw, shuffled(rng, raw)))
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert opened(one, world) == opened(other, world)


@given(randoms, worlds)
def test_a_scope_survives_json(rng: Random, world: World):
    """Stored and read back, query metadata says what it said."""
    raw = random_query_metadata(rng, world)
    again = json.loads(json.dumps(raw))
    assert parse_query_metadata(again, layer=Layer.CONTACT) == parse_query_metadata(raw, layer=Layer.CONTACT)


@given(randoms, worlds, st.sampled_from(Layer))
def test_law_06_null_is_missing(rng: Random, world: World, layer: Layer):
    """Below the top, a key that is null says what a key that is not there says."""
    raw = random_query_metadata(rng, world)
    if not isinstance(raw, dict) or not raw.get("knowledge_bases"):
        return
    spelt_out = with_nulls(raw)
    assert parse_query_metadata(spelt_out, layer=layer).scope == parse_query_metadata(raw, layer=layer).scope


def with_nulls(value: Any) -> Any:
    """Add every optional key that is missing, as null."""
    if isinstance(value, list):
        return [with_nulls(one) for one in value]
    if not isinstance(value, dict):
        return value
    here = {key: with_nulls(one) for key, one in value.items()}
    keys = {"knowledge_base_id": OPTIONAL[1:5], "knowledgeBaseId": OPTIONAL[1:5], "operator": OPTIONAL[5:]}
    wanted = [key for mark, optional in keys.items() if mark in here for key in optional]
    camel = {
        key: key.replace("_m", "M").replace("_i", "I").replace("_r", "R").replace("_to", "To").replace("_f", "F")
        for key in wanted
    }
    return {**here, **{key: None for key in wanted if key not in here and camel[key] not in here}}


atoms = st.sampled_from(["all", "nothing", "base", "file", "faq", "label", "other label"])
trees = st.recursive(
    atoms, lambda inner: st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, max_size=4)), max_leaves=12
)


@given(trees, worlds)
def test_simplifying_preserves_the_meaning(tree: Any, world: World):
    """`all_of` and `any_of` open exactly what the plain tree opens, and leave nothing to simplify."""
    plain, simple = (
        build(tree, world, And, Or),
        build(tree, world, lambda parts: all_of(*parts), lambda parts: any_of(*parts)),
    )
    assert opened(plain, world) == opened(simple, world)
    assert is_simple(simple)


def build(tree: Any, world: World, conjunction: Any, disjunction: Any) -> Scope:
    if isinstance(tree, tuple):
        parts = tuple(build(one, world, conjunction, disjunction) for one in tree[1])
        return conjunction(parts) if tree[0] == "and" else disjunction(parts)
    first = facts_of(world.documents[0])
    labels = sorted(label for one in world.documents for label in facts_of(one).labels) or [first.id]
    return {
        "all": All(),
        "nothing": Nothing(),
        "base": KnowledgeBase(first.knowledge_base_id),
        "file": Kind("file"),
        "faq": Kind("faq"),
        "label": Label(labels[0]),
        "other label": Label(labels[-1]),
    }[tree]


def is_simple(scope: Scope) -> bool:
    if not isinstance(scope, And | Or):
        return True
    return (
        len(scope.parts) == len(set(scope.parts)) > 1
        and not any(isinstance(part, All | Nothing | type(scope)) for part in scope.parts)
        and all(is_simple(part) for part in scope.parts)
    )


keys = st.sampled_from(
    [*OPTIONAL, "knowledge_base_id", "has_user_selected_all", "operator", "conditions", "label_id", "labelId", "x"]
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.uuids().map(str)
    | st.sampled_from(["AND", "OR", "all"])
)
json_values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys | st.text(), inner, max_size=4)
)


def outcome(raw: Any, layer: Layer) -> str | None:
    """Return "read", or where the refusal points."""
    try:
        parse_query_metadata(raw, layer=layer)
    except InvalidQueryMetadata as refusal:
        return refusal.pointer
    return "read"


@given(json_values, st.sampled_from(Layer))
def test_any_json_is_read_or_refused(raw: Any, layer: Layer):
    """No input raises anything but InvalidQueryMetadata, and a refusal says where."""
    assert outcome(raw, layer) is not None


def test_endless_nesting_is_refused_and_breaks_nothing():
    """Depth costs an error, not the process: ours is entered as deep as the limit, foreign keys not at all."""
    deep, again = nested(10_000), nested(10_000)
    assert outcome({"x": deep}, Layer.PAGE) == "read"
    assert outcome({"label_relations": deep}, Layer.PAGE) == "/label_relations" + "/conditions/0" * 8
    assert outcome({"label_relations": deep, "labelRelations": again}, Layer.PAGE) == "/labelRelations"


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"operator": "AND", "conditions": [value]}
    return value
