"""What may be written on a card: each field made one form, or refused with a pointer."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, cast
from urllib.parse import urlsplit

from frontdesk.contacts.model import CardFields, Contact, FieldChange, apply_changes
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.inputs import check_json, clean_line, clean_name

MAX_ADDRESSES: Final = 20  # e-mails, and phones
MAX_ATTRIBUTES: Final = 100
MAX_ATTRIBUTES_BYTES: Final = 20_000
MAX_URL: Final = 2000  # characters

_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)*")
_PHONE: Final = re.compile(r"\+?[0-9]{3,20}", re.ASCII)
_PHONE_PUNCTUATION: Final = re.compile(r"[\s().\-/]+")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", re.ASCII)
_TIME_ZONE: Final = re.compile(r"[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+)*", re.ASCII)


def clean_card(fields: CardFields) -> CardFields:
    """Return `fields` in the form in which they are kept. Raises InvalidRequest, whose pointer names the field."""
    return cast("CardFields", {field: _CLEANERS[field](value) for field, value in fields.items()})


def keep_valid(fields: CardFields) -> CardFields:
    """Return the fields that can be kept, and leave out the others: a proof is not refused for what it says beside."""
    kept: dict[str, Any] = {}
    for field, value in fields.items():
        try:
            kept[field] = _CLEANERS[field](value)
        except InvalidRequest:
            continue
    return cast("CardFields", kept)


def keep_fitting(contact: Contact, changes: Sequence[FieldChange]) -> Sequence[FieldChange]:
    """Return `changes`, without those of attributes if the card would then have too many or too long ones."""
    try:
        check_attributes(apply_changes(contact, changes).attributes)
    except InvalidRequest:
        return [change for change in changes if not change.is_attribute]
    return changes


def check_attributes(attributes: Mapping[str, Any]) -> None:
    """Raise InvalidRequest when a card would have too many attributes, or too long ones."""
    if len(attributes) > MAX_ATTRIBUTES:
        raise InvalidRequest(f"At most {MAX_ATTRIBUTES} attributes are accepted.", pointer="/attributes")
    check_json(attributes, pointer="/attributes", max_bytes=MAX_ATTRIBUTES_BYTES)


def clean_email(text: str, *, pointer: str) -> str:
    """Return an e-mail address with its domain in lower case. Raises InvalidRequest for what is none."""
    line = clean_line(text, pointer=pointer, max_length=254)
    if not _EMAIL.fullmatch(line):
        raise InvalidRequest("This is not an e-mail address.", pointer=pointer)
    local, _, domain = line.partition("@")
    return f"{local}@{domain.lower()}"


def clean_phone(text: str, *, pointer: str) -> str:
    """Return a phone number as digits with a leading plus, if it had one. Raises InvalidRequest for what is none."""
    digits = _PHONE_PUNCTUATION.sub("", unicodedata.normalize("NFKC", clean_line(text, pointer=pointer)))
    if not _PHONE.fullmatch(digits):
        raise InvalidRequest("This is not a phone number.", pointer=pointer)
    return digits


def _clean_list(values: Iterable[str] | None, clean: Callable[..., str], pointer: str) -> tuple[str, ...]:
    texts = list(values or ())
    if len(texts) > MAX_ADDRESSES:
        raise InvalidRequest(f"At most {MAX_ADDRESSES} are accepted.", pointer=pointer)
    return tuple(dict.fromkeys(clean(text, pointer=f"{pointer}/{index}") for index, text in enumerate(texts)))


def _clean_avatar(value: str | None) -> str | None:
    url = clean_line(value or "", pointer="/avatar", max_length=MAX_URL)
    if not url:
        return None
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"https", "http"} and bool(parts.hostname) and " " not in url
    except ValueError:
        is_address = False
    if not is_address:
        raise InvalidRequest("Write the address of a picture, such as https://example.com/ann.png.", pointer="/avatar")
    return url


def _clean_pattern(value: str | None, pattern: re.Pattern[str], pointer: str, example: str) -> str | None:
    text = clean_line(value or "", pointer=pointer, max_length=64)
    if text and not pattern.fullmatch(text):
        raise InvalidRequest(f"Write it as in {example}.", pointer=pointer)
    return text or None


def _clean_attributes(values: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if values is None:
        return None
    cleaned = {clean_name(key, pointer="/attributes", max_length=100): value for key, value in values.items()}
    check_attributes(cleaned)
    return cleaned


_CLEANERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "name": lambda value: clean_line(value or "", pointer="/name"),
    "avatar": _clean_avatar,
    "language": lambda value: _clean_pattern(value, _LANGUAGE, "/language", "zh-Hant"),
    "time_zone": lambda value: _clean_pattern(value, _TIME_ZONE, "/timeZone", "Asia/Taipei"),
    "emails": lambda values: _clean_list(values, clean_email, "/emails"),
    "phones": lambda values: _clean_list(values, clean_phone, "/phones"),
    "attributes": _clean_attributes,
}
