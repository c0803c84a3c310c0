"""Access profiles as the console shows and changes them."""

import json
import re

import pytest
from tests.making import make_base, opens

from frontdesk.access.actions import create_profile, update_profile
from frontdesk.access.queries import get_profile
from frontdesk.contacts.access_actions import assign_profile
from frontdesk.contacts.model import CardFields
from frontdesk.core.ids import ProfileId, new_id
from frontdesk.identities.cards import Given, create_card
from frontdesk.organizations.model import system_caller


@pytest.fixture
async def vip(db, organization):
    """A profile that opens one base, and that Ann has."""
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        base = await make_base(tx, "Members")
        profile, _ = await create_profile(tx, caller, {"name": "VIP", "query_metadata": opens(base)})
        ann, _ = await create_card(tx, caller, Given(fields=CardFields(name="Ann Zhang")))
        await assign_profile(tx, caller, ann, profile.id)
    return profile


async def read(db, organization, profile_id):
    async with db.begin(organization) as tx:
        return await get_profile(tx, profile_id)


async def test_the_list_tells_what_each_opens_and_how_many_have_it(olga, vip):
    """In words, with the number of holders."""
    text = (await olga.get("/console/access-profiles")).text
    assert "VIP" in text
    assert re.search(r"<b class=\"fd-b\">Members</b>: all files, all FAQs", text)
    assert '<td class="num">1</td>' in text


async def test_a_profile_shows_who_has_it(olga, db, organization, vip):
    """The holders are linked, and nobody else."""
    async with db.begin(organization) as tx:
        await create_card(tx, system_caller(organization), Given(fields=CardFields(name="Bo Lin")))
    text = (await olga.get(f"/console/access-profiles/{vip.id}")).text
    assert "Ann Zhang" in text
    assert "Who has it" in text
    assert "Bo Lin" not in text


async def test_a_profile_is_added_and_warned_of(olga, db, organization):
    """What it lists and is not there is saved, and remarked at its line as long as it is so."""
    data = {"name": "Trial", "minimum_assurance": "signed", "text": json.dumps(opens(new_id()))}
    response = await olga.post("/console/access-profiles/new", data)
    assert response.status_code == 204
    text = (await olga.get(response.headers["hx-redirect"])).text
    assert "There is no such knowledge base" in text
    assert "<mark>" in text
    stored = await read(db, organization, ProfileId(response.headers["hx-redirect"].rpartition("/")[2]))
    assert stored.minimum_assurance.name == "SIGNED"


async def test_a_taken_name_is_said_at_the_field(olga, vip):
    """409, the input kept."""
    response = await olga.post("/console/access-profiles/new", {"name": "VIP", "text": "{}"})
    assert response.status_code == 409
    assert 'id="f-name-help"' in response.text
    assert "An access profile of this name exists already" in response.text


async def test_a_lost_update_of_a_profile_is_shown(olga, db, organization, vip):
    """Saving again is knowing."""
    async with db.begin(organization) as tx:
        await update_profile(tx, system_caller(organization), vip.id, {"name": "VIP of the others"})
    data = {"name": "VIP of mine", "text": "{}", "version": "1"}
    refused = await olga.post(f"/console/access-profiles/{vip.id}/edit", data)
    assert refused.status_code == 412
    assert "VIP of the others" in refused.text
    assert (await read(db, organization, vip.id)).name == "VIP of the others"
    version = re.search(r'name="version" value="(\d+)"', refused.text)[1]
    assert (await olga.post(f"/console/access-profiles/{vip.id}/edit", {**data, "version": version})).status_code == 204
    assert (await read(db, organization, vip.id)).name == "VIP of mine"


async def test_a_deleted_profile_is_gone(olga, vip):
    """The dialog counts who loses it."""
    assert "1 contact loses it at once" in (await olga.get(f"/console/access-profiles/{vip.id}/delete", htmx=True)).text
    assert (await olga.post(f"/console/access-profiles/{vip.id}/delete")).status_code == 204
    assert (await olga.get(f"/console/access-profiles/{vip.id}")).status_code == 404


async def test_a_viewer_does_not_change_profiles(vera, vip):
    """They are shown and not offered for change."""
    text = (await vera.get(f"/console/access-profiles/{vip.id}")).text
    assert "/edit" not in text
    for path in ("new", f"{vip.id}/edit", f"{vip.id}/delete"):
        assert (await vera.post(f"/console/access-profiles/{path}", {"name": "X"})).status_code == 403


async def test_a_profile_of_another_organization_is_not_there(olga, db, other_organization):
    """404 for reading and writing."""
    async with db.begin(other_organization) as tx:
        foreign, _ = await create_profile(tx, system_caller(other_organization), {"name": "Foreign"})
    for path in ("", "/edit", "/delete"):
        assert (await olga.get(f"/console/access-profiles/{foreign.id}{path}", htmx=True)).status_code == 404
    for path in ("edit", "delete"):
        assert (await olga.post(f"/console/access-profiles/{foreign.id}/{path}", {"name": "X"})).status_code == 404
