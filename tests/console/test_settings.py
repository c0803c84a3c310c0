"""Settings in the console: members, roles, API keys, the organization, the audit log, my account."""

import html
import re

import pytest
from tests.making import make_inbox

from frontdesk.organizations.keys import authenticate_key, list_api_keys
from frontdesk.organizations.members import list_members
from frontdesk.organizations.model import Right, system_caller
from frontdesk.organizations.queries.organizations import get_organization
from frontdesk.organizations.records import RoleDraft
from frontdesk.organizations.roles import create_role, list_roles

EVIL = "<img src=x onerror=alert(1)>\"'"
PATH = "/console/settings"


def shown_once(text):
    """What stands in the place for secrets."""
    return html.unescape(re.search(r'<pre class="fd-json fd-secret">(.*?)</pre>', text, re.DOTALL)[1])


async def role_ids(db, organization):
    async with db.begin(organization) as tx:
        return {role.name: role.id for role in await list_roles(tx, system_caller(organization))}


async def members_of(db, organization):
    async with db.begin(organization) as tx:
        return {member.email: member for member in await list_members(tx, system_caller(organization))}


async def test_settings_open_at_what_one_may(olga):
    """An owner comes to the members."""
    response = await olga.client.get(PATH)
    assert response.headers["location"] == f"{PATH}/members"


async def test_a_viewer_sees_the_log_and_the_account(vera):
    """No other place is offered, and none answers."""
    text = (await vera.get(PATH)).text
    assert f"{PATH}/audit" in text
    assert f"{PATH}/account" in text
    for place in ("members", "roles", "keys", "organization"):
        assert f"{PATH}/{place}" not in text, place
        assert (await vera.get(f"{PATH}/{place}", htmx=True)).status_code == 403, place
    posts = ("members/invite", "roles/new", "keys/new", "organization")
    for place in posts:
        assert (await vera.post(f"{PATH}/{place}", {"name": "x"})).status_code == 403, place


# --- keys ---


async def test_a_key_is_shown_once_and_works(olga, db, organization):
    """With the rights and platforms that were ticked."""
    async with db.begin(organization) as tx:
        inbox = await make_inbox(tx, system_caller(organization), "Shop web")
    assert "No API keys yet" in (await olga.get(f"{PATH}/keys")).text
    data = {
        "name": "CRM",
        "rights": ["contacts.view", "act-as"],
        "where": "some",
        "inboxes": [str(inbox.id)],
        "until": "2999-12-31",
    }
    made = await olga.post(f"{PATH}/keys/new", data)
    caller = await authenticate_key(db, shown_once(made.text))
    assert caller.grants[0].rights == {Right.CONTACTS_VIEW, Right.ACT_AS}
    assert caller.inboxes_for(Right.CONTACTS_VIEW) == {inbox.id}
    text = (await olga.get(f"{PATH}/keys")).text
    assert "CRM" in text
    assert "Shop web" in text
    assert shown_once(made.text) not in text
    assert "refused from the next call on" in (await olga.get(f"{PATH}/keys/{caller.id}/revoke", htmx=True)).text
    assert (await olga.post(f"{PATH}/keys/{caller.id}/revoke")).status_code == 204
    async with db.begin(organization) as tx:
        assert await list_api_keys(tx, system_caller(organization)) == []


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"name": "CRM"}, "A key without rights opens nothing."),
        ({"name": " ", "rights": ["contacts.view"]}, "A name has 1 to 200"),
        ({"name": "CRM", "rights": ["contacts.view"], "until": "2001-01-01"}, "The key would have expired already."),
        ({"name": "CRM", "rights": ["contacts.view"], "until": "soon"}, "Choose a day."),
    ],
)
async def test_a_refused_key_keeps_the_form(olga, written, said):
    """The message stands at its field."""
    response = await olga.post(f"{PATH}/keys/new", written)
    assert response.status_code == 400
    assert said in response.text
    if "rights" in written:
        assert re.search(r'value="contacts.view" checked', response.text)


# --- members ---


async def test_somebody_is_invited_by_a_link_that_is_shown_once(olga, db, organization):
    """It leads to the page where one joins; withdrawn, it opens nothing."""
    roles = await role_ids(db, organization)
    made = await olga.post(f"{PATH}/members/invite", {"email": "Nora@Example.com", "roles": [str(roles["agent"])]})
    link = shown_once(made.text)
    assert "/console/join?token=" in link
    text = (await olga.get(f"{PATH}/members")).text
    assert "nora@example.com" in text
    assert link not in text
    address = re.search(rf"{PATH}/invitations/[^/]+/revoke", text)[0]
    path = link[link.index("/console") :]
    assert (await olga.get(path)).status_code == 200
    assert (await olga.post(address)).status_code == 204
    assert (await olga.get(path)).status_code == 410


