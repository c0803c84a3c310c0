"""The query builder in a browser: ticks and JSON in step, labels in groups, undo, the count, and what is saved."""

import json
import re
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from e2e_shop import violations
from frontdesk.access.actions import create_profile
from frontdesk.access.model import KnowledgeBase as Base
from frontdesk.access.model import Layer, all_of
from frontdesk.access.parse import parse_query_metadata
from frontdesk.access.profiles import AccessProfile
from frontdesk.access.queries import get_profile
from frontdesk.demo.content import SHOP
from frontdesk.knowledge.model import KnowledgeBase
from frontdesk.knowledge.queries import list_bases
from frontdesk.knowledge.search import list_permitted
from frontdesk.organizations.model import system_caller


@pytest.fixture
async def shop(desk) -> KnowledgeBase:
    async with desk.services.db.begin(desk.organization_id) as tx:
        bases, _ = await list_bases(tx, limit=100, offset=0)
    return next(base for base in bases if base.settings.name == SHOP)


@pytest.fixture
async def profile(desk) -> AccessProfile:
    """One that opens nothing yet."""
    async with desk.services.db.begin(desk.organization_id) as tx:
        made, _ = await create_profile(tx, system_caller(desk.organization_id), {"name": f"Built {uuid4().hex[:8]}"})
    return made


@pytest.fixture
async def builder(desk, staff, profile) -> Page:
    """The builder of `profile`."""
    await staff.goto(f"{desk.url}/console/access-profiles/{profile.id}/edit")
    await expect(staff.locator("[data-builder]")).to_be_visible()
    return staff


async def opened(desk, raw: object) -> dict[str, str]:
    """What the answering path opens by it: titles with their kind."""
    scope = parse_query_metadata(raw, layer=Layer.PROFILE).scope
    async with desk.services.db.begin(desk.organization_id) as tx:
        documents, _ = await list_permitted(tx, scope, limit=100, offset=0)
    return {document.title: document.kind for document in documents}


async def stored(desk, profile: AccessProfile) -> object:
    async with desk.services.db.begin(desk.organization_id) as tx:
        return (await get_profile(tx, profile.id)).query_metadata


async def written(page: Page) -> dict:
    return json.loads(await page.get_by_label("Conditions as JSON").input_value())


async def save(page: Page) -> None:
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url(re.compile("/access-profiles/[0-9a-f-]+$"))


async def test_what_is_ticked_is_what_is_open(desk, builder, profile, shop):
    """A base, all but one of its files, none of its FAQs: counted, undone and redone, and read so after saving."""
    base = builder.locator(f"[data-base='{shop.id}']")
    count = builder.locator("#builder-preview .fd-panel-reach b")
    await expect(count).to_have_text("0")
    await base.get_by_label(SHOP, exact=True).check()
    await expect(count).to_have_text("31")
    await expect(base.locator("[data-said]")).to_have_text("all, new ones too")
    await expect(builder.locator("[data-unsaved]")).to_be_visible()
    await base.get_by_role("button", name=f"Show what is in {SHOP}").press("Enter")
    await base.get_by_label("FAQs", exact=True).uncheck()
    await expect(count).to_have_text("9")
    left_out = base.locator("[data-list=file] label").first
    title = await left_out.locator("span").first.inner_text()
    await left_out.locator("input").uncheck()
    await expect(count).to_have_text("8")
    assert await base.get_by_label(SHOP, exact=True).evaluate("box => box.indeterminate")
    await builder.get_by_role("button", name="Undo").click()
    await expect(count).to_have_text("9")
    await expect(left_out.locator("input")).to_be_checked()
    await base.get_by_label("FAQs", exact=True).focus()
    await builder.keyboard.press("Control+Shift+Z")
    await expect(count).to_have_text("8")
    await save(builder)
    found = await opened(desk, await stored(desk, profile))
    assert len(found) == 8
    assert set(found.values()) == {"file"}
    assert title not in found


