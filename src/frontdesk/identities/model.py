"""The words of this domain, and its rules that need no I/O."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final, Literal, NewType, Protocol, TypeAlias
from uuid import UUID

from frontdesk.access.model import Assurance
from frontdesk.core.ids import ContactId, IdentityId, InboxId, ProfileId, RealmId, SessionId
from frontdesk.identities.errors import InvalidSourceId, ProofExpired, SourceIdRule

RealmKeyId = NewType("RealmKeyId", UUID)
RealmKeySetId = NewType("RealmKeySetId", UUID)
Algorithm: TypeAlias = Literal["EdDSA", "ES256", "RS256", "HS256"]

MAX_SOURCE_ID: Final = 255  # code points
PROOF_LASTS: Final = timedelta(minutes=60)
SESSION_IDLES: Final = timedelta(days=30)

_RESERVED: Final = frozenset({"null", "undefined", "anonymous", "0", "-1"})
_UNWRITABLE: Final = frozenset({"Cc", "Cs"})  # control characters; halves of surrogate pairs


@dataclass(frozen=True, slots=True, order=True)
class IdentityKey:
    """What makes two proofs the same: who says so, and the name they use.

    A realm bounds a source id: LINE user ids differ per provider, Messenger ids per page, so "U123" alone identifies
    nobody.
    """

    realm: RealmId
    source_id: str  # byte for byte as the realm wrote it; parse_source_id() refused the rest


@dataclass(frozen=True, slots=True)
class Identity:
    """A (realm, source id) pair that points at one contact."""

    id: IdentityId
    realm_id: RealmId
    source_id: str
    contact_id: ContactId
    first_seen_at: datetime | None  # None: written by staff or API, the person never came
    last_seen_at: datetime | None
    created_at: datetime
    linked_by: str | None = None  # who vouched for it by hand; None: proven, or given on a card
    linked_at: datetime | None = None

    @property
    def key(self) -> IdentityKey:
        """What makes it unique."""
        return IdentityKey(self.realm_id, self.source_id)


@dataclass(frozen=True, slots=True)
class SignedClaims:
    """What a proof sets beside the person, for one session only, as far as its key allows."""

    access_profiles: tuple[ProfileId, ...] = ()  # added to the assigned ones
    query_metadata: Mapping[str, Any] | None = None  # narrows like a message


@dataclass(frozen=True, slots=True)
class ProvenCard:
    """What a proof says about the person. None: it says nothing, and the card keeps what it has."""

    name: str | None = None
    picture: str | None = None
    email: str | None = None
    phone_number: str | None = None
    locale: str | None = None
    attributes: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """By what somebody was proven: a key, a key of a set, or the enterprise's answer."""

    realm_key_id: RealmKeyId | None = None
    realm_key_set_id: RealmKeySetId | None = None
    asked_as_of: datetime | None = None  # when it was written how the enterprise is asked


@dataclass(frozen=True, slots=True)
class Proof:
    """What a token proves: the enterprise vouches that the person who sent it is `key`."""

    key: IdentityKey
    witness: Witness
    card: ProvenCard
    claims: SignedClaims
    jti: str | None = None  # with it the token is good for one session only; None: the enterprise was asked
    expires_at: datetime | None = None  # None: the enterprise did not say


@dataclass(frozen=True, slots=True)
class Offered:
    """What a browser offers as a proof, none of it trusted."""

    token: object
    verifier: str | None = None  # what only the browser knows that asked its page for the token
    address: str = ""  # where it calls from


class KeyState(StrEnum):
    """Whether proofs of a key count: always, until a date, never again."""

    ACTIVE = "active"
    VERIFY_ONLY = "verify_only"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class RealmKey:
    """A key whose proofs count in one realm. Its algorithm is fixed; a token cannot choose another."""

    id: RealmKeyId
    realm_id: RealmId
    kid: str
    name: str
    issuer: str
    algorithm: Algorithm
    public_key: Mapping[str, Any] | None  # a JWK; None for HS256
    secret: str | None = field(repr=False)  # its UTF-8 bytes are the key; HS256 only
    state: KeyState
    verify_until: datetime | None  # with VERIFY_ONLY
    allowed_profiles: Mapping[ProfileId, str]  # which ones a proof may claim, with their names
    may_narrow: bool  # whether a proof may carry query metadata
    created_at: datetime

    @property
    def witness(self) -> Witness:
        """What is noted about somebody whom this key proved."""
        return Witness(realm_key_id=self.id)


