"""What may be written on a card, in which form, and which pointer a refusal carries."""

from dataclasses import replace

import pytest

from frontdesk.contacts.card import clean_card, keep_valid
from frontdesk.contacts.model import anybody
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.text import utc_now


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"name": "  Ann  "}, {"name": "Ann"}),
        ({"name": None}, {"name": ""}),
        ({"emails": ["Ann.B@Example.COM ", "Ann.B@example.com"]}, {"emails": ("Ann.B@example.com",)}),
        ({"emails": ["張@例え.jp"]}, {"emails": ("張@例え.jp",)}),
        ({"phones": ["+886 (2) 1234-5678", "+886 912 345 678"]}, {"phones": ("+886212345678", "+886912345678")}),
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
        ({"emails": ["ann@localhost"]}, "/emails/0"),
        ({"phones": ["12"]}, "/phones/0"),
        ({"phones": ["0912 345 678"]}, "/phones/0"),
        ({"phones": ["+886 2 1234 5678 ext. 9"]}, "/phones/0"),
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


def test_a_national_number_is_read_with_the_region():
    """Full-width digits as well: people type what their keyboards give."""
    fields = {"phones": ["0912-345-678", "\uff10\uff12 5550 0142", "+81 3 1234 5678"]}
    assert clean_card(fields, region="TW") == {"phones": ("+886912345678", "+886255500142", "+81312345678")}


def test_what_is_stored_stays_writable():
    """A list with a number from before the rules is saved again with it, and with nothing else like it."""
    card = replace(anybody(utc_now()), phones=("0912",))
    assert clean_card({"phones": ["0912", "+886912345678"]}, stored=card) == {"phones": ("0912", "+886912345678")}
    with pytest.raises(InvalidRequest):
        clean_card({"phones": ["0913"]}, stored=card)
