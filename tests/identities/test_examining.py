"""The token debugger says what the verifier would do, check by check."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.identities.test_introspection import ANN, ASKED, LIES
from tests.identities.test_proofs import AUDIENCE, FORGED, GENEROUS, HERE, NOW
from tests.identities.tokens import Enterprise, enterprise

from frontdesk.core.ids import RealmId, new_id
from frontdesk.identities.errors import ProofRefused, RefusalReason
from frontdesk.identities.examining import CheckName, Examination, examine_answer, examine_token
from frontdesk.identities.introspection import judge_answer
from frontdesk.identities.proofs import verify_token

REALM = RealmId(new_id())


def look(token: str, *keys: Any, **changes: Any) -> Examination:
    given = {"keys": list(keys) or [HERE.key], "audience": AUDIENCE, "realm": REALM, "now": NOW} | changes
    return examine_token(token, **given)


def verdict(token: str, key: Any) -> RefusalReason | None:
    try:
        verify_token(token, keys=[key], audience=AUDIENCE, now=NOW)
    except ProofRefused as error:
        return error.reason
    return None


@pytest.mark.parametrize("token", [forged[1] for forged in FORGED if isinstance(forged[1], str)])
def test_its_first_failure_is_the_verifiers(token):
    """For everything that is forged, expired, malformed or too long."""
    assert look(token).refusal == verdict(token, HERE.key)
    assert look(token).refusal is not None


@given(st.text(max_size=200) | st.tuples(*[st.sampled_from(["", "e30", "eyJhIjoxfQ", "!"])] * 3).map(".".join))
def test_whatever_is_pasted_is_examined(text):
    """It never raises, and agrees with the verifier."""
    assert look(text).refusal == verdict(text, HERE.key)


def test_a_good_token_passes_every_check():
    """In the order of the verifier, with what was found and expected."""
    found = look(GENEROUS.sign("M-1001", name="Ann", access_profiles=["VIP"], nonce="n"), GENEROUS.key)
    assert found.refusal is None
    assert [check.name for check in found.checks] == [
        CheckName.FORM, CheckName.TYPE, CheckName.KEY, CheckName.ALGORITHM, CheckName.SIGNATURE, CheckName.ISSUER,
        CheckName.AUDIENCE, CheckName.TIMES, CheckName.SOURCE_ID, CheckName.TOKEN_ID, CheckName.CARD,
        CheckName.PROFILES, CheckName.QUERY_METADATA, CheckName.NONCE,
    ]  # fmt: skip
    assert (found.key.source_id, found.name) == ("M-1001", "Ann")


def test_it_goes_on_after_a_failure():
    """One wrong claim, or a wrong key, does not hide the others."""
    found = look(HERE.sign(aud="another", exp=int(NOW.timestamp()) - 100))
    failed = {check.name: check for check in found.checks if check.reason}
    assert set(failed) == {CheckName.AUDIENCE, CheckName.TIMES}
    assert (failed[CheckName.AUDIENCE].found, failed[CheckName.AUDIENCE].expected) == ("another", AUDIENCE)
    stranger: Enterprise = enterprise(kid="web-2026")
    found = look(stranger.with_key(kid="web-2026").sign(aud="another"), enterprise("ES256").key)
    assert {check.name for check in found.checks if check.reason} >= {CheckName.ALGORITHM, CheckName.AUDIENCE}


def test_a_used_token_is_told():
    """Another browser would be refused with it."""
    assert look(HERE.sign(), is_used=True).refusal == RefusalReason.TOKEN_ID_REUSED


@pytest.mark.parametrize("changes", [lie[1] for lie in LIES] + [{"active": False}, {"active": None}, {}])
def test_answers_of_the_enterprise_are_examined_as_they_are_judged(changes):
    """The same first failure, or none."""
    answer = {"active": True} | ANN | changes
    try:
        judge_answer(answer, ASKED, REALM, now=NOW)
        reason = None
    except ProofRefused as error:
        reason = error.reason
    assert examine_answer(answer, ASKED, REALM, now=NOW).refusal == reason