@dataclass(frozen=True, slots=True)
class SetKey:
    """A key that the enterprise publishes at an address. It counts as long as it stands there."""

    key_set_id: RealmKeySetId
    realm_id: RealmId
    kid: str
    issuer: str
    algorithm: Algorithm
    public_key: Mapping[str, Any]
    state: KeyState
    allowed_profiles: Mapping[ProfileId, str]
    may_narrow: bool

    secret: ClassVar[None] = None
    verify_until: ClassVar[None] = None

    @property
    def witness(self) -> Witness:
        """What is noted about somebody whom this key proved."""
        return Witness(realm_key_set_id=self.key_set_id)


ProvingKey: TypeAlias = RealmKey | SetKey


class Allowance(Protocol):
    """What whoever proves somebody may say beside the person."""

    @property
    def allowed_profiles(self) -> Mapping[ProfileId, str]:
        """Access profiles, with their names."""

    @property
    def may_narrow(self) -> bool:
        """Whether query metadata may be carried."""


@dataclass(frozen=True, slots=True)
class ChatSession:
    """A browser in one inbox: a visitor, or a proven contact."""

    id: SessionId
    inbox_id: InboxId
    token_hash: bytes = field(repr=False)
    contact_id: ContactId | None  # None: a visitor, who has one contact per conversation
    identity_id: IdentityId | None
    realm_key_id: RealmKeyId | None
    assurance: Assurance
    proven_until: datetime | None  # None: a visitor
    claims: SignedClaims
    last_seen_at: datetime
    expires_at: datetime
    realm_key_set_id: RealmKeySetId | None = None

    @property
    def is_proven(self) -> bool:
        """True when an identity was proven in this session, even if it must be proven again by now."""
        return self.contact_id is not None


@dataclass(frozen=True, slots=True)
class Opening:
    """How a chat opens.

    No session: a visitor who has not written yet, the browser drops what it kept. A session without a token: it goes on
    under the token that the browser has.
    """

    session: ChatSession | None = None
    token: str | None = field(default=None, repr=False)
    contact_id: ContactId | None = None
    fold_from: SessionId | None = None  # the visitor session whose anonymous contacts join `contact_id`
    is_unchecked: bool = False  # the enterprise could not be asked whether the proof is good


def parse_source_id(raw: object, refused: Collection[str] = ()) -> str:
    """Return `raw` unchanged if it can be a source id; `refused` is what the organization adds to the reserved words.

    Raises InvalidSourceId, which says the rule. Nothing is trimmed, folded or converted: an id that is almost another
    one must never become it.
    """
    if not isinstance(raw, str):
        raise InvalidSourceId(SourceIdRule.TEXT)
    if not raw:
        raise InvalidSourceId(SourceIdRule.EMPTY)
    if len(raw) > MAX_SOURCE_ID:
        raise InvalidSourceId(SourceIdRule.TOO_LONG)
    if any(unicodedata.category(letter) in _UNWRITABLE for letter in raw):
        raise InvalidSourceId(SourceIdRule.CONTROL_CHARACTER)
    if raw[0].isspace() or raw[-1].isspace():
        raise InvalidSourceId(SourceIdRule.SURROUNDING_SPACE)
    if not unicodedata.is_normalized("NFC", raw):
        raise InvalidSourceId(SourceIdRule.NORMALIZATION)
    if raw.casefold() in _RESERVED or raw.casefold() in {word.casefold() for word in refused}:
        raise InvalidSourceId(SourceIdRule.RESERVED)
    return raw


def find_primary(identities: Iterable[Identity], bare: RealmId) -> Identity | None:
    """Return the identity that a card shows first: the oldest in the realm of bare source ids, else the oldest."""
    return min(identities, key=lambda identity: (identity.realm_id != bare, identity.id), default=None)


def require_proven_now(session: ChatSession, now: datetime) -> None:
    """Raise ProofExpired if `session` was proven, and not within the last 60 minutes. A visitor session passes."""
    if session.proven_until is not None and now >= session.proven_until:
        raise ProofExpired
