"""How a chat opens: the table of the product, cell by cell, and what must not happen beside it."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from tests.identities.conftest import CIPHER, Shop, elsewhere, make_outsiders_inbox, open_shop, open_shop_beside
from tests.identities.tokens import NOW

from frontdesk.access.model import Assurance
from frontdesk.channels.model import OnLogin
from frontdesk.contacts import queries as contacts
from frontdesk.contacts.actions import create_contact, update_contact
from frontdesk.contacts.model import Provenance
from frontdesk.identities import queries
from frontdesk.identities.actions import find_session, open_session, prove, start_visitor_session
from frontdesk.identities.errors import IdentityRefused, RefusalReason
from frontdesk.identities.model import ChatSession, Opening
from frontdesk.identities.proofs import digest_verifier
from frontdesk.identities.source_ids import set_source_id

A, B = "M-1001", "M-1002"
LATER = NOW + timedelta(minutes=5)


@dataclass(frozen=True)
class Cell:
    """What the table promises."""

    stored: str  # nobody, visitor, or proven A
    proof: str | None
    assurance: Assurance | None  # of the session; None: there is none
    is_same_session: bool  # as the stored one
    has_new_token: bool
    former_goes_on: bool  # under the token that the browser had
    folds: bool  # with on_login merge


TABLE = [
    Cell("nobody", None, None, False, False, False, False),
    Cell("nobody", A, Assurance.SIGNED, False, True, False, False),
    Cell("nobody", B, Assurance.SIGNED, False, True, False, False),
    Cell("visitor", None, Assurance.ANONYMOUS, True, False, True, False),
    Cell("visitor", A, Assurance.SIGNED, False, True, False, True),
    Cell("visitor", B, Assurance.SIGNED, False, True, False, True),
    Cell("proven A", None, None, False, False, True, False),
    Cell("proven A", A, Assurance.SIGNED, True, True, False, False),
    Cell("proven A", B, Assurance.SIGNED, False, True, False, False),
]


async def came_before(tx, shop: Shop, stored: str) -> tuple[ChatSession | None, str | None]:
    """What the browser keeps from an earlier opening."""
    if stored == "visitor":
        return await start_visitor_session(tx, shop.inbox, NOW)
    if stored == "proven A":
        opening = await shop.open(tx, A)
        return opening.session, opening.token
    return None, None


@pytest.mark.parametrize("on_login", [OnLogin.MERGE, OnLogin.SEPARATE])
@pytest.mark.parametrize("cell", TABLE, ids=lambda cell: f"{cell.stored}, {cell.proof or 'no proof'}")
async def test_opening_table(tx, owner, cell: Cell, on_login: OnLogin):
    """Every cell: whose session it is, whether the token is new, what becomes of the former one, what folds."""
    shop = await open_shop(tx, owner, on_login=on_login)
    stored, token = await came_before(tx, shop, cell.stored)
    opening = await shop.open(tx, cell.proof, stored, LATER)

    session = opening.session
    assert (session.assurance if session else None) == cell.assurance
    assert (session is not None and stored is not None and session.id == stored.id) == cell.is_same_session
    assert (opening.token is not None) == cell.has_new_token
    if cell.proof:
        owners = await queries.find_owners(tx, [shop.key(cell.proof)])
        assert opening.contact_id == session.contact_id == owners[shop.key(cell.proof)]
        assert session.proven_until == LATER + timedelta(minutes=60)
        assert (await find_session(tx, opening.token, LATER)) == session
    else:
        assert opening.contact_id is None
    assert opening.fold_from == (stored.id if cell.folds and on_login is OnLogin.MERGE else None)
    if token is not None:
        former = await find_session(tx, token, LATER)
        assert (former is not None) == cell.former_goes_on
        assert former is None or former.id == stored.id


async def test_a_refused_proof_leaves_everything_as_it_was(tx, shop):
    """The visitor goes on in the same session, a proven one stays what it was, and nobody was made."""
    visitor, visitor_token = await start_visitor_session(tx, shop.inbox, NOW)
    proven = await shop.open(tx, A)
    with pytest.raises(IdentityRefused):
        async with tx.savepoint():
            await shop.open(tx, B, visitor, aud="elsewhere")
    assert await find_session(tx, visitor_token, NOW) == visitor
    assert await find_session(tx, proven.token, NOW) == proven.session
    assert await queries.find_owners(tx, [shop.key(B)]) == {}


async def test_a_renewed_session_is_the_same_under_another_token(tx, shop):
    """What was written in it stays with it; the old token opens nothing."""
    first = await shop.open(tx, A)
    again = await shop.open(tx, A, first.session, LATER)
    assert (again.session.id, again.contact_id) == (first.session.id, first.contact_id)
    assert again.token != first.token
    assert await find_session(tx, first.token, LATER) is None


async def test_two_windows_renew_at_once(tx, shop):
    """Whoever comes second gets a session of its own; the first one's new token stays good."""
    first = await shop.open(tx, A)
    one = await shop.open(tx, A, first.session, LATER)
    other = await shop.open(tx, A, first.session, LATER)
    assert one.session.id != other.session.id
    assert (await find_session(tx, one.token, LATER)).contact_id == first.contact_id
    assert (await find_session(tx, other.token, LATER)).contact_id == first.contact_id


