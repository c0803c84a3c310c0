"""What may be written on a card: each field made one form, or refused with a pointer."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, cast
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from phonenumbers import (
    NumberParseException,
    PhoneNumberFormat,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    parse,
)

from frontdesk.contacts.model import CardFields, Contact, FieldChange, apply_changes
from frontdesk.contacts.usual_addresses import find_usual_email, find_usual_phone
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.inputs import check_json, clean_line, clean_name

MAX_ADDRESSES: Final = 20  # e-mails, and phones
MAX_ATTRIBUTES: Final = 100
MAX_ATTRIBUTES_BYTES: Final = 20_000
MAX_URL: Final = 2000  # characters

_NO_PHONE: Final = "This is not a phone number."
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", re.ASCII)
_TIME_ZONE: Final = re.compile(r"[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+)*", re.ASCII)


def clean_card(fields: CardFields, *, region: str | None = None, stored: Contact | None = None) -> CardFields:
    """Return `fields` in the form in which they are kept. Raises InvalidRequest, whose pointer names the field.

    `region` is where phone numbers without a country code are from; None: they are refused. E-mails and phones that are
    `stored` on the card are accepted as they are, whatever rules they were written under.
    """
    present = frozenset((*stored.emails, *stored.phones)) if stored else frozenset[str]()
    return cast("CardFields", {field: _clean(field, value, region, present) for field, value in fields.items()})


def keep_valid(fields: CardFields, *, region: str | None = None) -> CardFields:
    """Return the fields that can be kept, and leave out the others: a proof is not refused for what it says beside."""
    kept: dict[str, Any] = {}
    for field, value in fields.items():
        try:
            kept[field] = _clean(field, value, region, frozenset())
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
    """Return an e-mail address with its domain in one form. Raises InvalidRequest for what cannot be one.

    Nothing is looked up: whether mail arrives there, only a mail tells.
    """
    line = clean_line(text, pointer=pointer, max_length=254)
    if usual := find_usual_email(line):
        return usual
    try:
        return validate_email(line, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise InvalidRequest("This is not an e-mail address.", pointer=pointer) from error


def clean_phone(text: str, *, pointer: str, region: str | None = None) -> str:
    """Return a phone number as E.164 writes it, such as +886255500142. Raises InvalidRequest for what cannot be one.

    `region` is where a number without a country code is from, such as TW; None: it is refused.
    """
    line = clean_line(text, pointer=pointer)
    if usual := find_usual_phone(line):
        return usual
    try:
        number = parse(line, region)
    except NumberParseException as error:
        is_national = error.error_type == NumberParseException.INVALID_COUNTRY_CODE and region is None
        detail = "Write the number with its country code, such as +886 2 5550 0142." if is_national else _NO_PHONE
        raise InvalidRequest(detail, pointer=pointer) from error
    if is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE or number.extension:
        raise InvalidRequest(_NO_PHONE, pointer=pointer)
    return format_number(number, PhoneNumberFormat.E164)


def _clean(field: str, value: Any, region: str | None, present: frozenset[str]) -> Any:  # noqa: ANN401 -- of a field
    if field == "emails":
        return _clean_list(value, clean_email, "/emails", present)
    if field == "phones":
        return _clean_list(value, partial(clean_phone, region=region), "/phones", present)
    return _CLEANERS[field](value)


def _clean_list(
    values: Iterable[str] | None, clean: Callable[..., str], pointer: str, present: frozenset[str]
) -> tuple[str, ...]:
    texts = list(values or ())
    if len(texts) > MAX_ADDRESSES:
        raise InvalidRequest(f"At most {MAX_ADDRESSES} are accepted.", pointer=pointer)
    cleaned = (
        text if text in present else clean(text, pointer=f"{pointer}/{index}") for index, text in enumerate(texts)
    )
    return tuple(dict.fromkeys(cleaned))


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
    "attributes": _clean_attributes,
}
