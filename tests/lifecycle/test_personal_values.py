"""What names a person is taken out of text, and nothing else."""

import re
from uuid import uuid4

import pytest

from frontdesk.lifecycle.personal_values import MARK, PersonalValues, mark_out, replace_texts

WEI = PersonalValues(
    names=("Wei Zhang", "張偉"), emails=("wei@example.com",), phones=("+886912345678",), source_ids=("M-77",)
)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("I am WEI  ZHANG.", f"I am {MARK}."),
        ("Dear Zhang", f"Dear {MARK}"),
        ("我是張偉先生", f"我是{MARK}先生"),
        ("+886 912-345-678, 0912345678, 912 345 678", f"{MARK}, {MARK}, {MARK}"),
        ("Weird and weightless", "Weird and weightless"),
        ("M-778 is not M-77", f"M-778 is not {MARK}"),
    ],
)
def test_values_are_found_as_people_write_them(text: str, left: str):
    """In any case, in parts, with punctuation; whole words only."""
    assert WEI.pattern is not None
    assert re.sub(WEI.pattern, MARK, text, flags=re.IGNORECASE) == left


def test_rows_of_others_lose_only_what_is_telling():
    """A name that is also a word of ours, a small number and a part of an id are left alone: filters go on working."""
    identifier = str(uuid4())
    ann = PersonalValues(names=("Ann",), emails=("ann@example.com",), source_ids=("77", identifier[9:13]))
    kept = {"field": "channel", "ids": [identifier], "value": "Ann 77"}
    mark = mark_out(ann.telling)
    assert replace_texts({**kept, "query": "to ANN@example.com"}, mark) == {**kept, "query": f"to {MARK}"}


def test_nobody_is_found_by_nothing():
    """An anonymous contact without any value has no pattern."""
    assert PersonalValues().pattern is None
    assert mark_out(())("anything") == "anything"
