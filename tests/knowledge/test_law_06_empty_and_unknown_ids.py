"""Law 6, of search: empty, duplicate, foreign and unknown ids match nothing, and all look alike."""

from frontdesk.access.model import Document, KnowledgeBase, Label, Nothing, Or, all_of, any_of
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId, new_id
from frontdesk.knowledge.search import SearchResult, find_forbidden
from knowledge.worlds import make_world

EMPTY = SearchResult((), 0, 0)


async def test_nothing_matches(library, other_library):
    """An empty scope, ids that never were, and ids of another organization give the same empty result."""
    world, foreign = await make_world(library), await make_world(other_library)
    for scope in (
        Nothing(),
        any_of(),
        all_of(Label(world.open), Nothing()),
        Document(DocumentId(new_id())),
        KnowledgeBase(KnowledgeBaseId(new_id())),
        Label(LabelId(new_id())),
        Document(foreign.visible[0].id),
        KnowledgeBase(foreign.base),
        Label(foreign.open),
    ):
        assert await library.ask(scope, "How much is the delivery fee?") == EMPTY


async def test_unknown_ids_among_known_ones_do_nothing(library, other_library):
    """A list with duplicates, unknown and foreign ids opens what the list without them opens."""
    world, foreign = await make_world(library), await make_world(other_library)
    known = Document(world.visible[0].id)
    alone = await library.ask(known, "shipping")
    noisy = Or((known, known, Document(DocumentId(new_id())), Document(foreign.visible[0].id)))
    assert repr(await library.ask(noisy, "shipping")) == repr(alone)
    assert alone.permitted_count == 1


async def test_foreign_and_unknown_documents_are_forbidden_alike(library, other_library):
    """Ids of another organization are forbidden, whatever the scope, just like ids that never were."""
    world, foreign = await make_world(library), await make_world(other_library)
    unknown, stranger = DocumentId(new_id()), foreign.visible[0].id
    async with library.services.db.begin(library.caller.organization_id) as tx:
        for scope in (Label(world.open), KnowledgeBase(foreign.base), Document(stranger)):
            assert {unknown, stranger} <= await find_forbidden(tx, scope, {unknown, stranger})
