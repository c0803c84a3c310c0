"""The columns that searches look into say what the tables say, whatever happened."""

from random import Random, SystemRandom

from tests.identities.tokens import NOW
from tests.making import make_inbox

from frontdesk.channels.queries import get_default_realm
from frontdesk.contacts.actions import update_contact
from frontdesk.contacts.model import Provenance
from frontdesk.core.errors import FrontdeskError
from frontdesk.identities.actions import find_or_create
from frontdesk.identities.cards import Given, create_card
from frontdesk.identities.deletion import delete_contact, restore_contact
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.source_ids import link_identity, set_source_id, unlink_identity
from frontdesk.lifecycle.merging import merge_contacts
from frontdesk.lifecycle.undoing import undo_merge

UNTRUE = """
    SELECT c.id, c.search_ids, ids.said, c.search_personal, personal.said
      FROM contacts c,
           LATERAL (SELECT coalesce(string_agg(' ' || search_form(source_id), '' ORDER BY i.id), '') AS said
                      FROM identities i WHERE i.organization_id = c.organization_id AND i.contact_id = c.id) AS ids,
           LATERAL (SELECT coalesce(string_agg(' ' || search_form(address), '' ORDER BY kind, position), '') AS said
                      FROM (SELECT 1 AS kind, position, email AS address FROM contact_emails e
                             WHERE e.organization_id = c.organization_id AND e.contact_id = c.id
                             UNION ALL
                            SELECT 2, position, phone FROM contact_phones p
                             WHERE p.organization_id = c.organization_id AND p.contact_id = c.id) AS listed) AS personal
     WHERE c.organization_id = %(organization)s
       AND (c.search_personal <> personal.said OR length(c.search_ids) <> length(ids.said)
            OR (c.search_ids = '') <> (ids.said = ''))
"""
WORDS = ("M-1", "m-1", "Ünï", "張偉", "a b", "U_7", "x%y")


async def test_law_what_is_searched_is_what_is_stored(tx, owner):
    """After any sequence of making, correcting, linking, deleting, restoring, merging and undoing."""
    seed = SystemRandom().getrandbits(32)
    rng = Random(seed)  # noqa: S311 -- examples, not secrets
    inbox, realm = await make_inbox(tx, owner), (await get_default_realm(tx)).id
    cards, merges = [], []
    for step in range(120):
        try:
            async with tx.savepoint():
                await act(tx, owner, rng, inbox.id, realm, cards, merges)
        except FrontdeskError:
            continue  # taken, merged, deleted: nothing happened
        untrue = await tx.fetch(UNTRUE, {"organization": tx.organization_id})
        assert untrue == [], f"seed {seed}, step {step}"
    assert len(cards) > 5


async def act(tx, owner, rng, inbox_id, realm, cards, merges) -> None:
    key = IdentityKey(realm, f"{rng.choice(WORDS)}{rng.randrange(8)}")
    card = rng.choice(cards) if cards else None
    step = rng.randrange(10)
    if card is None or step == 0:
        fields = {"name": rng.choice(WORDS), "emails": ["ann@example.com"] if rng.random() < 0.5 else []}
        cards.append((await create_card(tx, owner, Given(fields, inbox_ids=(inbox_id,))))[0])
    elif step == 1:
        cards.append((await find_or_create(tx, key, now=NOW))[0])
    elif step == 2:
        await set_source_id(tx, owner, card, key.source_id)
    elif step in {3, 4}:
        await link_identity(tx, owner, card, key)
    elif step == 5:
        await unlink_identity(tx, owner, card, key)
    elif step == 6:
        fields = {
            "emails": rng.sample(["a@example.com", "B@example.com"], rng.randrange(3)),
            "phones": ["+886912345678"],
        }
        await update_contact(tx, owner, card, fields, provenance=Provenance.MEMBER)
    elif step == 7:
        await (delete_contact if rng.random() < 0.5 else restore_contact)(tx, owner, card)
    elif step == 8 and rng.choice(cards) != card:
        merges.append((await merge_contacts(tx, owner, card, [rng.choice(cards)], choices={})).merge_id)
    elif merges:
        await undo_merge(tx, owner, merges.pop())
