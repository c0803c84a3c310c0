"""Platforms in the console: connecting one, its settings, who is proven there, and who reads what."""

import html
import json
import re
from datetime import timedelta

import pytest
from joserfc.jwk import ECKey
from tests.console.talking import open_shop
from tests.making import make_assistant, make_base, make_inbox, make_label

from frontdesk.access.actions import create_profile
from frontdesk.channels import queries
from frontdesk.channels.model import IdentityMode
from frontdesk.core.text import utc_now
from frontdesk.identities.actions import record_refusal
from frontdesk.identities.errors import RefusalReason
from frontdesk.identities.keys import list_realm_keys, load_realm_keys
from frontdesk.identities.proofs import verify_token
from frontdesk.organizations.model import system_caller

EVIL = "<img src=x onerror=alert(1)>\"'"


@pytest.fixture
async def shop(services, organization):
    inbox, _ = await open_shop(services, organization)
    return inbox


async def read(db, organization, inbox):
    async with db.begin(organization) as tx:
        return await queries.get_inbox(tx, inbox.id)


async def keys_of(db, organization, inbox):
    async with db.begin(organization) as tx:
        return await list_realm_keys(tx, system_caller(organization), inbox.realm_id)


async def test_an_empty_list_leads_to_an_assistant_first(olga):
    """There is nothing to connect without one."""
    text = (await olga.get("/console/platforms")).text
    assert "No platforms yet" in text
    assert 'href="/console/assistants"' in text


async def test_a_web_chat_is_connected(olga, db, organization):
    """The next page asks who reads what; nothing is open yet."""
    async with db.begin(organization) as tx:
        assistant = await make_assistant(tx, system_caller(organization))
    data = {"name": "Shop web", "kind": "web", "assistant": str(assistant.id), "people": "own"}
    made = await olga.post("/console/platforms/new", data)
    path = made.headers["hx-redirect"].removesuffix("/access")
    assert "they read nothing" in (await olga.get(f"{path}/access")).text
    text = (await olga.get(path)).text
    assert "/widget.js" in text
    assert "Nobody reads anything here." in text
    assert "Shop web" in (await olga.get("/console/platforms")).text


async def test_a_refused_connection_keeps_the_form(olga):
    """The messages stand at the fields."""
    response = await olga.post("/console/platforms/new", {"name": "Shop web", "assistant": "nonsense"})
    assert response.status_code == 400
    assert "There is no such assistant." in response.text
    assert 'value="Shop web"' in response.text


async def test_settings_are_saved(olga, db, organization, shop):
    """Empty rows are left out."""
    path = f"/console/platforms/{shop.id}"
    data = {
        "name": "Shop", "assistant": str(shop.assistant_id), "greeting": "Hello!",
        "allowed_origins": ["https://Shop.example.com/", ""], "starters": ["Where are you?", ""],
    }  # fmt: skip
    assert (await olga.post(path, data, htmx=False)).status_code == 303
    inbox = await read(db, organization, shop)
    assert (inbox.name, inbox.allowed_origins, inbox.starters) == (
        "Shop",
        ("https://shop.example.com",),
        ("Where are you?",),
    )
    refused = await olga.post(path, {**data, "allowed_origins": ["shop"]}, htmx=False)
    assert refused.status_code == 400
    assert 'value="shop"' in refused.text
    assert "Write an origin such as" in refused.text


async def test_a_platform_is_disconnected_after_a_question(olga, db, organization, shop):
    """The assistant's own inbox is not offered."""
    path = f"/console/platforms/{shop.id}"
    assert "Contacts and conversations are kept." in (await olga.get(f"{path}/delete", htmx=True)).text
    async with db.begin(organization) as tx:
        own = (await queries.find_own_inboxes(tx, [shop.assistant_id]))[shop.assistant_id]
    assert f"{own.id}/delete" not in (await olga.get(f"/console/platforms/{own.id}")).text
    assert (await olga.post(f"/console/platforms/{own.id}/delete")).status_code == 409
    assert (await olga.post(f"{path}/delete")).status_code == 204
    assert (await olga.get(path)).status_code == 404


