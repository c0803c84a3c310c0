"""Laws of the catalogue: sets of documents as integers say what asking each document says."""

from random import Random
from uuid import UUID

from hypothesis import given, settings
from tests.access.situations import effective_of
from tests.access.strategies import World, facts_of, random_situation, randoms, worlds

from frontdesk.access.catalog import Catalog, CatalogDocument
from frontdesk.access.model import DocumentFacts, permits
from frontdesk.core.ids import DocumentId, LabelId


def catalog_of(facts: list[DocumentFacts]) -> Catalog:
    labels: dict[LabelId, list[DocumentId]] = {}
    for document in facts:
        for label in document.labels:
            labels.setdefault(label, []).append(document.id)
    return Catalog([CatalogDocument(one.id, one.knowledge_base_id, one.kind, "") for one in facts], labels)


@settings(max_examples=40)
@given(randoms, worlds)
def test_the_catalogue_opens_what_permits_opens(rng: Random, world: World):
    """Whole, and reduced to some of its documents."""
    facts = [facts_of(one) for one in world.documents if one.state == "done"]
    catalog = catalog_of(facts)
    scope = effective_of(random_situation(rng, world)).scope
    expected = [one.id for one in facts if permits(scope, one)]
    assert [one.id for one in catalog.first(catalog.opened(scope), len(facts))] == expected
    few = catalog.only(catalog.documents[::2])
    assert {one.id for one in few.first(few.opened(scope), len(facts))} == {one.id for one in facts[::2]} & {*expected}


@settings(max_examples=40)
@given(randoms, worlds)
def test_the_relabelled_catalogue_opens_what_relabelled_documents_open(rng: Random, world: World):
    """Labels given and taken; one that is given and taken is gone."""
    facts = [facts_of(one) for one in world.documents if one.state == "done"]
    chosen = {one.id for one in facts if rng.random() < 0.5}
    labels = [LabelId(UUID(label)) for own in world.labels.values() for label in own]
    added, removed = rng.sample(labels, 2), rng.sample(labels, 2)
    after = [
        DocumentFacts(
            one.id,
            one.knowledge_base_id,
            one.kind,
            (one.labels | {*added}) - {*removed} if one.id in chosen else one.labels,
            is_done=True,
        )
        for one in facts
    ]
    scope = effective_of(random_situation(rng, world)).scope
    changed = catalog_of(facts).relabelled(chosen, added=added, removed=removed)
    assert changed.opened(scope) == catalog_of(after).opened(scope)
