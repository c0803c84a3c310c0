"""Failures around identities: some are told to the caller, the reason of a refused proof only to the organization."""

from enum import StrEnum

from frontdesk.core.errors import Conflict, FrontdeskError
from frontdesk.core.ids import ContactId


class SourceIdRule(StrEnum):
    """The rule that a source id breaks."""

    TEXT = "text"
    EMPTY = "empty"
    TOO_LONG = "too-long"
    CONTROL_CHARACTER = "control-character"
    SURROUNDING_SPACE = "surrounding-space"
    NORMALIZATION = "normalization"
    RESERVED = "reserved"


_RULES = {
    SourceIdRule.TEXT: "A source id is text.",
    SourceIdRule.EMPTY: "A source id is not empty.",
    SourceIdRule.TOO_LONG: "A source id has at most 255 characters.",
    SourceIdRule.CONTROL_CHARACTER: "A source id has no control characters.",
    SourceIdRule.SURROUNDING_SPACE: "A source id does not begin or end with a space.",
    SourceIdRule.NORMALIZATION: "A source id is written in Unicode NFC.",
    SourceIdRule.RESERVED: "This is not an id of anybody.",
}


class InvalidSourceId(FrontdeskError):
    """A source id breaks `rule`; it is refused, never repaired."""

    status, slug, title = 422, "invalid-source-id", "The source id is not valid"

    def __init__(self, rule: SourceIdRule) -> None:
        detail = _RULES[rule]
        super().__init__(detail, pointer="/sourceId", facts={"rule": rule.value, "sourceId": [detail]})
        self.rule = rule


class SourceIdTaken(FrontdeskError):
    """Another contact holds the source id. `holder` is given only when the caller may see that contact."""

    status, slug, title = 409, "source-id-taken", "Another contact has this source id"

    def __init__(self, holder: ContactId | None = None, *, name: str = "", may_merge: bool = False) -> None:
        facts: dict[str, object] = {"sourceId": [self.title + "."]}
        if holder is not None:
            facts |= {"holder": {"id": str(holder), "name": name}, "mergeOffered": may_merge}
        super().__init__(pointer="/sourceId", facts=facts)
        self.holder = holder


class Erased(Conflict):
    """The person was erased; nobody brings them back unasked. `field` names what tells."""

    slug, title = "erased", "This person was erased"

    def __init__(self, field: str) -> None:
        detail = "This person was erased. Send `allowErased: true` to make the contact all the same."
        super().__init__(detail, pointer=f"/{field}", facts={"field": field})


class ContactMerged(Conflict):
    """The contact went into another one, `survivor`; what identifies it can be changed there only."""

    slug, title = "contact-merged", "This contact was merged into another one"

    def __init__(self, survivor: ContactId) -> None:
        super().__init__(facts={"survivor": str(survivor)})
        self.survivor = survivor


class KeyIdTaken(Conflict):
    """Another key of the realm has this kid."""

    slug, title = "key-id-taken", "Another key of this realm has this id"


class KeyRevoked(Conflict):
    """A revoked key stays revoked: whoever has it could have signed with it meanwhile."""

    slug, title = "key-revoked", "This key was revoked; make a new one"


class ConflictSettled(Conflict):
    """Somebody settled the conflict otherwise."""

    slug, title = "conflict-settled", "This conflict was settled otherwise meanwhile"


class RefusalReason(StrEnum):
    """Why a proof was refused. The organization reads it; a visitor never does."""

    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_KEY = "unknown_key"
    KEY_REVOKED = "key_revoked"
    KEY_RETIRED = "key_retired"
    ALGORITHM_MISMATCH = "algorithm_mismatch"
    WEAK_KEY = "weak_key"
    BAD_SIGNATURE = "bad_signature"
    ISSUER_MISMATCH = "issuer_mismatch"
    AUDIENCE_MISMATCH = "audience_mismatch"
    ISSUED_AT_MISSING = "issued_at_missing"
    EXPIRY_MISSING = "expiry_missing"
    ISSUED_IN_FUTURE = "issued_in_future"
    EXPIRED = "expired"
    LIFETIME_TOO_LONG = "lifetime_too_long"
    TOKEN_ID_MISSING = "token_id_missing"  # noqa: S105 -- a reason
    TOKEN_ID_REUSED = "token_id_reused"  # noqa: S105 -- a reason
    NONCE_MISMATCH = "nonce_mismatch"
    TOKEN_INACTIVE = "token_inactive"  # noqa: S105 -- a reason
    ENTERPRISE_UNREACHABLE = "enterprise_unreachable"
    ENTERPRISE_UNREADABLE = "enterprise_unreadable"
    SOURCE_ID_INVALID = "source_id_invalid"
    CLAIM_INVALID = "claim_invalid"
    PROFILE_NOT_ALLOWED = "profile_not_allowed"
    NARROWING_NOT_ALLOWED = "narrowing_not_allowed"
    QUERY_METADATA_INVALID = "query_metadata_invalid"


class ProofRefused(Exception):
    """A token proves nothing. `detail` names what was found, for the organization."""

    def __init__(self, reason: RefusalReason, detail: str = "") -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.detail = detail


class IdentityRefused(FrontdeskError):
    """Nobody is proven. `reason` and `private_detail` go to `record_refusal`, never into an answer."""

    status, slug, title = 401, "identity-refused", "We could not sign you in. Please try again."

    def __init__(self, reason: RefusalReason, private_detail: str = "") -> None:
        super().__init__()
        self.reason = reason
        self.private_detail = private_detail


class EnterpriseUnreachable(Exception):
    """The enterprise could not be asked: nobody is proven, and nobody is refused. `detail` is for the organization."""

    def __init__(self, reason: RefusalReason, detail: str = "") -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.detail = detail


class Blocked(FrontdeskError):
    """The organization does not want to hear from this person."""

    status, slug, title = 403, "blocked", "Messages from you are not accepted here at the moment"

    def __init__(self) -> None:
        super().__init__("Messages from you are not accepted here at the moment. Please reach us in another way.")


class ProofExpired(FrontdeskError):
    """The session was proven too long ago: it waits for a fresh proof and never becomes a visitor's meanwhile."""

    status, slug, title = 401, "proof-expired", "Please sign in again"