async def test_the_mode_of_identity_is_saved(olga, db, organization, shop):
    """Pages are then told to send a token."""
    path = f"/console/platforms/{shop.id}"
    assert "getIdentityToken" not in (await olga.get(path)).text
    await olga.post(f"{path}/identity", {"identity_mode": "jwt", "on_login": "separate"})
    inbox = await read(db, organization, shop)
    assert (inbox.identity_mode, inbox.on_login) == ("jwt", "separate")
    assert "getIdentityToken" in (await olga.get(path)).text
    assert (await olga.post(f"{path}/identity", {"identity_mode": "maybe"})).status_code == 400


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize(("how", "algorithm"), [("pair", "EdDSA"), ("secret", "HS256")])
async def test_the_sample_signs_what_is_accepted(olga, db, services, organization, shop, how, algorithm, monkeypatch):
    """What is shown once, put where the sample reads it, makes tokens that the platform takes."""
    path = f"/console/platforms/{shop.id}"
    data = {"how": how, "name": "Shop", "issuer": "https://shop.example.com", "kid": 'k"1'}
    made = await olga.post(f"{path}/keys/new", data)
    secret = html.unescape(re.search(r'<pre class="fd-json fd-secret">(.*?)</pre>', made.text, re.DOTALL)[1])
    text = (await olga.get(f"{path}/identity")).text
    assert secret.strip() not in html.unescape(text)
    sample = html.unescape(re.search(r"<pre class=\"fd-json\">(import os.*?)</pre>", text, re.DOTALL)[1])
    monkeypatch.setenv("FRONTDESK_KEY", secret)
    names: dict[str, object] = {}
    exec(sample, names)  # noqa: S102 -- the sample that people are shown
    token = names["sign_chat_token"]("M-1001", "Ann Zhang")
    async with db.begin(organization) as tx:
        keys = await load_realm_keys(tx, services.cipher, shop.realm_id)
    proof = verify_token(token, keys=keys, audience=shop.public_id, now=utc_now())
    assert (proof.key.source_id, proof.card.name, keys[0].algorithm) == ("M-1001", "Ann Zhang", algorithm)
    checked = await olga.post(f"{path}/identity/check", {"token": token})
    assert "This token proves somebody." in checked.text
    assert "M-1001" in checked.text


async def test_a_refused_token_is_explained(olga, db, organization, shop):
    """With the reason that no visitor sees."""
    checked = await olga.post(f"/console/platforms/{shop.id}/identity/check", {"token": "a.b"})
    assert "malformed" in checked.text
    assert "This is no compact JWS" in checked.text


async def test_a_public_key_is_uploaded_and_a_private_one_refused(olga, db, organization, shop):
    """The form stays with what was written."""
    pair = ECKey.generate_key("P-256")
    path = f"/console/platforms/{shop.id}/keys/new"
    data = {"how": "upload", "name": "Shop", "issuer": "https://shop.example.com"}
    private = await olga.post(path, {**data, "public_key": pair.as_pem(private=True).decode()})
    assert private.status_code == 400
    assert "This is a private key." in private.text
    assert 'value="https://shop.example.com"' in private.text
    assert (await olga.post(path, {**data, "public_key": pair.as_pem(private=False).decode()})).status_code == 204
    assert [key.algorithm for key in await keys_of(db, organization, shop)] == ["ES256"]


async def test_a_key_is_limited_retired_and_revoked(olga, db, organization, shop):
    """Each with a step of its own; a day that is over is refused at its field."""
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        vip, _ = await create_profile(tx, caller, {"name": "VIP"})
    await olga.post(f"/console/platforms/{shop.id}/keys/new", {"how": "pair", "name": "Shop", "issuer": "shop"})
    (key,) = await keys_of(db, organization, shop)
    path = f"/console/platforms/{shop.id}/keys/{key.id}"
    assert "VIP" in (await olga.get(f"{path}/limits", htmx=True)).text
    assert (await olga.post(f"{path}/limits", {"profiles": [str(vip.id)], "may_narrow": "true"})).status_code == 204
    past = (utc_now() - timedelta(days=2)).date().isoformat()
    refused = await olga.post(f"{path}/retire", {"until": past})
    assert refused.status_code == 400
    assert "Choose a day that is not over." in refused.text
    until = (utc_now() + timedelta(days=2)).date().isoformat()
    assert (await olga.post(f"{path}/retire", {"until": until})).status_code == 204
    (key,) = await keys_of(db, organization, shop)
    assert (key.state, list(key.allowed_profiles.values()), key.may_narrow) == ("verify_only", ["VIP"], True)
    assert "verify only until" in (await olga.get(f"/console/platforms/{shop.id}/identity")).text
    assert (await olga.post(f"{path}/activate")).status_code == 204
    assert "Sessions that it proved end at once" in (await olga.get(f"{path}/revoke", htmx=True)).text
    assert (await olga.post(f"{path}/revoke")).status_code == 204
    assert (await keys_of(db, organization, shop))[0].state == "revoked"


async def test_refused_proofs_are_counted_by_reason(olga, db, organization, shop):
    """With the private detail and the number of the request."""
    reason, detail = RefusalReason.AUDIENCE_MISMATCH, f"aud is {EVIL}"
    for _ in range(3):
        await record_refusal(db, organization, shop, reason, detail, request_id="request-7")
    async with db.begin(organization) as tx:
        await tx.execute(
            "UPDATE proof_failures SET at = at - interval '2 days' WHERE id = (SELECT min(id::text)::uuid FROM proof_failures)"
        )
    text = (await olga.get(f"/console/platforms/{shop.id}/identity")).text
    counted = '<code>audience_mismatch</code></td><td class="fd-num">2</td><td class="fd-num">3</td>'
    assert counted in text
    assert "request-7" in text
    assert "<img src=x" not in text


