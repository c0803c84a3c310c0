"""Who gets in, stays in, and gets out."""

from urllib.parse import urlsplit

from frontdesk.organizations.invitations import invite_member
from frontdesk.organizations.model import system_caller
from frontdesk.organizations.resets import request_password_reset
from frontdesk.organizations.roles import list_roles


async def test_a_stranger_is_sent_to_sign_in_and_comes_back(browser, hire, organization):
    """Whoever opens an address before signing in arrives there afterwards."""
    response = await browser.client.get("/console/look?x=1")
    assert response.status_code == 303
    assert response.headers["location"] == "/console/sign-in?next=/console/look%3Fx%3D1"
    email = await hire(organization, "viewer")
    signed_in = await browser.client.post(
        "/console/sign-in", data={"email": email, "password": "correct horse battery", "next": "/console/look?x=1"}
    )
    assert signed_in.headers["location"] == "/console/look?x=1"


async def test_next_never_leads_away(browser, hire, organization):
    """A forged address cannot use our sign-in to send people elsewhere."""
    email = await hire(organization, "viewer")
    for forged in (
        "https://evil.example/console",
        "//evil.example",
        "/console//evil.example",
        "/console/\\evil.example",
        "/consoles",
    ):
        data = {"email": email, "password": "correct horse battery", "next": forged}
        response = await browser.client.post("/console/sign-in", data=data)
        assert response.headers["location"] == "/console", forged


async def test_the_session_cookie_is_out_of_reach_of_scripts(browser, hire, organization):
    """HttpOnly, same-site, for the console only."""
    response = await browser.sign_in(await hire(organization, "viewer"))
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("fd_session=")
    assert {"HttpOnly", "Path=/console", "SameSite=lax"} <= set(cookie.split("; "))


async def test_a_wrong_password_keeps_the_email_and_says_no_more(browser, hire, organization):
    """The answer is the same as for an e-mail that nobody has."""
    email = await hire(organization, "viewer")
    wrong = await browser.sign_in(email, "wrong password")
    unknown = await browser.sign_in("nobody@example.com", "wrong password")
    assert wrong.status_code == unknown.status_code == 401
    assert f'value="{email}"' in wrong.text
    assert "The e-mail or the password is wrong" in wrong.text
    assert wrong.text.replace(email, "") == unknown.text.replace("nobody@example.com", "")


async def test_signing_out_ends_the_session_on_the_server(olga):
    """The old cookie opens nothing any more."""
    token = olga.client.cookies["fd_session"]
    await olga.post("/console/sign-out", htmx=False)
    olga.client.cookies.set("fd_session", token, path="/console")
    assert (await olga.client.get("/console")).headers["location"].startswith("/console/sign-in")


async def test_an_unsafe_request_needs_the_token_of_the_session(olga):
    """A request forged by another site carries the cookie at most, not the token."""
    olga.csrf_token = "forged"
    assert (await olga.post("/console/look", {"theme": "dark"})).status_code == 403
    response = await olga.client.post("/console/look", data={"theme": "dark"})
    assert response.status_code == 403
    assert "This page is too old" in response.text


async def test_the_token_may_stand_in_the_form(olga):
    """Forms work without our script."""
    response = await olga.client.post("/console/look", data={"theme": "dark", "csrf_token": olga.csrf_token})
    assert response.status_code == 303
    assert 'data-theme-choice="dark"' in (await olga.get("/console")).text


async def test_a_partial_request_without_session_moves_the_whole_page(browser):
    """Htmx is told to go to sign-in instead of placing a sign-in form into a corner."""
    response = await browser.get("/console/live", htmx=True)
    assert response.status_code == 401
    assert response.headers["hx-redirect"] == "/console/sign-in"


async def test_pages_run_no_script_but_ours(olga):
    """The policy allows no inline script or style, and pages have none."""
    response = await olga.get("/console")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert " style=" not in response.text
    assert "<style" not in response.text
    assert response.headers["referrer-policy"] == "same-origin"


async def test_an_invited_person_joins_and_is_signed_in(browser, db, organization):
    """The link asks for a name and a password, and leads into the console."""
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        role = next(one for one in await list_roles(tx, caller) if one.name == "agent")
        _, token = await invite_member(tx, caller, email="new@northlight.example", role_ids=[role.id])
    shown = await browser.get(f"/console/join?token={token}")
    assert "Join Northlight" in shown.text
    short = await browser.client.post("/console/join", data={"token": token, "name": "Nora", "password": "short"})
    assert short.status_code == 400
    assert 'value="Nora"' in short.text
    joined = await browser.client.post(
        "/console/join", data={"token": token, "name": "Nora", "password": "long enough now"}
    )
    assert joined.headers["location"] == "/console"
    assert "Nora" in (await browser.get("/console")).text
    assert (await browser.get(f"/console/join?token={token}")).status_code == 410


async def test_a_password_link_sets_a_new_password(browser, db, hire, organization):
    """The old password is refused afterwards, the new one is taken."""
    email = await hire(organization, "viewer")
    _, token = await request_password_reset(db, email=email, address="192.0.2.7")
    assert email in (await browser.get(f"/console/new-password?token={token}")).text
    response = await browser.client.post("/console/new-password", data={"token": token, "password": "another long one"})
    assert urlsplit(response.headers["location"]).path == "/console/sign-in"
    assert "Your new password is set" in (await browser.get("/console/sign-in")).text
    assert (await browser.sign_in(email)).status_code == 401
    assert (await browser.sign_in(email, "another long one")).status_code == 303


async def test_asking_for_a_password_link_tells_nothing(browser, hire, organization):
    """Known and unknown e-mails get the same answer."""
    email = await hire(organization, "viewer")
    answers = [
        (await browser.client.post("/console/forgotten-password", data={"email": one})).text.replace(one, "")
        for one in (email, "nobody@example.com")
    ]
    assert answers[0] == answers[1]


async def test_pages_speak_the_language_of_the_browser(browser):
    """Chinese for whoever asks for it, English for everybody else."""
    for asked, language in (
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh-Hant"),
        ("zh", "zh-Hant"),
        ("fr", "en"),
        ("en-GB,zh-TW;q=0.5", "en"),
    ):
        response = await browser.client.get("/console/sign-in", headers={"Accept-Language": asked})
        assert f'<html lang="{language}"' in response.text, asked


async def test_an_unknown_address_is_a_page(olga):
    """404 in the frame of the console, with the number to quote."""
    response = await olga.get("/console/no-such-screen")
    assert response.status_code == 404
    assert "Not found" in response.text
    assert response.headers["x-request-id"] in response.text