async def test_labels_in_groups(desk, builder, profile, shop):
    """Member, or vip and public at once, which nothing is: what is saved opens files and FAQs for members."""
    base = builder.locator(f"[data-base='{shop.id}']")
    await base.get_by_role("button", name=f"Show what is in {SHOP}").click()
    await base.get_by_role("button", name="Narrow by labels").click()
    await expect(builder.get_by_text("matches nothing").first).to_be_visible()
    await base.get_by_label("Add a label").select_option(label="member")
    await base.get_by_role("button", name="Group").click()
    inner = base.locator(".fd-group .fd-group")
    await inner.get_by_label("Add a label").select_option(label="vip")
    await inner.get_by_label("Add a label").select_option(label="public")
    await expect(inner.locator(".fd-tag")).to_have_text(["vip", "public"])
    await expect(base.locator("[data-said]")).to_have_text("what has the labels")
    (clause,) = (await written(builder))["knowledge_bases"]
    assert (clause["faq_mode"], clause["label_relations"]["applies_to"]) == ("all", "all")
    assert [clause["label_relations"]["operator"], clause["label_relations"]["conditions"][1]["operator"]] == [
        "OR",
        "AND",
    ]
    await save(builder)
    by_member = clause["label_relations"] | {"conditions": clause["label_relations"]["conditions"][:1]}
    found = await opened(desk, await stored(desk, profile))
    assert found == await opened(desk, {"knowledge_bases": [clause | {"label_relations": by_member}]})
    assert set(found.values()) == {"file", "faq"}


async def test_json_and_tree_in_step(desk, builder, profile, shop):
    """What is typed shows in the tree; what cannot be read is said with its line; foreign keys and ids stay."""
    field, tree = builder.get_by_label("Conditions as JSON"), builder.locator(".fd-tree")
    base = builder.locator(f"[data-base='{shop.id}']")
    stranger = str(uuid4())
    foreign = {"knowledgeBaseId": stranger, "chatbotFileIds": [stranger]}
    await field.fill(json.dumps({"source": "crm", "knowledge_bases": [foreign]}))
    await expect(builder.locator("[data-others]")).to_contain_text("1 more knowledge bases are named")
    await expect(builder.locator("#builder-preview")).to_contain_text("There is no such knowledge base")
    await base.get_by_label(SHOP, exact=True).check()
    assert (await written(builder))["source"] == "crm"
    assert (await written(builder))["knowledge_bases"][0] == foreign
    text = await field.input_value()
    await field.fill(text.replace('"has_user_selected_all": true,', '"has_user_selected_all": true'))
    await expect(builder.locator("[data-unreadable]")).to_be_visible()
    await expect(builder.locator("#builder-preview [role=alert]")).to_contain_text(re.compile(r"not JSON.*line \d+"))
    await expect(tree.locator("input:not([disabled])")).to_have_count(0)
    await field.fill(text.replace('"has_user_selected_all": true', '"has_user_selected_all": "maybe"'))
    await expect(builder.locator("#builder-preview [role=alert] code").first).to_have_text(
        re.compile("/knowledge_bases/1/has_user")
    )
    await field.fill(text)
    await expect(builder.locator("[data-unreadable]")).to_be_hidden()
    await save(builder)
    assert (await opened(desk, await stored(desk, profile))).keys() == await all_of_base(desk, shop)


async def all_of_base(desk, base: KnowledgeBase) -> set[str]:
    async with desk.services.db.begin(desk.organization_id) as tx:
        documents, _ = await list_permitted(tx, all_of(Base(base.id)), limit=100, offset=0)
    return {document.title for document in documents}


async def test_a_search_finds_and_is_no_change(builder, shop):
    """Enter in it does not save, and leaving the page afterwards asks nothing."""
    search = builder.get_by_label("Find a file or FAQ")
    await search.fill("opening hours")
    await search.press("Enter")
    rows = builder.locator(f"[data-base='{shop.id}'] [data-list=faq] li")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("What are your opening hours?")
    await expect(builder.locator("[data-unsaved]")).to_be_hidden()
    assert builder.url.endswith("/edit")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_builder_is_accessible(builder, shop, scheme):
    """With everything open that it has."""
    await builder.emulate_media(color_scheme=scheme)
    base = builder.locator(f"[data-base='{shop.id}']")
    await base.get_by_role("button", name=f"Show what is in {SHOP}").click()
    await base.get_by_role("button", name="Narrow by labels").click()
    await base.get_by_label("Add a label").select_option(label="vip")
    await expect(base.locator("[data-list=faq] li").first).to_be_visible()
    await expect(builder.locator("#builder-preview table")).to_be_visible()
    assert await violations(builder) == []
