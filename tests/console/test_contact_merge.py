"""Merging in the console: chosen, compared, merged, taken back."""

import re

import pytest
from tests.console.test_contacts import make_contact, read
from tests.making import make_inbox

from frontdesk.contacts.access_actions import assign_profile
from frontdesk.core.ids import InboxId
from frontdesk.organizations.model import system_caller


@pytest.fixture
async def pair(db, organization):
    """Two cards of one person."""
    return (
        await make_contact(db, organization, name="Ann Zhang", source_id="M-1001", attributes={"level": "gold"}),
        await make_contact(db, organization, name="Ann Z.", emails=["ann@example.com"], attributes={"level": "new"}),
    )


async def merge(browser, survivor, other, **choices):
    data = {"from": str(other), **{f"choice:{field}": str(chosen) for field, chosen in choices.items()}}
    return await browser.post(f"/console/contacts/{survivor}/merge", data, htmx=False)


async def test_the_other_card_is_found_and_compared(olga, pair):
    """The menu leads to a search that begins with the name; the page says what stays, what moves, who reads more."""
    ann, other = pair
    assert f"/console/contacts/{ann}/merge" in (await olga.get(f"/console/contacts/{ann}")).text
    found = (await olga.get(f"/console/contacts/{ann}/merge?q=ann")).text
    assert f'name="from" value="{other}"' in found
    assert f'value="{ann}"' not in found
    text = (await olga.get(f"/console/contacts/{ann}/merge?from={other}")).text
    assert re.search(f'name="choice:name" value="{ann}"[^>]* checked', text)
    assert 'name="choice:attributes.level"' in text
    assert "ann@example.com" in text
    assert "Nobody could read a document that they cannot read now." in text
    assert f"/console/contacts/{other}/merge?from={ann}" in text  # the other one as the survivor


async def test_merged_and_undone(olga, db, organization, pair):
    """The choice counts, the old address leads to the survivor, and the toast and the card lead to the undo."""
    ann, other = pair
    response = await merge(olga, ann, other, name=other)
    assert response.headers["location"] == f"/console/contacts/{ann}"
    page = (await olga.get(f"/console/contacts/{other}")).text
    assert "The contacts are merged." in page
    undo = re.search(r"/console/merges/[0-9a-f-]+/undo", page)[0]
    assert "Merged into this contact" in page
    assert (await read(db, organization, ann)).contact.name == "Ann Z."
    asked = (await olga.get(undo)).text
    assert "As before again:" in asked
    done = await olga.post(undo, {}, htmx=False)
    assert done.headers["location"] == f"/console/contacts/{ann}"
    assert (await read(db, organization, ann)).contact.name == "Ann Zhang"
    assert (await read(db, organization, other)).contact.emails == ("ann@example.com",)
    assert "It is undone already." in (await olga.get(undo)).text


async def test_what_stands_against_it_is_shown_and_nothing_happens(olga, db, organization):
    """A card that cannot hold all says so before and after."""
    emails = [[f"{name}{number}@example.com" for number in range(11)] for name in ("a", "b")]
    ann, other = [await make_contact(db, organization, emails=some) for some in emails]
    for text in (
        (await olga.get(f"/console/contacts/{ann}/merge?from={other}")).text,
        (await merge(olga, ann, other)).text,
    ):
        assert "Together the cards have more than 20 of these." in text
        assert re.search(r"<button[^>]*disabled", text)
    assert (await read(db, organization, other)).contact.id == other


async def test_a_merge_of_nobody_is_no_page(olga, pair):
    """Unknown ids, and one that is none."""
    ann, other = pair
    assert (await olga.get(f"/console/contacts/{ann}/merge?from={ann}")).status_code == 422
    assert (
        await olga.get(f"/console/contacts/{other}/merge?from=0b9d6b66-1111-7111-8111-111111111111")
    ).status_code == 404
    assert (await merge(olga, ann, "nonsense")).status_code == 400


async def test_wider_access_that_comes_back_is_confirmed(olga, db, organization, pair):
    """Without the tick the page comes again and says who would read what."""
    ann, other = pair
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        inbox = await make_inbox(tx, caller, "Shop")
        base = await tx.fetch_value(
            """
            WITH base AS (
                INSERT INTO knowledge_bases (organization_id, id, name, embedding_model, created_at, updated_at)
                VALUES (%(o)s, gen_random_uuid(), 'VIP', 'none', now(), now()) RETURNING id),
            held AS (
                INSERT INTO assistant_bases (organization_id, assistant_id, knowledge_base_id)
                SELECT %(o)s, %(a)s, id FROM base)
            SELECT id FROM base
            """,
            {"o": organization, "a": inbox.assistant_id},
        )
        await tx.execute(
            """
            INSERT INTO documents (organization_id, id, knowledge_base_id, kind, title, state, created_at, updated_at)
            VALUES (%(o)s, gen_random_uuid(), %(b)s, 'file', 'Hotline', 'done', now(), now())
            """,
            {"o": organization, "b": base},
        )
        profile = await tx.fetch_value(
            """
            INSERT INTO access_profiles (organization_id, id, name, query_metadata, minimum_assurance, version,
                                         created_at, updated_at)
            VALUES (%(o)s, gen_random_uuid(), 'VIP', jsonb_build_object('knowledge_bases', jsonb_build_array(
                    jsonb_build_object('knowledge_base_id', %(b)s::uuid, 'has_user_selected_all', true))), 0, 1, now(), now())
            RETURNING id
            """,
            {"o": organization, "b": base},
        )
        await assign_profile(tx, caller, other, profile)
    assert InboxId(inbox.id)
    preview = (await olga.get(f"/console/contacts/{ann}/merge?from={other}")).text
    assert 'name="wider"' in preview
    await merge(olga, ann, other)
    undo = re.search(r"/console/merges/[0-9a-f-]+/undo", (await olga.get(f"/console/contacts/{ann}")).text)[0]
    refused = await olga.post(undo, {}, htmx=False)
    assert refused.status_code == 409
    assert "Hotline" in refused.text
    assert (await olga.post(undo, {"confirm_access": "true"}, htmx=False)).status_code == 303


async def test_a_taken_source_id_offers_the_merge(olga, db, organization, pair):
    """The conflict names the holder and leads to the comparison."""
    ann, other = pair
    version = (await read(db, organization, other)).contact.version
    written = {"version": str(version), "name": "Ann Z.", "source_id": "M-1001", "emails": "ann@example.com"}
    text = (await olga.post(f"/console/contacts/{other}/edit", written)).text
    assert f"/console/contacts/{other}/merge?from={ann}" in text


async def test_who_may_not_merge_is_offered_nothing(vera, pair):
    """Neither in the menu nor by address."""
    ann, other = pair
    assert "/merge" not in (await vera.get(f"/console/contacts/{ann}")).text
    assert (await vera.get(f"/console/contacts/{ann}/merge?from={other}")).status_code == 403


async def test_what_is_selected_in_the_list_is_compared(olga, pair):
    """The first one stays; one alone is no merge."""
    ann, other = pair
    assert "/console/contacts/merge" in (await olga.get("/console/contacts")).text
    response = await olga.get(f"/console/contacts/merge?ids={ann}&ids={other}", htmx=True)
    assert response.headers["hx-redirect"] == f"/console/contacts/{ann}/merge?from={other}"
    assert (await olga.get(f"/console/contacts/merge?ids={ann}")).status_code == 400
