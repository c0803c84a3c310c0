"""Ids: what RFC 9562 promises of version 7, and that they only rise."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from uuid import RFC_4122

from frontdesk.core.ids import IdSequence, new_id


def test_an_id_carries_its_version_variant_and_time():
    """Other systems recognise the id and can read when it was made, to the millisecond."""
    before = time.time_ns() // 1_000_000
    made = IdSequence(lambda: before).make()
    assert (made.version, made.variant, made.int >> 80) == (7, RFC_4122, before)
    assert new_id().int >> 80 >= before


def test_ids_rise_within_one_millisecond_and_when_the_clock_goes_back():
    """The order of ids is the order of making, whatever the clock does."""
    clock = iter([1_000] * 500 + [999] * 500 + [1_001] * 500)
    sequence = IdSequence(lambda: next(clock))
    made = [sequence.make() for _ in range(1_500)]
    assert all(earlier < later for earlier, later in pairwise(made))
    assert all(one.version == 7 and one.variant == RFC_4122 for one in made)


def test_two_processes_with_the_same_clock_make_different_ids():
    """The random part is large: two sequences at the same millisecond do not meet."""
    one, other = IdSequence(lambda: 1_000), IdSequence(lambda: 1_000)
    assert not {one.make() for _ in range(1_000)} & {other.make() for _ in range(1_000)}


def test_threads_never_receive_the_same_id():
    """Four threads at once: every id differs, and each thread sees its own ids rise."""

    def make_many(_: int) -> list[int]:
        return [new_id().int for _ in range(2_000)]

    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(make_many, range(4)))
    assert len({made for batch in batches for made in batch}) == 8_000
    assert all(earlier < later for batch in batches for earlier, later in pairwise(batch))