async def test_a_refused_invitation_keeps_the_form(olga, db, organization):
    """E-mail and role are said at their fields."""
    response = await olga.post(f"{PATH}/members/invite", {"email": "nonsense"})
    assert response.status_code == 400
    assert 'value="nonsense"' in response.text
    assert "This is not an e-mail address." in response.text
    response = await olga.post(f"{PATH}/members/invite", {"email": "nora@example.com"})
    assert "Choose at least one role of this organization." in response.text


async def test_a_members_roles_are_changed(olga, db, hire, organization):
    """Exactly those that are ticked."""
    email = await hire(organization, "viewer", name="Mia Member")
    mia, roles = (await members_of(db, organization))[email], await role_ids(db, organization)
    form = (await olga.get(f"{PATH}/members/{mia.user_id}/roles", htmx=True)).text
    assert re.search(rf'value="{roles["viewer"]}" checked', form)
    data = {"roles": [str(roles["agent"]), str(roles["viewer"])]}
    assert (await olga.post(f"{PATH}/members/{mia.user_id}/roles", data)).status_code == 204
    assert {role.name for role in (await members_of(db, organization))[email].roles} == {"agent", "viewer"}


async def test_the_last_owner_stays(olga, db, organization):
    """Neither the role nor the membership goes; the dialog says why."""
    owners = [one for one in (await members_of(db, organization)).values() if one.is_owner]
    first, second = owners
    assert (await olga.post(f"{PATH}/members/{first.user_id}/remove")).status_code == 204
    response = await olga.post(f"{PATH}/members/{second.user_id}/remove")
    assert response.status_code == 409
    assert "An organization needs an owner" in response.text


async def test_a_password_link_is_shown_once(olga, db, hire, organization):
    """For whoever forgot the password, where no e-mail is sent."""
    email = await hire(organization, "viewer")
    mia = (await members_of(db, organization))[email]
    made = await olga.post(f"{PATH}/members/{mia.user_id}/password-link")
    link = shown_once(made.text)
    assert email in (await olga.get(link[link.index("/console") :])).text


async def test_an_administrator_manages_nobody_stronger(browser, db, hire, organization):
    """An owner's roles, password and membership are out of reach, and so is the owner's role."""
    await browser.sign_in(await hire(organization, "administrator"))
    owner = next(one for one in (await members_of(db, organization)).values() if one.is_owner)
    roles = await role_ids(db, organization)
    for place in ("roles", "remove", "password-link"):
        response = await browser.post(f"{PATH}/members/{owner.user_id}/{place}", {"roles": [str(roles["viewer"])]})
        assert response.status_code == 403, place
    assert str(roles["owner"]) not in (await browser.get(f"{PATH}/members/invite", htmx=True)).text
    given = await browser.post(f"{PATH}/members/invite", {"email": "x@example.com", "roles": [str(roles["owner"])]})
    assert given.status_code == 403
    assert 'value="x@example.com"' in given.text


# --- roles ---


async def test_a_role_is_made_changed_and_deleted(olga, db, organization):
    """The built-in ones are shown and not changed."""
    text = (await olga.get(f"{PATH}/roles")).text
    assert "Administrator" in text
    assert "built in" in text
    assert (
        await olga.post(f"{PATH}/roles/new", {"name": "Night shift", "rights": ["conversations.view"]})
    ).status_code == 204
    role = (await role_ids(db, organization))["Night shift"]
    form = (await olga.get(f"{PATH}/roles/{role}", htmx=True)).text
    assert re.search(r'value="conversations.view" checked', form)
    data = {"name": "Night shift", "rights": ["conversations.view", "conversations.reply"]}
    assert (await olga.post(f"{PATH}/roles/{role}", data)).status_code == 204
    assert (await olga.post(f"{PATH}/roles/{role}/delete")).status_code == 204
    assert "Night shift" not in await role_ids(db, organization)
    taken = await olga.post(f"{PATH}/roles/new", {"name": "owner", "rights": ["conversations.view"]})
    assert taken.status_code == 409
    assert 'value="owner"' in taken.text
    built_in = (await role_ids(db, organization))["viewer"]
    assert (await olga.post(f"{PATH}/roles/{built_in}", data)).status_code == 409