async def test_conditions_are_counted_before_they_are_saved(olga, db, services, organization):
    """What they open of the assistant's documents, and the line that cannot be read."""
    shop, base = await open_shop(services, organization)
    path = f"/console/platforms/{shop.id}/access/members"
    text = json.dumps({"knowledge_bases": [{"knowledge_base_id": str(base.id), "has_user_selected_all": True}]})
    opened = await olga.post(f"{path}/check", {"text": text})
    assert '<b class="fd-b">1</b>' in opened.text
    broken = await olga.post(f"{path}/check", {"text": '{"knowledge_bases": [\n  oops]}'})
    assert "This is not JSON" in broken.text
    assert "<mark>  oops]}</mark>" in broken.text
    unknown = await olga.post(f"{path}/check", {"text": '{"knowledge_bases": [{"knowledge_base_id": "x"}]}'})
    assert "<code>/knowledge_bases/0/knowledge_base_id</code>" in unknown.text
    assert (await read(db, organization, shop)).member_scope is None
    assert (await olga.post(path, {"text": text})).status_code == 204
    assert (await read(db, organization, shop)).member_scope == json.loads(text)
    refused = await olga.post(path, {"text": "[]"})
    assert refused.status_code == 400
    assert "Query metadata is an object" in refused.text


async def test_a_base_that_the_assistant_lacks_is_remarked(olga, db, organization, shop):
    """It is saved, and the page goes on saying that it opens nothing."""
    async with db.begin(organization) as tx:
        other = await make_base(tx, "Other")
    text = json.dumps({"knowledge_bases": [{"knowledge_base_id": str(other), "has_user_selected_all": True}]})
    assert (await olga.post(f"/console/platforms/{shop.id}/access/visitors", {"text": text})).status_code == 204
    assert (
        "No assistant of these platforms has this knowledge base"
        in (await olga.get(f"/console/platforms/{shop.id}/access")).text
    )


async def test_the_boxes_offer_bases_and_labels(olga, db, services, organization):
    """Those of the assistant."""
    shop, base = await open_shop(services, organization)
    async with db.begin(organization) as tx:
        label = await make_label(tx, base.id, "public")
    text = (await olga.get(f"/console/platforms/{shop.id}/access/visitors", htmx=True)).text
    assert f'data-base="{base.id}"' in text
    assert f'<option value="{label}">public</option>' in text


async def test_names_are_text(olga, db, organization):
    """Script in a platform's name, greeting, starter, key or assistant shows as text."""
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        inbox = await make_inbox(tx, caller, EVIL, greeting=EVIL, starters=(EVIL,), identity_mode=IdentityMode.JWT)
    await olga.post(
        f"/console/platforms/{inbox.id}/keys/new", {"how": "pair", "name": EVIL, "issuer": EVIL, "kid": EVIL}
    )
    for path in ("", f"/{inbox.id}", f"/{inbox.id}/identity", f"/{inbox.id}/access", f"/{inbox.id}/delete"):
        text = (await olga.get(f"/console/platforms{path}")).text
        assert "<img src=x" not in text, path
        assert "&lt;img src=x" in text, path


async def test_a_viewer_reads_and_does_not_edit(vera, db, organization, shop):
    """No button is offered, and no address answers."""
    path = f"/console/platforms/{shop.id}"
    for place in ("", "/identity", "/access"):
        text = (await vera.get(f"{path}{place}")).text
        assert f'hx-get="{path}' not in text.replace(f"{path}/explain", ""), place  # which only reads
        assert ">Save<" not in text, place
    for place in ("/delete", "/keys/new", "/access/visitors"):
        assert (await vera.get(f"{path}{place}", htmx=True)).status_code == 403, place
    for place in (
        "",
        "/delete",
        "/identity",
        "/identity/check",
        "/keys/new",
        "/access/visitors",
        "/access/visitors/check",
    ):
        assert (await vera.post(f"{path}{place}")).status_code == 403, place
    assert (await vera.post("/console/platforms/new")).status_code == 403


async def test_a_platform_of_another_organization_is_not_there(olga, db, services, other_organization):
    """404 for every address, and nothing is written."""
    inbox, _ = await open_shop(services, other_organization)
    path = f"/console/platforms/{inbox.id}"
    nobody = "0" * 8 + "-0000-0000-0000-" + "0" * 12
    for place in ("", "/identity", "/access", "/delete", "/keys/new", "/access/visitors", f"/keys/{nobody}/limits"):
        assert (await olga.get(f"{path}{place}", htmx=True)).status_code == 404, place
    posts = (
        ("", {"name": "Mine", "assistant": str(inbox.assistant_id)}), ("/delete", {}), ("/identity", {"identity_mode": "jwt", "on_login": "merge"}),
        ("/identity/check", {"token": "x"}), ("/keys/new", {"how": "pair", "name": "k", "issuer": "i"}), ("/access/visitors", {"text": "{}"}),
        ("/access/visitors/check", {"text": "{}"}), (f"/keys/{nobody}/revoke", {}), (f"/keys/{nobody}/retire", {"until": "2999-01-01"}),
    )  # fmt: skip
    for place, data in posts:
        assert (await olga.post(f"{path}{place}", data)).status_code == 404, place
    assert await read(db, other_organization, inbox) == inbox
    assert await keys_of(db, other_organization, inbox) == []
