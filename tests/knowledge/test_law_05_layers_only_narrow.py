"""Law 5, of search: adding a layer never adds a document, and the order of layers is irrelevant."""

import random

from frontdesk.access.model import All, Document, Kind, KnowledgeBase, Label, Nothing, Scope, all_of, any_of
from frontdesk.knowledge.search import count_permitted, list_permitted
from knowledge.worlds import World, make_world


def some_scope(world: World, luck: random.Random, depth: int = 2) -> Scope:
    """Any scope over the things of the world."""
    documents = [document.id for document in (*world.visible, *world.invisible)]
    if depth and luck.random() < 0.6:
        parts = [some_scope(world, luck, depth - 1) for _ in range(luck.randint(0, 3))]
        return luck.choice([all_of, any_of])(*parts)
    return luck.choice(
        [
            All(),
            Nothing(),
            KnowledgeBase(luck.choice([world.base, world.other_base])),
            Kind(luck.choice(["file", "faq"])),
            Document(luck.choice(documents)),
            Label(luck.choice([world.open, world.closed])),
        ]
    )


async def test_layers(library):
    """What two layers permit is what each permits, in either order; hits come from there, and counts agree."""
    luck = random.Random(5)  # noqa: S311 -- examples, not secrets
    world = await make_world(library)
    await world.write("How much is the fee?", "Nothing.", to=world.other_base)
    question = await library.prepare("How much is the delivery fee?")
    for _ in range(60):
        one, two = some_scope(world, luck), some_scope(world, luck)
        async with library.services.db.begin(library.caller.organization_id) as tx:
            first, second, both, turned = [
                {document.id for document in (await list_permitted(tx, scope, limit=100, offset=0))[0]}
                for scope in (one, two, all_of(one, two), all_of(two, one))
            ]
            assert both == first & second == turned
            assert await count_permitted(tx, all_of(one, two)) == len(both)
        result = await library.ask(all_of(one, two), question, limit=50)
        turned_result = await library.ask(all_of(two, one), question, limit=50)
        assert {hit.document_id for hit in result.hits} == both
        assert repr(result) == repr(turned_result)
