"""Assistants in the console: what they are told, their model, and trying one."""

import pytest
from tests.console.talking import open_shop
from tests.making import make_assistant, make_base

from frontdesk.assistants import queries
from frontdesk.core.ids import AssistantId
from frontdesk.organizations.model import Right, system_caller
from frontdesk.organizations.records import RoleDraft
from frontdesk.organizations.roles import create_role

EVIL = "<img src=x onerror=alert(1)>\"'"
KEY = "sk-very-secret"


@pytest.fixture
async def shop(services, organization):
    """A web chat whose assistant knows one FAQ."""
    inbox, _ = await open_shop(services, organization)
    return inbox


async def read(db, organization, assistant_id):
    async with db.begin(organization) as tx:
        assistant = await queries.get_assistant(tx, AssistantId(assistant_id))
        return assistant, await queries.list_bases_of(tx, assistant.id)


async def test_an_assistant_is_made_and_changed(olga, db, organization):
    """From the first step that an empty screen offers."""
    assert "No assistants yet" in (await olga.get("/console/assistants")).text
    async with db.begin(organization) as tx:
        base = await make_base(tx, "Shop")
    made = await olga.post("/console/assistants/new", {"name": "Shop assistant", "bases": [str(base)]})
    path = made.headers["hx-redirect"]
    assert "Shop assistant" in (await olga.get("/console/assistants")).text
    data = {
        "name": "Helper",
        "instructions": "Be brief.",
        "provider": "anthropic",
        "model_name": "m-1",
        "model_key": KEY,
    }
    assert (await olga.post(path, data, htmx=False)).status_code == 303
    assistant, bases = await read(db, organization, path.rpartition("/")[2])
    assert (assistant.name, assistant.instructions, assistant.model_name, bases) == ("Helper", "Be brief.", "m-1", [])
    assert assistant.has_model_key


async def test_the_key_is_written_and_never_shown(olga, db, organization, shop):
    """An empty field keeps it; a tick forgets it."""
    path = f"/console/assistants/{shop.assistant_id}"
    data = {"name": "A", "provider": "google", "model_name": "m-1"}
    await olga.post(path, {**data, "model_key": KEY}, htmx=False)
    page = await olga.get(path)
    assert KEY not in page.text
    assert "A key is stored." in page.text
    await olga.post(path, {**data, "model_name": "m-2"}, htmx=False)
    assert (await read(db, organization, shop.assistant_id))[0].has_model_key
    refused = await olga.post(path, {**data, "model_name": " ", "model_key": KEY}, htmx=False)
    assert refused.status_code == 400
    assert 'id="f-model_name-help"' in refused.text
    assert KEY not in refused.text
    await olga.post(path, {**data, "forgets_key": "true"}, htmx=False)
    assert not (await read(db, organization, shop.assistant_id))[0].has_model_key


async def test_an_address_that_is_not_allowed_is_refused_at_its_field(olga, db, organization, shop):
    """Whatever is sent, a key goes to no address that the operator does not list."""
    path = f"/console/assistants/{shop.assistant_id}"
    data = {
        "name": "A",
        "provider": "openai",
        "model_name": "m-1",
        "base_url": "https://evil.example",
        "instructions": "Kept.",
    }
    refused = await olga.post(path, data, htmx=False)
    assert refused.status_code == 400
    assert "has not allowed this address" in refused.text
    assert "Kept." in refused.text


async def test_it_is_tried_as_a_visitor(olga, shop):
    """The answer with its sources; a member of that platform, who has no scope there, is told that nothing was found."""
    path = f"/console/assistants/{shop.assistant_id}/try"
    visitor = await olga.post(path, {"question": "When are you open?", "inbox": str(shop.id)})
    assert "From ten to seven.<sup>1</sup>" in visitor.text
    assert "1 document readable" in visitor.text
    member = await olga.post(path, {"question": "When are you open?", "inbox": str(shop.id), "speaker": "member"})
    assert "nothing found" in member.text
    empty = await olga.post(path, {"question": " ", "inbox": str(shop.id)})
    assert empty.status_code == 400
    assert "Write something first." in empty.text


async def test_an_assistant_in_use_is_not_deleted(olga, db, organization, shop):
    """The dialog names the platforms that connect it."""
    path = f"/console/assistants/{shop.assistant_id}"
    refused = await olga.post(f"{path}/delete")
    assert refused.status_code == 409
    assert f"/console/platforms/{shop.id}" in refused.text
    async with db.begin(organization) as tx:
        free = await make_assistant(tx, system_caller(organization), "Free")
    assert (await olga.post(f"/console/assistants/{free.id}/delete")).status_code == 204
    assert "Free" not in (await olga.get("/console/assistants")).text.replace("The assistant is deleted", "")


async def test_texts_are_text(olga, db, services, organization):
    """Script in a name, an instruction or an answer shows as text."""
    inbox, _ = await open_shop(services, organization, answer=EVIL)
    path = f"/console/assistants/{inbox.assistant_id}"
    await olga.post(path, {"name": EVIL, "instructions": f"</textarea>{EVIL}", "bases": []}, htmx=False)
    for address in ("/console/assistants", path, f"{path}/delete"):
        text = (await olga.get(address)).text
        assert "<img src=x" not in text, address
        assert "&lt;img src=x" in text, address


async def test_a_viewer_reads_and_tries(vera, shop):
    """No button to save is offered, and no address writes."""
    path = f"/console/assistants/{shop.assistant_id}"
    text = (await vera.get(path)).text
    assert "Shop assistant" in text
    assert ">Save<" not in text
    assert f"{path}/delete" not in text
    assert (
        "From ten" in (await vera.post(f"{path}/try", {"question": "When are you open?", "inbox": str(shop.id)})).text
    )
    for address in (path, f"{path}/delete", "/console/assistants/new"):
        assert (await vera.post(address, {"name": "X"})).status_code == 403, address


async def test_an_assistant_of_another_organization_is_not_there(olga, db, services, organization, other_organization):
    """404 for every address; a platform of theirs is none of mine, either."""
    theirs, _ = await open_shop(services, other_organization)
    mine, _ = await open_shop(services, organization)
    path = f"/console/assistants/{theirs.assistant_id}"
    for address in ("", "/delete"):
        assert (await olga.get(f"{path}{address}", htmx=True)).status_code == 404, address
    for address, data in (
        ("", {"name": "Mine"}),
        ("/delete", {}),
        ("/try", {"question": "Q", "inbox": str(theirs.id)}),
    ):
        assert (await olga.post(f"{path}{address}", data)).status_code == 404, address
    crossed = {"question": "When are you open?", "inbox": str(theirs.id)}
    assert (await olga.post(f"/console/assistants/{mine.assistant_id}/try", crossed)).status_code == 404
    assert (await read(db, other_organization, theirs.assistant_id))[0].name == "Shop assistant"


async def test_trying_shows_no_documents_to_who_may_not_see_any(browser, hire, db, organization, shop):
    """Whoever sees assistants but no knowledge cannot read it through an answer."""
    rights = frozenset({Right.ASSISTANTS_VIEW, Right.INBOXES_VIEW})
    async with db.begin(organization) as tx:
        await create_role(tx, system_caller(organization), RoleDraft("blind", rights))
    await browser.sign_in(await hire(organization, "blind"))
    path = f"/console/assistants/{shop.assistant_id}/try"
    response = await browser.post(path, {"question": "When are you open?", "inbox": str(shop.id)})
    assert response.status_code == 403
    assert "From ten" not in response.text
