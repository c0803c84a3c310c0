"""Source ids: compared byte for byte, refused when they can be nobody's."""

import unicodedata
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.identities.tokens import NOW

from frontdesk.access.model import Assurance
from frontdesk.core.ids import ContactId, InboxId, SessionId, new_id
from frontdesk.identities.errors import InvalidSourceId, ProofExpired, SourceIdRule
from frontdesk.identities.model import ChatSession, SignedClaims, parse_source_id, require_proven_now

REFUSED = [
    (0, "text"),
    (True, "text"),
    (None, "text"),
    ([], "text"),
    ({}, "text"),
    (b"M-1", "text"),
    ("", "empty"),
    ("x" * 256, "too-long"),
    ("x" * 10_000, "too-long"),
    ("M-1\x00", "control-character"),
    ("M\t1", "control-character"),
    ("M\n", "control-character"),
    ("M\x7f1", "control-character"),
    ("M\u009b1", "control-character"),
    ("M\ud8001", "control-character"),
    (" M-1", "surrounding-space"),
    ("M-1 ", "surrounding-space"),
    ("M-1\u3000", "surrounding-space"),
    ("\u00a0M-1", "surrounding-space"),
    ("Jose\u0301", "normalization"),
    ("\u212b", "normalization"),
    ("null", "reserved"),
    ("NULL", "reserved"),
    ("Undefined", "reserved"),
    ("anonymous", "reserved"),
    ("0", "reserved"),
    ("-1", "reserved"),
]

ACCEPTED = [
    "1",
    "00",
    "-2",
    "M-1001",
    "m-1001",
    "a b",
    "a/b",
    "a%2Fb",
    "..",
    "\uff11\uff10",
    "\u738b",
    "Jos\u00e9",
    "x" * 255,
    "\U0001f511" * 255,
    "none",
]


@pytest.mark.parametrize(("raw", "rule"), REFUSED)
def test_refused_source_ids(raw: object, rule: str):
    """Each rule refuses by its own name, and the field map carries a sentence for people."""
    with pytest.raises(InvalidSourceId) as refused:
        parse_source_id(raw)
    assert refused.value.rule == SourceIdRule(rule)
    assert refused.value.facts["sourceId"] == [refused.value.detail]
    assert (refused.value.status, refused.value.slug) == (422, "invalid-source-id")


@pytest.mark.parametrize("raw", ACCEPTED)
def test_accepted_source_ids_are_unchanged(raw: str):
    """What is accepted stays as it was written, however odd."""
    assert parse_source_id(raw) == raw


def test_the_organization_adds_to_the_reserved_words():
    """Its own words count in any case, like ours."""
    with pytest.raises(InvalidSourceId) as refused:
        parse_source_id("GAST", ["Gast"])
    assert refused.value.rule == SourceIdRule.RESERVED
    assert parse_source_id("GAST-1", ["Gast"]) == "GAST-1"


@given(st.one_of(st.text(), st.integers(), st.none(), st.booleans(), st.lists(st.text())))
def test_a_source_id_is_itself_or_refused(raw: object):
    """Nothing is folded: no input becomes another id."""
    try:
        parsed = parse_source_id(raw)
    except InvalidSourceId:
        return
    assert parsed is raw
    assert unicodedata.is_normalized("NFC", parsed)


def session(**changes: object) -> ChatSession:
    values: dict[str, object] = {
        "id": SessionId(new_id()),
        "inbox_id": InboxId(new_id()),
        "token_hash": b"",
        "contact_id": None,
        "identity_id": None,
        "realm_key_id": None,
        "assurance": Assurance.ANONYMOUS,
        "proven_until": None,
        "claims": SignedClaims(),
        "last_seen_at": NOW,
        "expires_at": NOW,
    }
    return ChatSession(**(values | changes))


def test_a_proven_session_pauses_after_an_hour():
    """At the limit the composer pauses; a visitor session never does."""
    proven = session(contact_id=ContactId(new_id()), assurance=Assurance.SIGNED, proven_until=NOW)
    require_proven_now(proven, NOW - timedelta(seconds=1))
    with pytest.raises(ProofExpired):
        require_proven_now(proven, NOW)
    require_proven_now(session(), NOW)
