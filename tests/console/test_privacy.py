"""Erasing, exporting and forgetting people on the screens."""

import io
import zipfile
from datetime import timedelta

import httpx
import pytest
from tests.console.conftest import Browser
from tests.console.test_contacts import make_contact
from tests.making import make_inbox

from frontdesk.channels.model import Inbox
from frontdesk.contacts.actions import create_anonymous
from frontdesk.core.db import Database
from frontdesk.core.ids import ContactId, OrganizationId
from frontdesk.core.text import utc_now
from frontdesk.identities.deletion import delete_contact
from frontdesk.lifecycle.retention import on_retention_due
from frontdesk.organizations.model import system_caller


@pytest.fixture
async def ann(db: Database, organization: OrganizationId) -> ContactId:
    return await make_contact(db, organization, name="Ann <b>Zhang</b>", source_id="M-1001", emails=["ann@example.com"])


@pytest.fixture
async def inbox(db: Database, organization: OrganizationId) -> Inbox:
    async with db.begin(organization) as tx:
        return await make_inbox(tx, system_caller(organization))


def place_of(response: httpx.Response) -> str:
    return response.headers["hx-redirect"]


async def test_a_person_is_erased_after_a_tick(olga: Browser, ann: ContactId):
    """The dialog says what goes; without the tick nothing does; then the receipt says what was done."""
    card = (await olga.get(f"/console/contacts/{ann}")).text
    assert "Erase…" in card
    asked = (await olga.get(f"/console/contacts/{ann}/erase", htmx=True)).text
    assert "Nobody can undo this" in asked
    assert "Ann &lt;b&gt;Zhang" in asked
    assert "Free at once: M-1001." in asked
    refused = await olga.post(f"/console/contacts/{ann}/erase", {"mode": "all"})
    assert (refused.status_code, "Tick the box first" in refused.text) == (422, True)
    done = await olga.post(f"/console/contacts/{ann}/erase", {"mode": "all", "is_sure": "true"})
    receipt = (await olga.get(place_of(done))).text
    assert "The signature holds" in receipt
    assert "Zhang" not in receipt
    assert "<code>contact_emails</code>" in receipt
    former = await olga.get(f"/console/contacts/{ann}")
    assert "Receipt of an erasure" in former.text
    assert place_of(done) in (await olga.get("/console/settings/erasures")).text
    assert "erased the person" in (await olga.get("/console/settings/audit")).text


async def test_personal_mode_leaves_an_anonymous_card(olga: Browser, ann: ContactId):
    """The page of the contact goes on, without a name."""
    await olga.post(f"/console/contacts/{ann}/erase", {"mode": "personal", "is_sure": "true"})
    card = (await olga.get(f"/console/contacts/{ann}")).text
    assert "Anonymous" in card
    assert "Zhang" not in card


async def test_a_deleted_contact_can_be_erased(
    olga: Browser, db: Database, organization: OrganizationId, ann: ContactId
):
    """Its page offers it beside restoring."""
    async with db.begin(organization) as tx:
        await delete_contact(tx, system_caller(organization), ann)
    assert f"/console/contacts/{ann}/erase" in (await olga.get(f"/console/contacts/{ann}")).text
    done = await olga.post(f"/console/contacts/{ann}/erase", {"mode": "all", "is_sure": "true"})
    assert place_of(done).startswith("/console/settings/erasures/")


async def test_everything_about_a_person_is_taken_away(olga: Browser, ann: ContactId):
    """The item in the menu gives a ZIP to be saved."""
    assert "Export everything" in (await olga.get(f"/console/contacts/{ann}")).text
    response = await olga.get(f"/console/contacts/{ann}/export")
    assert response.headers["content-disposition"] == f'attachment; filename="contact-{ann}.zip"'
    archive = zipfile.ZipFile(io.BytesIO(response.content))
    assert "Ann &lt;b&gt;Zhang" in archive.read("index.html").decode()


async def test_who_may_not_is_offered_nothing(vera: Browser, ann: ContactId):
    """A viewer sees no item, and the addresses are closed."""
    card = (await vera.get(f"/console/contacts/{ann}")).text
    assert "Erase…" not in card
    assert "Export everything" not in card
    for path in (f"/console/contacts/{ann}/erase", f"/console/contacts/{ann}/export", "/console/settings/erasures"):
        assert (await vera.get(path)).status_code == 403


async def test_a_rule_is_tried_set_and_taken_back(
    olga: Browser, db: Database, services, organization: OrganizationId, inbox: Inbox
):
    """The tab shows who would go before anything does."""
    async with db.begin(organization) as tx:
        old = await create_anonymous(tx, inbox.id, now=utc_now() - timedelta(days=40))
    here = f"/console/platforms/{inbox.id}/retention"
    assert "Retention" in (await olga.get(f"/console/platforms/{inbox.id}")).text
    assert "Nobody would go" in (await olga.get(here)).text
    tried = (await olga.get(f"{here}?days=30")).text
    assert "1 contacts" in tried
    assert str(old) in tried
    wrong = await olga.post(here, {"days": "0"})
    assert (wrong.status_code, "Choose 1 to 3650 days" in wrong.text) == (400, True)
    await olga.post(here, {"days": "30", "is_enabled": "true"})
    assert "erased 30 days after they were last seen" in (await olga.get(here)).text
    await on_retention_due(services, organization)
    shown = (await olga.get(here)).text
    assert "1 erased" in shown
    assert "by the rule of a platform: 1" in (await olga.get("/console/settings/erasures")).text
    await olga.post(f"{here}/delete")
    assert "kept for ever" in (await olga.get(here)).text
