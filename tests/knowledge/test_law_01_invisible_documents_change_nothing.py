"""Law 1: adding, removing, editing, relabelling, re-chunking or moving any invisible document changes nothing."""

import random

import pytest

from knowledge.worlds import CHANGES, make_world, receive

PAIRS = 36


async def test_pairs_of_worlds(library):
    """After each of 36 changes to what the asker does not see, the asker receives the same bytes.

    Every kind of change comes at least three times, and each on top of the ones before.
    """
    luck = random.Random(20_001)  # noqa: S311 -- examples, not secrets
    world = await make_world(library)
    before = await receive(world)
    changes = [CHANGES[number % len(CHANGES)] for number in range(PAIRS)]
    luck.shuffle(changes)
    for change in changes:
        await change(world, luck)
        assert await receive(world) == before, change.__name__


async def test_the_comparison_can_fail(library):
    """One more visible document, or another word in one, is noticed by the comparison that the law rests on."""
    world = await make_world(library)
    before = await receive(world)
    extra = await library.write_faq(world.base, "How do I win at chess?", "By mate.", [world.open])
    assert await receive(world) != before
    await library.delete(extra)
    assert await receive(world) == before
    await library.relabel(world.invisible[0], [world.open])
    assert await receive(world) != before


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_many_pairs_of_worlds(library):
    """The same with 400 changes."""
    luck = random.Random(20_002)  # noqa: S311 -- examples, not secrets
    world = await make_world(library)
    before = await receive(world)
    for number in range(400):
        change = luck.choice(CHANGES)
        await change(world, luck)
        assert await receive(world) == before, (number, change.__name__)