async def test_two_source_ids_of_one_contact_are_the_same_person(tx, owner, shop):
    """A proof by the other identity goes on in the same session."""
    first = await shop.open(tx, A)
    await queries.insert_identity(tx, first.contact_id, shop.key(B), now=NOW)
    again = await shop.open(tx, B, first.session, LATER)
    assert again.session.id == first.session.id


async def test_logging_out_and_in_as_another_on_one_machine(tx, shop):
    """B gets nothing of A: another session, another contact, and A's token is dead."""
    a = await shop.open(tx, A)
    b = await shop.open(tx, B, a.session, LATER)
    assert a.contact_id != b.contact_id
    assert await find_session(tx, a.token, LATER) is None
    assert b.fold_from is None


async def test_a_session_of_another_inbox_is_none_here(tx, owner, shop):
    """Its token neither resumes a visitor nor renews a proof; the session there goes on."""
    there = await open_shop_beside(tx, owner, shop)
    visitor, token = await start_visitor_session(tx, there.inbox, NOW)
    assert await shop.open(tx, None, visitor) == Opening()
    opening = await shop.open(tx, A, visitor)
    assert opening.fold_from is None
    assert await find_session(tx, token, NOW) == visitor


# --- the proof itself ---------------------------------------------------------------------------------------------------


async def refused_for(opening) -> RefusalReason:
    with pytest.raises(IdentityRefused) as refused:
        await opening
    assert refused.value.detail == "We could not sign you in. Please try again."
    assert refused.value.facts == {}
    return refused.value.reason


async def test_a_token_is_used_by_one_session_only(tx, shop):
    """The session that used it may send it again, as a reload does; nobody else, under whatever name."""
    proof = await shop.prove(tx, A, jti="once")
    first = await open_session(tx, shop.inbox, stored=None, proof=proof, now=NOW)
    again = await open_session(tx, shop.inbox, stored=first.session, proof=proof, now=NOW)
    assert again.session.id == first.session.id
    visitor, _ = await start_visitor_session(tx, shop.inbox, NOW)
    for stored in (None, visitor):
        stolen = open_session(tx, shop.inbox, stored=stored, proof=proof, now=NOW)
        assert await refused_for(stolen) == RefusalReason.TOKEN_ID_REUSED
    other = await shop.prove(tx, B, jti="once")
    renamed = open_session(tx, shop.inbox, stored=again.session, proof=other, now=NOW)
    assert await refused_for(renamed) == RefusalReason.TOKEN_ID_REUSED


async def test_a_token_made_for_a_browser_is_good_there_only(tx, shop):
    """Its page was told the digest of what only this browser knows: whoever took the token lacks that."""
    verifier = "v" * 43
    token = shop.token(A, nonce=digest_verifier(verifier).decode())
    for other in (None, "", "w" * 43, "é\ud800"):
        stolen = prove(tx, CIPHER, shop.inbox, token, verifier=other, now=NOW)
        assert await refused_for(stolen) == RefusalReason.NONCE_MISMATCH
    assert (await prove(tx, CIPHER, shop.inbox, token, verifier=verifier, now=NOW)).key == shop.key(A)
    assert (await prove(tx, CIPHER, shop.inbox, shop.token(A), verifier=verifier, now=NOW)).key == shop.key(A)


async def test_keys_of_another_realm_prove_nothing(tx, owner, shop):
    """An inbox with people of its own knows neither the key nor the proof of the other realm."""
    outside = elsewhere(shop, await make_outsiders_inbox(tx, owner))
    token = outside.token(A)
    assert await refused_for(prove(tx, CIPHER, outside.inbox, token, now=NOW)) == RefusalReason.UNKNOWN_KEY
    proof = await shop.prove(tx, A)
    carried = open_session(tx, outside.inbox, stored=None, proof=proof, now=NOW)
    assert await refused_for(carried) == RefusalReason.UNKNOWN_KEY


