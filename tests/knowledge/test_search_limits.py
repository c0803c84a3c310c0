"""However few passages are wanted, they are the first of all."""

import random

import pytest

from frontdesk.access.model import All

WORDS = "parcel courier refund invoice garden lounge member card morning evening 包裹 退款 發票 會員 花園 早上".split()  # noqa: SIM905 - a list is hard to read


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_short_list_is_the_beginning_of_a_long_one(library, base, seed):
    """Words and vectors disagree here, in two languages, with verbatim copies; no cut in between loses a passage."""
    luck = random.Random(seed)  # noqa: S311 - an example
    for number in range(24):
        text = " ".join(luck.choices(WORDS, k=luck.randint(1, 8)))
        await library.write_faq(base, f"{luck.choice(WORDS)}?", text)
        if number % 6 == 0:
            await library.write_faq(base, f"{luck.choice(WORDS)}?", text)
    for words in (1, 2, 5):
        question = await library.prepare(" ".join(luck.choices([*WORDS, "penguin"], k=words)))
        whole = (await library.ask(All(), question, limit=100)).hits
        assert len(whole) == 28
        for limit in (1, 2, 5, 12):
            assert (await library.ask(All(), question, limit=limit)).hits == whole[:limit]
