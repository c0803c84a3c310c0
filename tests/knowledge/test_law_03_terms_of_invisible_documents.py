"""Law 3: a term that occurs only in invisible documents behaves like a term that occurs nowhere."""

from dataclasses import replace

from frontdesk.knowledge.scoring import VECTOR_WEIGHT
from knowledge.worlds import make_world


async def test_a_term_that_only_others_have(library):
    """Two questions of equal vector, one with a word of closed documents and one with a word of nobody: same bytes."""
    world = await make_world(library)
    await world.write("plugh", "plugh " * 50)
    await world.write("What about plugh?", "Ask for plugh.")
    question = await library.prepare("delivery fee")
    of_others = await library.ask(world.scope, replace(question, text="delivery fee plugh"))
    of_nobody = await library.ask(world.scope, replace(question, text="delivery fee xyzzy"))
    assert repr(of_others) == repr(of_nobody)


async def test_frequency_is_that_of_the_permitted(library):
    """A word keeps its weight however many closed documents use it: no global document frequency."""
    world = await make_world(library)
    question = replace(await library.prepare("garden"), text="garden fee")
    before = repr(await library.ask(world.scope, question))
    for number in range(8):
        await world.write(f"garden {number}", "garden fee garden")
    assert repr(await library.ask(world.scope, question)) == before


async def test_the_text_leg_is_there(library):
    """The law would be empty if terms did nothing: a word of a visible document raises its score."""
    world = await make_world(library)
    question = await library.prepare("How do I win at chess?")
    without = await library.ask(world.scope, question)
    with_term = await library.ask(world.scope, replace(question, text="garden"))
    house = next(hit for hit in with_term.hits if "garden" in hit.text)
    same = next(hit for hit in without.hits if hit.chunk_id == house.chunk_id)
    assert house.score > same.score + (1 - VECTOR_WEIGHT) / 10