async def test_editing_a_role_keeps_the_documents_it_opens(olga, db, organization):
    """They are not in the form."""
    query = {"knowledge_bases": []}
    async with db.begin(organization) as tx:
        draft = RoleDraft("Expert", frozenset({Right.KNOWLEDGE_VIEW}), None, query)
        role = await create_role(tx, system_caller(organization), draft)
    await olga.post(f"{PATH}/roles/{role}", {"name": "Experts", "rights": ["knowledge.view"]})
    async with db.begin(organization) as tx:
        found = next(one for one in await list_roles(tx, system_caller(organization)) if one.id == role)
    assert (found.name, found.query_metadata) == ("Experts", query)


# --- the rest ---


async def test_the_organization_is_changed(olga, db, organization):
    """Name, and the reading of an empty list of FAQs; the latter makes running answers look again."""
    async with db.begin(organization) as tx:
        before = await get_organization(tx)
    data = {"name": "Northlight Home", "vendor_faq_reading": "true"}
    assert (await olga.post(f"{PATH}/organization", data, htmx=False)).status_code == 303
    async with db.begin(organization) as tx:
        after = await get_organization(tx)
    assert (after.name, after.vendor_faq_reading) == ("Northlight Home", True)
    assert after.scope_version > before.scope_version
    refused = await olga.post(f"{PATH}/organization", {"name": " ", "vendor_faq_reading": "true"}, htmx=False)
    assert refused.status_code == 400
    assert "A name has 1 to 200" in refused.text
    assert "changed the organization" in (await olga.get(f"{PATH}/audit")).text


async def test_the_log_tells_what_was_done(olga, db, organization):
    """In words, with the name of the object, as text."""
    await olga.post(f"{PATH}/keys/new", {"name": EVIL, "rights": ["contacts.view"]})
    text = (await olga.get(f"{PATH}/audit")).text
    assert "made the API key" in text
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text
    rows = await olga.client.get(f"{PATH}/audit", headers={"HX-Request": "true", "HX-Target": "list"})
    assert "made the API key" in rows.text
    assert "<html" not in rows.text


async def test_names_are_text(olga, db, hire, organization):
    """Script in the name of a member, a role or a key shows as text."""
    email = await hire(organization, "viewer", name=EVIL)
    await olga.post(f"{PATH}/roles/new", {"name": EVIL, "rights": ["contacts.view"]})
    await olga.post(f"{PATH}/keys/new", {"name": EVIL, "rights": ["contacts.view"]})
    mia = (await members_of(db, organization))[email]
    for place in ("members", "roles", "keys", f"members/{mia.user_id}/roles", f"members/{mia.user_id}/remove"):
        text = (await olga.get(f"{PATH}/{place}")).text
        assert "<img src=x" not in text, place
        assert "&lt;img src=x" in text, place


async def test_one_signs_out_everywhere_else(olga, browser, app, hire, organization, db):
    """The other session ends, this one goes on."""
    email = next(email for email in await members_of(db, organization) if email.startswith("owner-0"))
    token = olga.client.cookies["fd_session"]
    olga.client.cookies.clear()
    await olga.sign_in(email)
    text = (await olga.get(f"{PATH}/account")).text
    assert "this one" in text
    assert "Sign out everywhere else" in text
    await olga.post(f"{PATH}/account/sign-out-elsewhere", htmx=False)
    assert "Sign out everywhere else" not in (await olga.get(f"{PATH}/account")).text
    olga.client.cookies.clear()
    olga.client.cookies.set("fd_session", token, path="/console")
    assert (await olga.client.get(f"{PATH}/account")).status_code == 303


async def test_nothing_of_another_organization_is_there(olga, db, hire, other_organization):
    """404 for every id of theirs."""
    email = await hire(other_organization, "viewer")
    theirs, roles = (await members_of(db, other_organization))[email], await role_ids(db, other_organization)
    for place in (f"members/{theirs.user_id}/roles", f"members/{theirs.user_id}/remove", f"roles/{roles['viewer']}"):
        assert (await olga.get(f"{PATH}/{place}", htmx=True)).status_code == 404, place
        assert (
            await olga.post(f"{PATH}/{place}", {"name": "x", "roles": [str(roles["viewer"])]})
        ).status_code == 404, place
    assert (await olga.post(f"{PATH}/members/{theirs.user_id}/password-link")).status_code == 404
    assert (await olga.post(f"{PATH}/keys/{roles['viewer']}/revoke")).status_code == 404
    assert (await olga.post(f"{PATH}/invitations/{roles['viewer']}/revoke")).status_code == 404
    given = await olga.post(f"{PATH}/members/invite", {"email": "x@example.com", "roles": [str(roles["viewer"])]})
    assert given.status_code == 400