@pytest.mark.parametrize("token", [None, "", "null", 0, True, [], {}])
async def test_an_empty_proof_is_a_failed_proof(tx, shop, token):
    """Where proofs are read, nothing that a page sends instead of one opens as a visitor."""
    assert await refused_for(prove(tx, CIPHER, shop.inbox, token, now=NOW)) == RefusalReason.MALFORMED


async def test_the_organizations_own_placeholders_prove_nobody(tx, shop):
    """A word that the organization refuses as a source id is refused in a token."""
    sql = "UPDATE organizations SET refused_source_ids = '{guest}' WHERE id = %(organization)s"
    await tx.execute(sql, {"organization": tx.organization_id})
    assert await refused_for(shop.prove(tx, "Guest")) == RefusalReason.SOURCE_ID_INVALID


# --- the card -----------------------------------------------------------------------------------------------------------


async def test_the_card_says_what_the_proof_says(tx, shop):
    """Name, picture, address, language and attributes are kept as signed; the inbox is noted."""
    claims = {"name": "Mr. Zhang", "picture": "https://id.example/z.png", "email": "z@example.com"}
    claims |= {"phone_number": "+886912345678", "locale": "zh-TW", "attributes": {"tier": "gold"}}
    opening = await shop.open(tx, A, **claims)
    card = await contacts.get_contact(tx, opening.contact_id)
    assert (card.name, card.avatar, card.emails) == ("Mr. Zhang", "https://id.example/z.png", ("z@example.com",))
    assert (card.phones, card.language, card.attributes) == (("+886912345678",), "zh-TW", {"tier": "gold"})
    said = await contacts.find_provenance(tx, card.id)
    assert {one.provenance for one in said.values()} == {Provenance.SIGNED}
    (inbox,) = await contacts.list_inboxes_of(tx, card.id)
    assert (inbox.inbox_id, inbox.first_seen_at, inbox.last_seen_at) == (shop.inbox.id, NOW, NOW)


async def test_a_proof_does_not_overwrite_what_a_member_wrote(tx, owner, shop):
    """The member's name stays, and what nobody wrote is refreshed; silence empties nothing."""
    opening = await shop.open(tx, A, name="Zhang", locale="en")
    fields = {"name": "Mr. Zhang (VIP)"}
    await update_contact(tx, owner, opening.contact_id, fields, provenance=Provenance.MEMBER)
    await shop.open(tx, A, name="W. Zhang", locale="zh-TW")
    await shop.open(tx, A)
    card = await contacts.get_contact(tx, opening.contact_id)
    assert (card.name, card.language) == ("Mr. Zhang (VIP)", "zh-TW")


async def test_a_card_made_in_advance_is_found(tx, owner, shop):
    """Its access applies at once, and its identity is seen from now on."""
    made = await create_contact(
        tx, owner, fields={"name": "Dr. Wu"}, inbox_ids=[shop.inbox.id], query_metadata={}, provenance=Provenance.MEMBER
    )
    await set_source_id(tx, owner, made.id, "D-7")
    opening = await shop.open(tx, "D-7")
    assert opening.contact_id == made.id
    (identity,) = await queries.list_identities(tx, made.id)
    assert (identity.first_seen_at, identity.last_seen_at) == (NOW, NOW)
    assert (await contacts.get_contact(tx, made.id)).query_metadata == {}


async def test_on_another_inbox_of_the_realm_the_same_card_is_found(tx, owner, shop):
    """The inbox is added to it."""
    there = await open_shop_beside(tx, owner, shop)
    here = await shop.open(tx, A)
    assert (await there.open(tx, A)).contact_id == here.contact_id
    inboxes = await contacts.list_inboxes_of(tx, here.contact_id)
    assert {inbox.inbox_id for inbox in inboxes} == {shop.inbox.id, there.inbox.id}


async def test_used_tokens_are_forgotten_when_nobody_can_use_them(tx, shop):
    """An expired token is refused for its age, so what was used needs to be kept no longer."""
    proof = await shop.prove(tx, A, jti="old")
    await open_session(tx, shop.inbox, stored=None, proof=proof, now=NOW)
    later = proof.expires_at + timedelta(minutes=6)
    fresh = replace(proof, jti="new", expires_at=later + timedelta(minutes=5))
    await open_session(tx, shop.inbox, stored=None, proof=fresh, now=later)
    assert await tx.fetch("SELECT jti FROM identity_proofs") == [("new",)]
