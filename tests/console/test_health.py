"""Identity health as the console shows it, and what members decide there."""

import pytest
from tests.identities.conftest import Shop, open_shop

from frontdesk.contacts.actions import create_contact, update_contact
from frontdesk.contacts.model import CardFields, Provenance
from frontdesk.core.text import utc_now
from frontdesk.core.wire import Paging
from frontdesk.identities.actions import record_refusal
from frontdesk.identities.conflicts import list_conflicts
from frontdesk.identities.duplicates import list_duplicates
from frontdesk.identities.errors import RefusalReason
from frontdesk.identities.searching import run_search
from frontdesk.organizations.model import system_caller

HEALTH = "/console/identity-health"


class Front:
    """A shop with two cards of one person and a proof that does not fit."""

    def __init__(self, db, organization) -> None:
        self.db, self.organization, self.caller = db, organization, system_caller(organization)
        self.shop: Shop

    async def add(self, **fields):
        async with self.db.begin(self.organization) as tx:
            card = await create_contact(
                tx,
                self.caller,
                fields=CardFields(**fields),
                inbox_ids=[self.shop.inbox.id],
                provenance=Provenance.MEMBER,
            )
        return card.id

    async def conflicts(self, **filters):
        async with self.db.begin(self.organization) as tx:
            return (await list_conflicts(tx, self.caller, Paging(9, 0), **filters))[0]

    async def pairs(self):
        async with self.db.begin(self.organization) as tx:
            return (await list_duplicates(tx, self.caller, Paging(9, 0))).rows


@pytest.fixture
async def front(db, organization) -> Front:
    front = Front(db, organization)
    async with db.begin(organization) as tx:
        front.shop = await open_shop(tx, front.caller)
    for name in ("林佳穎", "佳穎"):
        await front.add(name=name, emails=["chia@example.com"], attributes={"birthday": "1990-02-03"})
    async with db.begin(organization) as tx:
        ann = (await front.shop.open(tx, "M-1", now=utc_now(), name="Ann")).contact_id
        await update_contact(tx, front.caller, ann, CardFields(name="Ann Zhang"), provenance=Provenance.MEMBER)
        await front.shop.open(tx, "M-1", now=utc_now(), name="Anne")
    await run_search(db, organization)
    return front


async def test_a_pair_stands_side_by_side(olga, front):
    """What is equal and who said so; a link to the merge, never a merge."""
    text = (await olga.get(HEALTH)).text
    pair = (await front.pairs())[0]
    for shown in (
        "林佳穎",
        "chia@example.com",
        "birthday",
        "What speaks for one person",
        "set by",
        "Preview the merge",
        "Not the same person",
    ):
        assert shown in text
    assert f"/console/contacts/{pair.first.contact.id}/merge?from={pair.second.contact.id}" in text
    assert "1 of 1" in text


async def test_two_are_kept_apart(olga, front):
    """The pair is gone, and the screen says what will be."""
    (pair,) = await front.pairs()
    data = {"first": str(pair.first.contact.id), "second": str(pair.second.contact.id), "back": f"{HEALTH}?offset=0"}
    response = await olga.post(f"{HEALTH}/keep-apart", data)
    assert response.headers["hx-redirect"] == f"{HEALTH}?offset=0"
    assert await front.pairs() == ()
    assert "No two cards look like one person" in (await olga.get(HEALTH)).text
    away = await olga.post(f"{HEALTH}/keep-apart", {**data, "back": "//evil.example/"})
    assert away.headers["hx-redirect"] == "/console"


