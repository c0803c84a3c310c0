"""Inboxes: connected, changed, disconnected, and seen by those whose they are."""

import asyncio
from uuid import UUID

import pytest
from tests.making import RULES, make_assistant, make_base, make_inbox, member, opens

from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.queries import get_scope_version
from frontdesk.assistants.queries import get_assistant
from frontdesk.channels import queries
from frontdesk.channels.access import access_assistant, access_inbox, list_visible_assistants, list_visible_inboxes
from frontdesk.channels.actions import create_inbox, delete_inbox, update_inbox
from frontdesk.channels.assistant_actions import (
    create_assistant_with_inbox,
    delete_assistant_with_inbox,
    update_assistant,
)
from frontdesk.channels.errors import AssistantInUse, InboxOfAssistant
from frontdesk.channels.model import ChannelType, IdentityMode, RealmKind
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound
from frontdesk.core.ids import AssistantId, InboxId, new_id
from frontdesk.organizations.directory import find_organization
from frontdesk.organizations.model import Right, system_caller

WEB, API, LINE = ChannelType.WEB, ChannelType.API, ChannelType.LINE


async def test_an_inbox_is_kept_as_it_was_made(tx, owner):
    """Nothing is open until somebody opens it, and nobody is proven until somebody asks for proofs."""
    inbox = await make_inbox(tx, owner, greeting="Hello", starters=(" Hours? ", ""), allowed_origins=("https://A.tw",))
    assert await queries.get_inbox(tx, inbox.id) == inbox
    assert (inbox.greeting, inbox.starters, inbox.allowed_origins) == ("Hello", ("Hours?",), ("https://a.tw",))
    assert (inbox.visitor_scope, inbox.member_scope, inbox.query_metadata) == (None, None, None)
    assert inbox.identity_mode is IdentityMode.NONE


async def test_the_directory_knows_an_inbox_by_its_public_id(db, organization, owner):
    """A page that knows nothing else finds the organization; the id tells nothing by itself."""
    async with db.begin(organization) as tx:
        inbox = await make_inbox(tx, owner)
        assert await queries.find_inbox_by_public_id(tx, inbox.public_id) == inbox
        assert await queries.find_inbox_by_public_id(tx, str(inbox.id)) is None
    async with db.begin_bootstrap() as tx:
        assert await find_organization(tx, inbox.public_id, "inbox") == organization
    assert UUID(inbox.public_id).version == 4


async def test_web_and_api_inboxes_share_the_member_realm(tx, owner):
    """One source id is one person in all of them; an inbox run by outsiders and a platform account have their own."""
    shop = await make_assistant(tx, owner)
    web, api = [await make_inbox(tx, owner, kind.value, assistant=shop, kind=kind) for kind in (WEB, API)]
    line = await make_inbox(tx, owner, "LINE Official", assistant=shop, kind=LINE)
    changes = {"name": "Partners", "assistant_id": shop.id}
    partners, _ = await create_inbox(tx, owner, changes, channel_type=WEB, has_own_realm=True)
    realms = {realm.id: realm for realm in await queries.list_realms(tx)}
    default = await queries.get_default_realm(tx)
    assert web.realm_id == api.realm_id == default.id == next(iter(realms))
    assert (realms[line.realm_id].kind, realms[line.realm_id].name) == (RealmKind.CHANNEL, "LINE Official")
    assert (realms[partners.realm_id].kind, realms[partners.realm_id].is_default) == (RealmKind.MEMBER, False)
    assert len(realms) == 3


async def test_the_member_realm_is_made_once(db, organization):
    """However many ask for it first, at once."""

    async def ask() -> object:
        async with db.begin(organization) as tx:
            return (await queries.get_default_realm(tx)).id

    assert len(set(await asyncio.gather(*(ask() for _ in range(8))))) == 1


async def test_scopes_are_noticed_and_other_settings_are_not(tx, owner):
    """What decides who reads what raises the scope version; a greeting does not; writing the same does nothing."""
    base = await make_base(tx, "Public")
    inbox = await make_inbox(tx, owner, assistant=await make_assistant(tx, owner, "Shop", base))
    before = await get_scope_version(tx)
    greeted, _ = await update_inbox(tx, owner, inbox.id, {"greeting": "Hello"})
    assert (greeted.greeting, await get_scope_version(tx)) == ("Hello", before)
    for name in ("visitor_scope", "member_scope", "query_metadata"):
        before = await get_scope_version(tx)
        opened, warnings = await update_inbox(tx, owner, inbox.id, {name: opens(base)})
        assert (getattr(opened, name), warnings) == (opens(base), ())
        again, _ = await update_inbox(tx, owner, inbox.id, {name: opens(base)})
        assert (again, await get_scope_version(tx)) == (opened, before + 1)
    assert await queries.get_inbox(tx, inbox.id) == again


