"""Law 1, over the whole path: no change of an invisible document changes a byte that the asker receives."""

import random

import pytest
from tests.laws.stage import Stage, receive_all

from knowledge.conftest import Library
from knowledge.worlds import CHANGES, make_world, receive

QUESTIONS = ("delivery fee", "Who won at chess?")
PAIRS_OF_A_TEST = 100


async def test_law_01_every_channel_says_the_same(stage: Stage, record_property):
    """Each kind of change, in any order, each on top of the ones before: every channel, and every prompt."""
    luck = random.Random(1)  # noqa: S311 -- examples, not secrets
    changes = list(CHANGES)
    luck.shuffle(changes)
    before = [await receive_all(stage, [question]) for question in QUESTIONS]
    assert all(said[:2] == b"20" for name, said in before[0].items() if not name.startswith(("open", "prompts")))
    for number, change in enumerate(changes):
        await change(stage.world, luck)
        received = await receive_all(stage, [QUESTIONS[number % 2]])
        assert [name for name in received if received[name] != before[number % 2][name]] == [], change.__name__
    record_property("pairs of worlds on every channel", len(changes))


async def test_law_01_the_comparison_can_fail(stage: Stage):
    """One more visible document about the question is noticed on every channel."""
    before = await receive_all(stage, QUESTIONS[:1])
    await stage.world.library.write_faq(stage.world.base, "delivery fee", "Delivery fee: 80.", [stage.world.open])
    after = await receive_all(stage, QUESTIONS[:1])
    assert before["prompts"] != after["prompts"]
    same = {name.split(" ")[0] for name in before if before[name] == after[name]}
    assert same <= {"page"}  # the question itself


@pytest.mark.laws
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(100))
async def test_law_01_many_pairs_of_worlds(library: Library, record_property, seed: int):
    """A hundred worlds, each changed a hundred times: hits, scores, order, counts and lists are the same bytes."""
    luck = random.Random(seed)  # noqa: S311 -- examples, not secrets
    world = await make_world(library)
    before = await receive(world)
    for number in range(PAIRS_OF_A_TEST):
        change = luck.choice(CHANGES)
        await change(world, luck)
        assert await receive(world) == before, (number, change.__name__)
    record_property("pairs of worlds", PAIRS_OF_A_TEST)
