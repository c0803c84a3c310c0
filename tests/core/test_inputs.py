"""What arrives is either safe to keep or refused with a pointer."""

import pytest

from frontdesk.core.errors import InvalidRequest
from frontdesk.core.inputs import check_json, clean_line, clean_name, clean_text


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "a\x7fb", "\ud800", "a\u2028b", "\u202egnp.exe"])
def test_a_line_has_no_control_characters(text):
    """Nothing in a name can break a line, a statement or the direction of the text around it."""
    with pytest.raises(InvalidRequest) as refused:
        clean_line(text, pointer="/name")
    assert refused.value.pointer == "/name"


def test_a_line_keeps_every_script_and_loses_outer_space():
    """Joined emoji and combining scripts need format characters, which stay."""
    assert clean_line("  張偉民 👩\u200d🔧 \t", pointer="/name") == "張偉民 👩\u200d🔧"
    assert clean_line("  ", pointer="/name") == ""


def test_a_name_says_something_and_is_short():
    """An empty or endless name is refused."""
    for name in ("", "   ", "x" * 201):
        with pytest.raises(InvalidRequest):
            clean_name(name)
    assert clean_name("x" * 200) == "x" * 200


def test_a_text_keeps_its_lines():
    """Line ends become one kind; what the database cannot keep is refused."""
    assert clean_text("one\r\ntwo\n", pointer="/greeting", max_length=10) == "one\ntwo"
    for text in ("\x00", "\udfff", "x" * 11):
        with pytest.raises(InvalidRequest):
            clean_text(text, pointer="/greeting", max_length=10)


def nested(depth: int) -> object:
    return [] if depth == 1 else [nested(depth - 1)]


@pytest.mark.parametrize(
    "value", [{"a": "\x00"}, {"\x00": 1}, {"a": ["\ud800"]}, {"a": float("nan")}, [float("inf")], nested(65), "x" * 99]
)
def test_json_that_the_database_cannot_keep_is_refused(value):
    """It would fail in the database, as a bug, instead of here, with a pointer."""
    with pytest.raises(InvalidRequest) as refused:
        check_json(value, pointer="/attributes", max_bytes=100 if value == "x" * 99 else 1000)
    assert refused.value.pointer == "/attributes"


def test_ordinary_json_is_accepted():
    """Every kind of value, nested as deep as allowed, and counted in bytes of UTF-8."""
    check_json({"a": [1, 1.5, True, None, "中"], "b": nested(63)}, pointer="", max_bytes=1000)
    check_json("中", pointer="", max_bytes=5)
