"""What a person decides for themselves."""

import re

from frontdesk.core.ids import new_id
from frontdesk.organizations.invitations import accept_invitation, invite_member
from frontdesk.organizations.members import remove_member
from frontdesk.organizations.model import system_caller
from frontdesk.organizations.queries.users import find_credentials
from frontdesk.organizations.roles import list_roles


async def join(db, organization, email, role="viewer"):
    """Make an existing user a member of one more organization."""
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        role_id = next(one.id for one in await list_roles(tx, caller) if one.name == role)
        _, token = await invite_member(tx, caller, email=email, role_ids=[role_id])
    await accept_invitation(db, token, name="", password="correct horse battery", address="192.0.2.1")


async def test_a_member_of_two_organizations_switches(browser, hire, db, organization, other_organization):
    """Rights are those of the active organization."""
    email = await hire(organization, "viewer")
    await join(db, other_organization, email, "owner")
    await browser.sign_in(email)
    assert "Northlight" in (await browser.get("/console/contacts")).text
    assert (await browser.get("/console/contacts/new", htmx=True)).status_code == 403
    response = await browser.post("/console/organization", {"organization_id": str(other_organization)}, htmx=False)
    assert response.status_code == 303
    text = (await browser.get("/console/contacts")).text
    assert re.search(r'aria-current="true"><span class="fd-logo"[^>]*>S</span>', text)
    assert (await browser.get("/console/contacts/new", htmx=True)).status_code == 200


async def test_nobody_switches_to_where_they_do_not_work(olga, other_organization):
    """404, for a foreign organization as for one that is not there."""
    for organization_id in (other_organization, new_id()):
        assert (await olga.post("/console/organization", {"organization_id": str(organization_id)})).status_code == 404


async def test_who_left_the_active_organization_works_in_the_next(browser, hire, db, organization, other_organization):
    """And whoever left the last one is told so, and signed out."""
    email = await hire(organization, "viewer")
    await join(db, other_organization, email)
    async with db.begin_bootstrap() as tx:
        user_id = (await find_credentials(tx, email)).user_id
    for left, status, shown in (
        (organization, 200, "Southdark"),
        (other_organization, 403, "You belong to no organization"),
    ):
        async with db.begin(left) as tx:
            await remove_member(tx, system_caller(left), user_id)
        await browser.client.post("/console/sign-in", data={"email": email, "password": "correct horse battery"})
        page = await browser.get("/console")
        assert page.status_code == status
        assert shown in page.text
    assert "Sign in" in (await browser.get("/console")).text


async def test_language_and_theme_follow_the_member(olga):
    """They are kept for the user, not for the browser, and what is not known is refused."""
    await olga.post("/console/look", {"theme": "dark"})
    await olga.post("/console/look", {"language": "zh_Hant"})
    text = (await olga.get("/console/contacts")).text
    assert '<html lang="zh-Hant" data-theme-choice="dark"' in text
    assert "新增聯絡人" in text
    assert (await olga.post("/console/look", {"theme": "pink"})).status_code == 400
    assert (await olga.post("/console/look", {"language": "xx"})).status_code == 400


async def test_before_signing_in_the_browser_keeps_the_language(browser):
    """A cookie of the console."""
    response = await browser.client.post(
        "/console/language", data={"language": "zh_Hant"}, headers={"Referer": "http://desk.test/console/sign-in"}
    )
    assert response.headers["location"] == "/console/sign-in"
    assert "登入" in (await browser.get("/console/sign-in")).text


async def test_set_up_is_for_the_first_start_only(browser, organization):
    """Once anybody can sign in, nobody comes by set-up."""
    assert (await browser.client.get("/console/set-up")).headers["location"] == "/console/sign-in"
    data = {"organization": "Evil", "name": "Eve", "email": "eve@example.com", "password": "long enough now"}
    response = await browser.client.post("/console/set-up", data=data)
    assert response.status_code == 409
    assert "fd_session" not in response.cookies
