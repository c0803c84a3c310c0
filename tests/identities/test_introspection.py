"""The enterprise is asked who somebody is: what its answer must say, what is remembered, and what it may not do to us."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.identities.tokens import NOW
from tests.making import make_inbox, member

from frontdesk.access.actions import create_profile
from frontdesk.access.model import Assurance
from frontdesk.channels.actions import update_inbox
from frontdesk.channels.model import IdentityMode, Inbox
from frontdesk.core.db import Database
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound, TooManyRequests
from frontdesk.core.ids import InboxId, OrganizationId, RealmId, new_id
from frontdesk.core.secrets import Cipher
from frontdesk.core.services import Services
from frontdesk.identities import enterprises, proving
from frontdesk.identities.actions import find_session, open_session
from frontdesk.identities.errors import EnterpriseUnreachable, IdentityRefused, ProofRefused, RefusalReason
from frontdesk.identities.introspection import (
    Introspection,
    IntrospectionSpec,
    get_introspection,
    judge_answer,
    load_introspection,
    set_introspection,
)
from frontdesk.identities.model import Offered, Proof
from frontdesk.identities.proving import Prover
from frontdesk.organizations.model import Caller, Right, system_caller
from frontdesk.testing import FakeEnterprise, run_fake_enterprise

SOON = int(NOW.timestamp()) + 600
ANN = {"sub": "M-1001", "aud": "shop-desk", "exp": SOON, "name": "Ann"}


@dataclass
class Asking:
    """An inbox whose enterprise is asked."""

    db: Database
    cipher: Cipher
    organization: OrganizationId
    inbox: Inbox
    enterprise: FakeEnterprise
    prover: Prover

    @property
    def owner(self) -> Caller:
        return system_caller(self.organization)

    @property
    def spec(self) -> IntrospectionSpec:
        url, client, secret = (
            self.enterprise.introspection_url,
            self.enterprise.client_id,
            self.enterprise.client_secret,
        )
        return IntrospectionSpec(url, client, secret, ("shop-desk",))

    async def configure(self, **changes: Any) -> None:
        async with self.db.begin(self.organization) as tx:
            await set_introspection(tx, self.owner, self.cipher, self.inbox.id, replace(self.spec, **changes))

    async def prove(self, sent: object = "ann", now: datetime = NOW, address: str = "192.0.2.1") -> Proof:
        offered = Offered(sent, address=address)
        return await self.prover.prove(self.organization, self.inbox, offered, now=now)

    async def refusal(self, sent: object = "ann", now: datetime = NOW) -> RefusalReason:
        with pytest.raises(IdentityRefused) as refused:
            await self.prove(sent, now)
        return refused.value.reason

    async def unreachable(self, now: datetime = NOW) -> RefusalReason:
        with pytest.raises(EnterpriseUnreachable) as error:
            await self.prove(now=now)
        return error.value.reason


@pytest.fixture(scope="module")
def running() -> Iterator[FakeEnterprise]:
    with run_fake_enterprise(FakeEnterprise()) as enterprise:
        yield enterprise


@pytest.fixture
async def asking(services: Services, organization, running: FakeEnterprise) -> Asking:
    running.people, running.fault = {"ann": dict(ANN)}, None
    running.asked.clear()
    async with services.db.begin(organization) as tx:
        inbox = await make_inbox(tx, system_caller(organization), identity_mode=IdentityMode.INTROSPECT)
    prover = Prover(services.db, services.http, services.cipher)
    asking = Asking(services.db, services.cipher, organization, inbox, running, prover)
    await asking.configure()
    return asking


async def test_whom_the_enterprise_names_is_proven(asking):
    """By no key, in the realm of the inbox, with the card that it tells."""
    proof = await asking.prove()
    assert (proof.key.realm, proof.key.source_id) == (asking.inbox.realm_id, "M-1001")
    assert (proof.witness.realm_key_id, proof.jti, proof.card.name) == (None, None, "Ann")
    async with asking.db.begin(asking.organization) as tx:
        opening = await open_session(tx, asking.inbox, stored=None, proof=proof, now=NOW)
        assert opening.session.assurance is Assurance.SIGNED
        again = await open_session(tx, asking.inbox, stored=opening.session, proof=proof, now=NOW)
        assert again.session.id == opening.session.id


ASKED = Introspection(InboxId(new_id()), "https://id.example", "desk", None, ("shop-desk",), {}, False, NOW)
LIES = [
    ("for somebody else", {"aud": "another"}, RefusalReason.AUDIENCE_MISMATCH),
    ("for nobody", {"aud": None}, RefusalReason.AUDIENCE_MISMATCH),
    ("for an object", {"aud": {"a": "shop-desk"}}, RefusalReason.AUDIENCE_MISMATCH),
    ("expired", {"exp": int(NOW.timestamp()) - 1}, RefusalReason.EXPIRED),
    ("exp is text", {"exp": str(SOON)}, RefusalReason.CLAIM_INVALID),
    ("exp is after all years", {"exp": 253_402_300_800}, RefusalReason.CLAIM_INVALID),
    ("not yet", {"nbf": SOON}, RefusalReason.ISSUED_IN_FUTURE),
    ("no sub", {"sub": None}, RefusalReason.SOURCE_ID_INVALID),
    ("sub is 0", {"sub": 0}, RefusalReason.SOURCE_ID_INVALID),
    ("sub is null", {"sub": "null"}, RefusalReason.SOURCE_ID_INVALID),
    ("a profile unasked", {"access_profiles": ["VIP"]}, RefusalReason.PROFILE_NOT_ALLOWED),
    ("narrowing unasked", {"query_metadata": {}}, RefusalReason.NARROWING_NOT_ALLOWED),
]


@pytest.mark.parametrize(("changes", "reason"), [lie[1:] for lie in LIES], ids=[lie[0] for lie in LIES])
def test_an_answer_that_does_not_prove_is_refused(changes, reason):
    """Each with a reason of its own."""
    with pytest.raises(ProofRefused) as refused:
        judge_answer({"active": True} | ANN | changes, ASKED, RealmId(new_id()), now=NOW)
    assert refused.value.reason == reason


async def test_a_lie_about_the_audience_proves_nobody(asking):
    """Over the wire, too."""
    asking.enterprise.people["ann"] = ANN | {"aud": "another"}
    assert await asking.refusal() == RefusalReason.AUDIENCE_MISMATCH


@pytest.mark.parametrize("changes", [{"aud": ["x", "shop-desk"]}, {"aud": None, "client_id": "shop-desk"}])
def test_the_audience_is_named_in_any_of_three_ways(changes):
    """As text, in a list, or as the client that the token was given to."""
    proof = judge_answer({"active": True} | ANN | changes, ASKED, RealmId(new_id()), now=NOW)
    assert proof.key.source_id == "M-1001"


async def test_what_is_not_active_is_refused(asking):
    """An unknown token, and things that are no token; the latter are not even asked about."""
    assert await asking.refusal("stranger") == RefusalReason.TOKEN_INACTIVE
    for nothing in ("", " ", "a\nb", 7, [], "é", "\ud800"):
        assert await asking.refusal(nothing) in {RefusalReason.MALFORMED, RefusalReason.TOKEN_INACTIVE}
    assert await asking.refusal("x" * 9000) == RefusalReason.TOO_LARGE
    assert asking.enterprise.asked in (["stranger"], ["stranger", " "])


async def test_no_answer_is_neither_yes_nor_no(asking, services):
    """Nobody is proven and nobody refused; a redirect is not followed, an endless answer is cut."""
    for fault in ("down", "unreadable", "huge", "endless", "redirect"):
        asking.prover = Prover(services.db, services.http, services.cipher)
        asking.enterprise.fault = fault
        is_unreadable = fault == "unreadable"
        reason = RefusalReason.ENTERPRISE_UNREADABLE if is_unreadable else RefusalReason.ENTERPRISE_UNREACHABLE
        assert (fault, await asking.unreachable()) == (fault, reason)
    assert asking.enterprise.asked == ["ann"] * 5


async def test_a_slow_enterprise_is_given_two_seconds(asking):
    """Whoever waits for the chat waits no longer."""
    asking.enterprise.fault = "slow"
    before = time.monotonic()
    assert await asking.unreachable() == RefusalReason.ENTERPRISE_UNREACHABLE
    assert 1.9 < time.monotonic() - before < 4


async def test_our_own_credentials_refused_say_nothing_of_the_token(asking):
    """The organization reads the status; the visitor goes on as one."""
    await asking.configure(client_secret="wrong")
    assert await asking.unreachable() == RefusalReason.ENTERPRISE_UNREACHABLE


async def test_a_yes_is_remembered_for_a_minute_or_until_it_expires(asking):
    """Whatever comes first; without `exp` not at all, and never in the place of another token or inbox."""
    for _ in range(3):
        await asking.prove()
    assert asking.enterprise.asked == ["ann"]
    await asking.prove(now=NOW + timedelta(seconds=61))
    assert len(asking.enterprise.asked) == 2
    asking.enterprise.people["brief"] = ANN | {"exp": int(NOW.timestamp()) + 5}
    await asking.prove("brief")
    assert await asking.refusal("brief", NOW + timedelta(seconds=5)) == RefusalReason.EXPIRED
    asking.enterprise.people["timeless"] = ANN | {"exp": None}
    await asking.prove("timeless")
    await asking.prove("timeless")
    assert asking.enterprise.asked[2:] == ["brief", "brief", "timeless", "timeless"]


async def test_a_no_is_remembered_briefly(asking):
    """Ten seconds; an outage is not remembered as one."""
    assert [await asking.refusal("bob") for _ in range(3)] == [RefusalReason.TOKEN_INACTIVE] * 3
    assert asking.enterprise.asked == ["bob"]
    asking.enterprise.people["bob"] = ANN | {"sub": "M-1002"}
    assert (await asking.prove("bob", NOW + timedelta(seconds=11))).key.source_id == "M-1002"
    asking.enterprise.fault = "down"
    await asking.unreachable()
    asking.enterprise.fault = None
    assert (await asking.prove()).key.source_id == "M-1001"


async def test_who_fails_again_and_again_is_left_alone_a_while(asking):
    """After three failures nobody asks for 15 seconds; then one tries, and a yes ends the pause."""
    asking.enterprise.fault = "down"
    for _ in range(6):
        await asking.unreachable()
    assert len(asking.enterprise.asked) == 3
    later = NOW + enterprises.PAUSE
    await asking.unreachable(later)
    await asking.unreachable(later)
    assert len(asking.enterprise.asked) == 4
    asking.enterprise.fault = None
    await asking.prove(now=later + enterprises.PAUSE)
    assert len(asking.enterprise.asked) == 5


async def test_a_refused_question_is_no_outage(asking):
    """Else whoever sends what the enterprise calls a bad request would keep all others from being proven."""
    await asking.configure(client_secret="wrong")
    for _ in range(enterprises.FAILURES_UNTIL_PAUSE + 1):
        await asking.unreachable()
    await asking.configure()
    assert (await asking.prove()).key.source_id == "M-1001"


async def test_one_address_cannot_make_us_ask_without_end(asking, monkeypatch):
    """Others are still served, and so is what is remembered."""
    monkeypatch.setattr(proving, "_MOST_ASKED", 3)
    await asking.prove()
    for number in range(2):
        await asking.refusal(f"guess-{number}")
    with pytest.raises(TooManyRequests):
        await asking.prove("guess-3")
    assert (await asking.prove()).key.source_id == "M-1001"
    with pytest.raises(IdentityRefused):
        await asking.prove("guess-3", address="192.0.2.2")


async def test_an_inner_address_is_never_called(asking, services):
    """What a member of staff typed is called by the guarded client only; the text tells nothing."""
    await asking.configure(endpoint="http://10.0.0.1/introspect", client_secret="s")
    with pytest.raises(EnterpriseUnreachable) as error:
        await asking.prove()
    assert error.value.detail == "the address may not be called"


# --- the settings -------------------------------------------------------------------------------------------------------


async def test_the_secret_is_written_and_never_read(asking):
    """It stays when nothing is written, is encrypted at rest, and leaves only towards the enterprise."""
    await asking.configure(client_secret=None)
    async with asking.db.begin(asking.organization) as tx:
        shown = await get_introspection(tx, asking.owner, asking.inbox.id)
        loaded = await load_introspection(tx, asking.cipher, asking.inbox.id)
        stored = await tx.fetch_value("SELECT client_secret FROM introspections")
        audited = await tx.fetch_value("SELECT string_agg(payload::text, '') FROM audit_log")
    secret = asking.enterprise.client_secret
    assert (shown.client_secret, loaded.client_secret) == (None, secret)
    assert secret not in repr(loaded)
    assert secret.encode() not in stored
    assert secret not in audited


async def session_of(asking) -> str:
    proof = await asking.prove()
    async with asking.db.begin(asking.organization) as tx:
        return (await open_session(tx, asking.inbox, stored=None, proof=proof, now=NOW)).token


async def runs(asking, token: str) -> bool:
    async with asking.db.begin(asking.organization) as tx:
        return await find_session(tx, token, NOW) is not None


async def test_sessions_end_with_what_they_rest_on(asking):
    """When somebody else is asked, or the list of audiences is shorter."""
    for changes, goes_on in (
        ({"audiences": ("shop-desk", "more")}, True),
        ({"audiences": ("other",)}, False),
        ({"client_id": "other"}, False),
        ({"endpoint": "https://other.example/introspect"}, False),
    ):
        await asking.configure()
        token = await session_of(asking)
        await asking.configure(**changes)
        assert (changes, await runs(asking, token)) == (changes, goes_on)


async def test_what_was_answered_before_a_change_opens_nothing_after_it(asking):
    """Asking takes a while: in it somebody may say who is asked, or that less may be claimed."""
    for changes in ({"audiences": ("other",)}, {"client_id": "other"}):
        await asking.configure()
        proof = await asking.prove()
        await asking.configure(**changes)
        with pytest.raises(IdentityRefused):
            async with asking.db.begin(asking.organization) as tx:
                await open_session(tx, asking.inbox, stored=None, proof=proof, now=NOW)


async def test_an_enterprise_of_the_far_future_is_refused(asking):
    """Over the wire: nothing is remembered until a time that there is not."""
    asking.enterprise.people["ann"] = ANN | {"exp": 253_402_300_800}
    assert await asking.refusal() == RefusalReason.CLAIM_INVALID


async def test_another_mode_ends_proven_sessions(asking):
    """At once, and what was proven a moment before the change opens nothing after it."""
    token, proof = await session_of(asking), await asking.prove()
    for mode in (IdentityMode.JWT, IdentityMode.NONE):
        async with asking.db.begin(asking.organization) as tx:
            await update_inbox(tx, asking.owner, asking.inbox.id, {"identity_mode": mode})
        assert not await runs(asking, token)
        with pytest.raises(IdentityRefused):
            async with asking.db.begin(asking.organization) as tx:
                await open_session(tx, asking.inbox, stored=None, proof=proof, now=NOW)


async def test_profiles_are_claimed_as_far_as_they_are_allowed(asking):
    """By name; when one is taken away, the sessions that claim it end."""
    async with asking.db.begin(asking.organization) as tx:
        vip, _ = await create_profile(
            tx, asking.owner, {"name": "VIP", "query_metadata": None, "minimum_assurance": Assurance.SIGNED}
        )
    await asking.configure(allowed_profiles=(vip.id,), may_narrow=True)
    asking.enterprise.people["ann"] = ANN | {"access_profiles": ["VIP"], "query_metadata": {"knowledge_bases": []}}
    proof = await asking.prove()
    assert proof.claims.access_profiles == (vip.id,)
    assert proof.claims.query_metadata == {"knowledge_bases": []}
    token = await session_of(asking)
    await asking.configure(allowed_profiles=(), may_narrow=True)
    assert not await runs(asking, token)


async def test_who_may_say_how_the_enterprise_is_asked(asking):
    """inboxes.edit in the inbox, and profiles.edit for what may be claimed; others find nothing."""
    editor = member(asking.owner, Right.INBOXES_EDIT, Right.INBOXES_VIEW, inboxes={asking.inbox.id})
    stranger = member(asking.owner, Right.INBOXES_EDIT, inboxes=set())
    async with asking.db.begin(asking.organization) as tx:
        await set_introspection(tx, editor, asking.cipher, asking.inbox.id, asking.spec)
        with pytest.raises(Forbidden):
            await set_introspection(tx, editor, asking.cipher, asking.inbox.id, replace(asking.spec, may_narrow=True))
        with pytest.raises(NotFound):
            await set_introspection(tx, stranger, asking.cipher, asking.inbox.id, asking.spec)
        with pytest.raises(NotFound):
            await get_introspection(tx, stranger, asking.inbox.id)


async def test_settings_that_cannot_work_are_refused_at_their_field(asking):
    """Nothing is written then."""
    for changes, pointer in (
        ({"endpoint": "ftp://id.example"}, "/endpoint"),
        ({"endpoint": "https://user:secret@id.example/"}, "/endpoint"),
        ({"endpoint": "id.example/introspect"}, "/endpoint"),
        ({"client_id": " "}, "/clientId"),
        ({"audiences": ()}, "/audiences"),
        ({"client_secret": "x" * 1001}, "/clientSecret"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            await asking.configure(**changes)
        assert refused.value.pointer == pointer