async def test_a_conflict_is_settled(olga, front):
    """Both values are shown; the member takes the proven one; it moves to what was settled."""
    (conflict,) = await front.conflicts()
    assert "The proof says otherwise" in (await olga.get(f"{HEALTH}/conflicts")).text
    dialog = (await olga.get(f"{HEALTH}/conflicts/{conflict.id}", htmx=True)).text
    for shown in ("Anne", "Ann Zhang", "Take it from the proof", "Leave it as it is"):
        assert shown in dialog
    assert "Keep apart" not in dialog
    assert (await olga.post(f"{HEALTH}/conflicts/{conflict.id}", {"resolution": "kept_apart"})).status_code == 400
    assert (await olga.post(f"{HEALTH}/conflicts/{conflict.id}", {"resolution": "accepted"})).status_code == 204
    assert "Nothing to settle" in (await olga.get(f"{HEALTH}/conflicts", htmx=True)).text
    assert "Taken from the proof" in (await olga.get(f"{HEALTH}/conflicts?state=settled")).text
    assert (await olga.post(f"{HEALTH}/conflicts/{conflict.id}", {"resolution": "dismissed"})).status_code == 409


async def test_the_figures(olga, db, organization, front):
    """Signed sessions, refused proofs with a way to the debugger, contacts whom nobody has proven."""
    for _ in range(2):
        reason = RefusalReason.AUDIENCE_MISMATCH
        await record_refusal(db, organization, front.shop.inbox, reason, "another inbox", request_id="r-1")
    text = (await olga.get(HEALTH)).text
    assert "2 of 2" in text
    assert "100 %" in text
    assert "audience_mismatch" in text
    assert f"/console/platforms/{front.shop.inbox.id}/identity" in text
    assert "Open debugger" in text
    assert "anonymous contacts" in text
    filtered = (await olga.get(f"{HEALTH}?inbox={front.shop.inbox.id}&days=7")).text
    assert "audience_mismatch" in filtered
    nonsense = await olga.get(f"{HEALTH}?inbox=x&days=5")
    assert nonsense.status_code == 200


async def test_a_search_is_asked_for(olga, front):
    """Pressing twice is pressing once; the page tells how far it is."""
    await front.add(name="佳穎林", emails=["chia@example.com"])
    for _ in range(2):
        assert "Comparing cards: 0 %" in (await olga.post(f"{HEALTH}/search")).text
    await run_search(front.db, front.organization)
    assert "Look for duplicates" in (await olga.get(f"{HEALTH}/search", htmx=True)).text
    assert len(await front.pairs()) == 3


async def test_a_shared_address_is_ignored(olga, front):
    """It is listed with how many have it; ignored, it suggests nothing."""
    for number in range(3):
        await front.add(emails=["info@example.com"], attributes={"seat": number})
    await run_search(front.db, front.organization)
    assert len(await front.pairs()) == 4
    assert "info@example.com" in (await olga.get(f"{HEALTH}/shared")).text
    assert (await olga.post(f"{HEALTH}/shared", {"value": "info@example.com", "ignored": "true"})).status_code == 204
    assert "Regard again" in (await olga.get(f"{HEALTH}/shared")).text
    await run_search(front.db, front.organization)
    assert len(await front.pairs()) == 1
    await olga.post(f"{HEALTH}/shared", {"value": "info@example.com"})
    await run_search(front.db, front.organization)
    assert len(await front.pairs()) == 4


async def test_a_viewer_looks_and_decides_nothing(vera, front):
    """No e-mail, no conflict about one, no button."""
    text = (await vera.get(HEALTH)).text
    assert "chia@example.com" not in text
    assert "Not the same person" not in text
    assert "Look for duplicates" not in text
    assert "birthday" in text
    (conflict,) = await front.conflicts()
    assert "Take it from the proof" not in (await vera.get(f"{HEALTH}/conflicts/{conflict.id}", htmx=True)).text
    assert (await vera.get(f"{HEALTH}/shared")).status_code == 403


async def test_a_new_organization(olga):
    """Nothing to show, and what will fill the place."""
    text = (await olga.get(HEALTH)).text
    for shown in ("Nobody has looked yet", "Nothing to settle.", "Look for duplicates"):
        assert shown in text
    assert "Nothing is shared" in (await olga.get(f"{HEALTH}/shared")).text
