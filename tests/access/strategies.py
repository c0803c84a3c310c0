"""A little world and random query metadata about it, legal but as odd as the rules allow."""

from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from tests.access.oracle import Situation, WorldDocument

from frontdesk.access.model import DocumentFacts
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId

UNFINISHED = ("initial", "processing", "failed", "deleting")
SAYS_TRUE = (True, 1, "1", "True", "true", "TRUE")
SAYS_FALSE = (False, 0, "0", "False", "false")


@dataclass(frozen=True)
class World:
    """Documents with their bases and labels; `stranger` is an id that the organization does not have."""

    labels: dict[str, list[str]]  # by base
    documents: list[WorldDocument]
    stranger: str

    @property
    def bases(self) -> list[str]:
        return list(self.labels)


def make_world(rng: Random, *, bases: int = 3, labels: int = 4, documents: int = 40) -> World:
    """Make a world; about one document in eight is not ingested, about one in five has no label."""
    fresh = (f"{number:08x}-aaaa-4bbb-8ccc-dddddddddddd" for number in count(1))
    names = {next(fresh): [next(fresh) for _ in range(labels)] for _ in range(bases)}
    return World(names, [_document(rng, names, next(fresh)) for _ in range(documents)], next(fresh))


def facts_of(document: WorldDocument) -> DocumentFacts:
    """Hand a document of the world to the product."""
    return DocumentFacts(
        id=DocumentId(UUID(document.id)),
        knowledge_base_id=KnowledgeBaseId(UUID(document.base)),
        kind="file" if document.kind == "file" else "faq",
        labels=frozenset(LabelId(UUID(label)) for label in document.labels),
        is_done=document.state == "done",
    )


def random_query_metadata(rng: Random, world: World) -> Any:
    """Write query metadata in any legal way, absent and empty among them."""
    if rng.random() < 0.12:
        return rng.choice([None, {}, {"source": "web"}, {"knowledge_bases": []}, {"knowledgeBases": None}])
    written: dict[str, Any] = {}
    if rng.random() < 0.95:
        _write(rng, written, "knowledge_bases", [_base(rng, world) for _ in range(rng.randint(1, 4))])
    if rng.random() < 0.4:
        _write(rng, written, "label_relations", _relation(rng, world, rng.choice(world.bases)))
    if rng.random() < 0.1:
        written["campaign"] = {"knowledge_bases": "not ours"}
    return written or {"source": "web"}


def random_situation(rng: Random, world: World) -> Situation:
    """Write all layers of one message; each is left out often enough that the others show."""

    def maybe(chance: float) -> Any:
        return random_query_metadata(rng, world) if rng.random() < chance else None

    def profiles(most: int) -> tuple[tuple[Any, int], ...]:
        return tuple((maybe(0.9), rng.choice([0, 2, 2, 3])) for _ in range(rng.randint(0, most)))

    return Situation(
        bases=frozenset(rng.sample(world.bases, rng.randint(1, len(world.bases)))),
        inbox=maybe(0.3),
        visitor_scope=maybe(0.8),
        member_scope=maybe(0.8),
        contact=maybe(0.5),
        profiles=profiles(2),
        profiles_mode=rng.choice(["replace", "add"]),
        has_identity=rng.random() < 0.6,
        assurance=rng.randint(0, 3),
        claimed_profiles=profiles(1),
        claim=maybe(0.2),
        message=maybe(0.3),
        page=maybe(0.3),
    )


# Hypothesis drives the same generators, so that it can shrink what it finds.
randoms = st.randoms(use_true_random=False)
worlds = randoms.map(lambda rng: make_world(rng, documents=12))


def shuffled(rng: Random, raw: Any, done: dict[int, Any] | None = None) -> Any:
    """Write the same thing in another order; what stands under two spellings stays equal in both."""
    done = {} if done is None else done
    if id(raw) not in done and isinstance(raw, dict):
        done[id(raw)] = {key: shuffled(rng, raw[key], done) for key in rng.sample(list(raw), len(raw))}
    elif id(raw) not in done and isinstance(raw, list):
        done[id(raw)] = [shuffled(rng, one, done) for one in rng.sample(raw, len(raw))]
    return done.get(id(raw), raw)


def _document(rng: Random, labels: dict[str, list[str]], one: str) -> WorldDocument:
    base = rng.choice(list(labels))
    own = frozenset(rng.sample(labels[base], rng.choice([0, 1, 1, 2, 3])))
    state = rng.choice(UNFINISHED) if rng.random() < 0.12 else "done"
    return WorldDocument(one, base, rng.choice(["file", "file", "faq"]), own, state)


def _base(rng: Random, world: World) -> dict[str, Any]:
    base = world.stranger if rng.random() < 0.05 else rng.choice(world.bases)
    written: dict[str, Any] = {}
    _write(rng, written, "knowledge_base_id", _cased(rng, base))
    for key, kind in (("chatbot_file_ids", "file"), ("faq_ids", "faq")):
        if rng.random() < 0.55:
            _write(rng, written, key, rng.choice([None, [], *[_ids(rng, world, base, kind)] * 6]))
    if rng.random() < 0.4:
        _write(rng, written, "has_user_selected_all", rng.choice(SAYS_TRUE if rng.random() < 0.5 else SAYS_FALSE))
    if rng.random() < 0.4:
        _write(rng, written, "faq_mode", rng.choice(["all", "listed", "none", None]))
    if rng.random() < 0.4:
        _write(rng, written, "label_relations", rng.choice([None, *[_relation(rng, world, base)] * 9]))
    return written


def _ids(rng: Random, world: World, base: str, kind: str) -> list[str]:
    near = [one.id for one in world.documents if (one.base, one.kind) == (base, kind)] or [world.stranger]
    anywhere = [one.id for one in world.documents] + [world.stranger]
    return [_cased(rng, rng.choice(near if rng.random() < 0.8 else anywhere)) for _ in range(rng.randint(1, 6))]


def _relation(rng: Random, world: World, base: str) -> dict[str, Any]:
    written = _nested(rng, world, base, depth=1)
    if rng.random() < 0.5:
        _write(rng, written, "applies_to", rng.choice(["files", "all", "all", None]))
    return written


def _nested(rng: Random, world: World, base: str, *, depth: int) -> dict[str, Any]:
    conditions = [
        _nested(rng, world, base, depth=depth + 1)
        if depth < 4 and rng.random() < 0.25
        else _condition(rng, world, base)
        for _ in range(rng.choice([0, 1, 1, 2, 2, 3]))
    ]
    written: dict[str, Any] = {"operator": rng.choice(["AND", "OR", "OR"])}
    _write(rng, written, "conditions", conditions)
    return written


def _condition(rng: Random, world: World, base: str) -> dict[str, Any]:
    chance, labels = rng.random(), world.labels.get(base, [])
    anywhere = [label for own in world.labels.values() for label in own]
    label = (
        rng.choice(labels or anywhere) if chance < 0.8 else rng.choice(anywhere) if chance < 0.95 else world.stranger
    )
    written: dict[str, Any] = {}
    _write(rng, written, "label_id", _cased(rng, label))
    return written


def _write(rng: Random, written: dict[str, Any], key: str, value: Any) -> None:
    """Write a key in one spelling, or in both."""
    first, *rest = key.split("_")
    camel = first + "".join(word.title() for word in rest)
    for spelling in {0: [camel], 1: [key, camel]}.get(rng.randint(0, 9), [key]):
        written[spelling] = value


def _cased(rng: Random, text: str) -> str:
    return text.upper() if rng.random() < 0.1 else text
