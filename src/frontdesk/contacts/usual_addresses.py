"""E-mails and phone numbers as they usually are, told without the full rules: a file has hundreds of thousands of them.

What is returned is what the full rules would return; None: they must decide.
"""

import re
from functools import cache, lru_cache
from typing import Final

from email_validator import EmailNotValidError, validate_email
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

_LOCAL: Final = re.compile(r"[A-Za-z0-9_+\-]+(?:\.[A-Za-z0-9_+\-]+)*", re.ASCII)
_MAX_LOCAL: Final = 64  # characters
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)


def find_usual_email(line: str) -> str | None:
    """Return an e-mail whose part before the @ is plain, in the form in which it is kept."""
    local, _, domain = line.rpartition("@")
    if len(local) > _MAX_LOCAL or not _LOCAL.fullmatch(local) or local.lower() in CASE_INSENSITIVE_MAILBOX_NAMES:
        return None
    known = _find_domain(domain)
    return None if known is None else f"{local}@{known}"


def find_usual_phone(line: str) -> str | None:
    """Return a phone number that is written as it is kept: +, country code, and nothing but digits."""
    if not _E164.fullmatch(line):
        return None
    for length in (1, 2, 3):
        rules = _load_rules(int(line[1 : 1 + length]))
        if rules is not None:
            prefix, lengths = rules
            national = line[1 + length :]
            is_usual = len(national) in lengths and national[0] != "0" and not (prefix and prefix.match(national))
            return line if is_usual else None
    return None


@lru_cache(maxsize=10_000)
def _find_domain(domain: str) -> str | None:
    try:
        return validate_email(f"a@{domain}", check_deliverability=False).domain
    except EmailNotValidError:
        return None


@cache
def _load_rules(country_code: int) -> tuple[re.Pattern[str] | None, tuple[int, ...]] | None:
    """Return what begins a number that is dialled within the country, and how long numbers are; None: no country."""
    regions = COUNTRY_CODE_TO_REGION_CODE.get(country_code)
    if regions is None:
        return None
    metadata = PhoneMetadata.metadata_for_region(regions[0], None)
    if metadata is None or metadata.general_desc is None:
        return None, ()
    prefix = metadata.national_prefix_for_parsing
    return re.compile(prefix) if prefix else None, tuple(metadata.general_desc.possible_length)
