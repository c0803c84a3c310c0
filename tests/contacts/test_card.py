"""What may be written on a card, in which form, and which pointer a refusal carries."""

import pytest

from frontdesk.contacts.card import clean_card, keep_valid
from frontdesk.core.errors import InvalidRequest


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"name": "  Ann  "}, {"name": "Ann"}),
        ({"name": None}, {"name": ""}),
        ({"emails": ["Ann.B@Example.COM ", "Ann.B@example.com"]}, {"emails": ("Ann.B@example.com",)}),
        ({"emails": ["ann@localhost", "張@例え.jp"]}, {"emails": ("ann@localhost", "張@例え.jp")}),
        ({"phones": ["+886 (2) 1234-5678", "\uff10\uff19\uff11\uff12"]}, {"phones": ("+886212345678", "0912")}),
        ({"emails": None, "phones": []}, {"emails": (), "phones": ()}),
        ({"language": "zh-Hant", "time_zone": "Asia/Taipei"}, {"language": "zh-Hant", "time_zone": "Asia/Taipei"}),
        ({"language": "", "time_zone": None, "avatar": " "}, {"language": None, "time_zone": None, "avatar": None}),
        ({"avatar": "https://example.com/a.png"}, {"avatar": "https://example.com/a.png"}),
        ({"attributes": {" level ": "vip", "gone": None}}, {"attributes": {"level": "vip", "gone": None}}),
    ],
)
def test_one_form_for_each_field(fields, kept):
    """Equal things are written equally, so that they are found and compared."""
    assert clean_card(fields) == kept
    assert keep_valid(fields) == kept


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": "A\x00nn"}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"emails": ["ann@example.com", "ann"]}, "/emails/1"),
        ({"emails": ["a b@example.com"]}, "/emails/0"),
        ({"emails": ["ann@@example.com"]}, "/emails/0"),
        ({"emails": [f"a{n}@example.com" for n in range(21)]}, "/emails"),
        ({"phones": ["call me"]}, "/phones/0"),
        ({"phones": ["12"]}, "/phones/0"),
        ({"language": "<script>"}, "/language"),
        ({"time_zone": "../../etc/passwd"}, "/timeZone"),
        ({"avatar": "javascript:alert(1)"}, "/avatar"),
        ({"avatar": "https://"}, "/avatar"),
        ({"attributes": {"": 1}}, "/attributes"),
        ({"attributes": {"a\nb": 1}}, "/attributes"),
        ({"attributes": {"a": "\x00"}}, "/attributes"),
        ({"attributes": {f"key{n}": 1 for n in range(101)}}, "/attributes"),
        ({"attributes": {"long": "x" * 20_001}}, "/attributes"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(fields, pointer):
    """From staff and programs it is an error with a pointer; beside a proof it is left out."""
    with pytest.raises(InvalidRequest) as refused:
        clean_card(fields)
    assert refused.value.pointer == pointer
    assert keep_valid({**fields, "language": fields.get("language", "en")}).keys() <= {"language"}
