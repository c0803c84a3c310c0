"""Threat 20: an id of somebody else's document, label or base in the body of a call opens and changes nothing."""

from uuid import UUID

import httpx
import pytest
from tests.api_examples import EXAMPLES, body_of, path_of, send
from tests.conftest import new_organization
from tests.things import Things, make_things

from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services

ABOUT_KNOWLEDGE = sorted(
    operation
    for operation, example in EXAMPLES.items()
    if example.body is not None and any(word in operation for word in ("knowledge-bases", "chatbots", "messages"))
)
STATE = """
    SELECT d.id::text, d.title, d.state,
           (SELECT array_agg(l.label_id::text ORDER BY l.label_id) FROM document_labels l WHERE l.document_id = d.id)
      FROM documents d ORDER BY d.id
"""


@pytest.fixture(scope="module")
async def ours(services: Services) -> Things:
    return await make_things(services, await new_organization(services.db, "Northlight"))


@pytest.fixture(scope="module")
async def theirs(services: Services) -> Things:
    return await make_things(services, await new_organization(services.db, "Southdark"))


async def look(services: Services, things: Things) -> list[tuple[object, ...]]:
    async with services.db.begin(OrganizationId(UUID(things.organization))) as tx:
        return await tx.fetch(STATE)


async def test_s20_bodies_that_name_our_things(client: httpx.AsyncClient, services, ours: Things, theirs: Things):
    """Every call about knowledge and messages, at their own address, with our ids in the body: ours stay as they are."""
    bodies = {operation: await body_of(operation, ours) for operation in ABOUT_KNOWLEDGE}
    before, wrong = await look(services, ours), []
    (title,) = {row[1] for row in before if row[0] == ours.faq}
    for operation, body in bodies.items():
        answer = await send(client, operation, path=path_of(operation, theirs), headers=theirs.headers, body=body)
        if answer.status_code >= 500 or (title in answer.text and title not in str(body)):
            wrong.append((operation, answer.status_code, answer.text[:100]))
    assert wrong == []
    assert await look(services, ours) == before
    assert ours.label not in str(await look(services, theirs))
    things = (ours.base, ours.faq, ours.file, ours.label, ours.assistant)
    named = [body for body in map(str, bodies.values()) if any(one in body for one in things)]
    assert len(named) >= 15, "the examples name nothing any more"


async def test_s20_a_filter_that_names_our_documents(client: httpx.AsyncClient, ours: Things, theirs: Things):
    """Query metadata with our ids find nothing in their search, and nothing of ours."""
    one = {"knowledge_base_id": ours.base, "faq_ids": [ours.faq], "chatbot_file_ids": [ours.file]}
    for metadata in ({"knowledge_bases": [one]}, {"knowledge_bases": [{**one, "knowledge_base_id": theirs.base}]}):
        body = {"query": "How long does a filter last?", "queryMetadata": metadata}
        url = f"/api/v1/knowledge-bases/{theirs.base}/search"
        answer = await client.post(url, json=body, headers=theirs.headers)
        assert (answer.status_code, answer.json()) == (200, [])
