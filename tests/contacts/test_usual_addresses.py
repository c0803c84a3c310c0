"""Laws: the short way to read usual addresses says what the full rules say, or nothing."""

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.contacts.usual_addresses import find_usual_email, find_usual_phone

COUNTRIES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
DOMAINS = ("shop.com.tw", "EXAMPLE.com", "例子.tw", "a..b", "localhost", "-x.com", "x.test", "1.2.3.4")


@given(st.sampled_from(COUNTRIES), st.text("0123456789", min_size=3, max_size=14))
def test_usual_phones_are_read_as_the_library_reads_them(country, digits):
    """A number that is taken as it is written is possible, and is written as the library would write it."""
    text = f"+{country}{digits}"
    if find_usual_phone(text) is None:
        return
    number = phonenumbers.parse(text, None)
    assert phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    assert phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == text


@given(st.text("aZ0._+-@\"' é", max_size=70) | st.sampled_from(["Info", "POSTMASTER", "ann"]), st.sampled_from(DOMAINS))
def test_usual_emails_are_read_as_the_library_reads_them(local, domain):
    """An e-mail that is taken the short way is one, in the library's own form."""
    text = f"{local}@{domain}"
    found = find_usual_email(text)
    if found is None:
        return
    try:
        assert found == validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise AssertionError(text) from error


def test_usual_addresses_are_found():
    """Most addresses of a file go the short way."""
    assert find_usual_email("Ann.Lee+shop@EXAMPLE.com") == "Ann.Lee+shop@example.com"
    assert find_usual_phone("+886912345678") == "+886912345678"
    assert find_usual_phone("+886 912 345 678") is None