async def test_a_base_that_the_assistant_has_not_got_warns(tx, owner):
    """The scope is saved and opens nothing, and the warning stays until it is settled."""
    far = await make_base(tx, "Far")
    inbox = await make_inbox(tx, owner)
    _, [warning] = await update_inbox(tx, owner, inbox.id, {"visitor_scope": opens(far)})
    assert (warning.code, warning.pointer) == ("base-out-of-reach", "/visitorScope/knowledge_bases/0")
    _, still = await update_inbox(tx, owner, inbox.id, {"greeting": "Hello"})
    assert still == (warning,)
    _, settled = await update_inbox(
        tx, owner, inbox.id, {"assistant_id": (await make_assistant(tx, owner, "B", far)).id}
    )
    assert settled == ()


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"starters": ("x" * 201,)}, "/starters/0"),
        ({"starters": ("x",) * 11}, "/starters"),
        ({"greeting": "\x00"}, "/greeting"),
        ({"allowed_origins": ("https://*",)}, "/allowedOrigins/0"),
        ({"assistant_id": AssistantId(new_id())}, "/chatbot"),
        ({"member_scope": {"knowledge_base": []}}, "/memberScope/knowledge_base"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place(tx, owner, changes, pointer):
    """Nothing of the change is written."""
    inbox = await make_inbox(tx, owner)
    with pytest.raises((InvalidRequest, InvalidQueryMetadata)) as refused:
        await update_inbox(tx, owner, inbox.id, changes)
    assert refused.value.pointer == pointer
    assert await queries.get_inbox(tx, inbox.id) == inbox


async def test_proofs_are_for_web_inboxes(tx, owner):
    """The API speaks with a key; there is no page to bring a token."""
    inbox = await make_inbox(tx, owner, kind=API)
    with pytest.raises(InvalidRequest):
        await update_inbox(tx, owner, inbox.id, {"identity_mode": IdentityMode.JWT})
    web = await make_inbox(tx, owner, "Web", identity_mode=IdentityMode.JWT)
    assert web.identity_mode is IdentityMode.JWT


async def test_a_deleted_inbox_is_found_by_nobody(tx, owner):
    """Not by id, public id or in a list; answers that are being given through it look again."""
    inbox, before = await make_inbox(tx, owner), await get_scope_version(tx)
    await delete_inbox(tx, owner, inbox.id)
    with pytest.raises(NotFound):
        await access_inbox(tx, owner, inbox.id, Right.INBOXES_VIEW)
    assert await queries.find_inbox_by_public_id(tx, inbox.public_id) is None
    assert inbox not in (await list_visible_inboxes(tx, owner))[0]
    assert await get_scope_version(tx) == before + 1


# --- whose inboxes ---


async def test_a_member_sees_own_inboxes_and_their_assistants(tx, owner):
    """What belongs to other inboxes looks absent, in lists and one by one."""
    mine, theirs = await make_inbox(tx, owner, "Mine"), await make_inbox(tx, owner, "Theirs")
    agent = member(owner, inboxes={mine.id})
    assert await list_visible_inboxes(tx, agent) == ([mine], 1)
    assert [one.id for one in (await list_visible_assistants(tx, agent))[0]] == [mine.assistant_id]
    assert (await access_assistant(tx, agent, mine.assistant_id)).id == mine.assistant_id
    for attempt in (
        access_inbox(tx, agent, theirs.id, Right.INBOXES_VIEW),
        access_assistant(tx, agent, theirs.assistant_id),
        update_inbox(tx, agent, theirs.id, {"name": "Mine now"}),
        delete_inbox(tx, agent, theirs.id),
        update_assistant(tx, agent, theirs.assistant_id, {"name": "Mine now"}, RULES),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_a_limited_member_makes_nothing_that_lies_outside(tx, owner):
    """A new inbox or assistant would be nobody's the member knows; a shared assistant is not the member's to change."""
    mine = await make_inbox(tx, owner, "Mine")
    theirs = await make_inbox(tx, owner, "Theirs")
    agent = member(owner, inboxes={mine.id})
    changes = {"name": "New", "assistant_id": mine.assistant_id}
    for attempt in (
        create_inbox(tx, agent, changes, channel_type=WEB),
        create_assistant_with_inbox(tx, agent, {"name": "New"}, RULES),
        update_assistant(tx, agent, mine.assistant_id, {"name": "New"}, RULES),
    ):
        with pytest.raises(Forbidden):
            await attempt
    with pytest.raises(InvalidRequest):
        await update_inbox(tx, agent, mine.id, {"assistant_id": theirs.assistant_id})


async def test_another_organizations_inbox_is_not_found(tx, owner, db, other_organization):
    """By any of its ids, with every right; and it connects no assistant of ours."""
    async with db.begin(other_organization) as theirs:
        foreign = await make_inbox(theirs, system_caller(other_organization))
    with pytest.raises(NotFound):
        await access_inbox(tx, owner, foreign.id, Right.INBOXES_VIEW)
    assert await queries.find_inbox_by_public_id(tx, foreign.public_id) is None
    with pytest.raises(InvalidRequest):
        await create_inbox(tx, owner, {"name": "X", "assistant_id": foreign.assistant_id}, channel_type=WEB)


# --- assistants and their own inbox ---


async def test_an_assistant_comes_with_an_inbox_of_its_own(tx, owner):
    """It speaks through the API at once; that inbox stays with it."""
    shop, own = await create_assistant_with_inbox(tx, owner, {"name": "Shop"}, RULES)
    other = await make_assistant(tx, owner, "Other")
    await make_inbox(tx, owner, "Second", assistant=shop, kind=API)
    assert (own.channel_type, own.name, own.assistant_id) == (API, "Shop", shop.id)
    assert (await queries.find_own_inboxes(tx, [shop.id, other.id]))[shop.id] == own
    with pytest.raises(InboxOfAssistant):
        await delete_inbox(tx, owner, own.id)
    with pytest.raises(InboxOfAssistant):
        await update_inbox(tx, owner, own.id, {"assistant_id": other.id})


async def test_an_assistant_in_use_is_not_deleted(tx, owner):
    """The refusal names the inboxes and changes nothing; afterwards it goes with its own inbox."""
    shop, own = await create_assistant_with_inbox(tx, owner, {"name": "Shop"}, RULES)
    web = await make_inbox(tx, owner, "Web", assistant=shop)
    with pytest.raises(AssistantInUse) as refused:
        await delete_assistant_with_inbox(tx, owner, shop.id)
    assert refused.value.facts == {"inboxes": [{"id": str(web.id), "name": "Web"}]}
    assert await get_assistant(tx, shop.id) == shop
    await delete_inbox(tx, owner, web.id)
    await delete_assistant_with_inbox(tx, owner, shop.id)
    for gone in (get_assistant(tx, shop.id), queries.get_inbox(tx, own.id)):
        with pytest.raises(NotFound):
            await gone


async def test_no_inbox_is_left_with_an_assistant_that_goes_at_the_same_time(db, organization, owner):
    """Connecting and deleting wait for each other: one of them is refused."""
    async with db.begin(organization) as tx:
        shop, _ = await create_assistant_with_inbox(tx, owner, {"name": "Shop"}, RULES)

    async def attempt(name: str) -> str:
        try:
            async with db.begin(organization) as tx:
                if name == "delete":
                    await delete_assistant_with_inbox(tx, owner, shop.id)
                else:
                    await make_inbox(tx, owner, name, assistant=shop)
        except (AssistantInUse, InvalidRequest, NotFound):
            return "refused"
        return "done"

    results = await asyncio.gather(attempt("delete"), attempt("connect"))
    assert sorted(results) == ["done", "refused"]


async def test_lists_come_in_pages(tx, owner):
    """By name, filtered by channel and assistant, counted beyond the page."""
    shop = await make_assistant(tx, owner, "Shop")
    webs = [await make_inbox(tx, owner, f"Web {number}", assistant=shop) for number in range(3)]
    page, count = await queries.list_inboxes(tx, None, channel_type=WEB, limit=2, offset=1)
    assert (page, count) == (webs[1:], 3)
    assert await queries.list_inboxes(tx, {webs[0].id, InboxId(new_id())}, assistant_id=shop.id) == ([webs[0]], 1)
    assert await queries.list_inboxes(tx, set()) == ([], 0)
