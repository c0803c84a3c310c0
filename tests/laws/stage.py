"""A stage for the laws of retrieval: one asker before every channel of the product, and every byte that reaches them.

The same organization is looked at before and after a change, so nothing needs to be made alike but what is new each
time by nature: ids of the conversations and messages that the looking itself makes, request ids, and times.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI
from tests.knowledge.worlds import World

from conftest_webchat import Browser
from frontdesk.access.actions import create_profile
from frontdesk.access.model import Assurance
from frontdesk.assistants.actions import ModelRules
from frontdesk.assistants.model import ModelChoice, ModelProvider
from frontdesk.channels.actions import create_inbox
from frontdesk.channels.assistant_actions import create_assistant_with_inbox
from frontdesk.channels.model import ChannelType, Inbox
from frontdesk.contacts.access_actions import assign_profile
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.model import Provenance
from frontdesk.core.ids import ContactId, OrganizationId, ProfileId
from frontdesk.core.services import Services
from frontdesk.organizations.model import Caller
from frontdesk.testing import FakeModel

_ID: Final = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME: Final = re.compile(rb"\d{4}-\d\d-\d\dT[0-9:.]+Z|\b1[5-9]\d{11}\b")
_DURATION: Final = re.compile(rb'"(search|model)":\s?[0-9.]+')


@dataclass
class Stage:
    """An assistant that reads out and one that speaks through a model, their inboxes, and a contact with a profile."""

    services: Services
    caller: Caller
    client: httpx.AsyncClient
    headers: dict[str, str]  # of a key with every right
    app: FastAPI
    world: World
    model: FakeModel
    inboxes: list[Inbox] = field(default_factory=list)  # web: extractive, with a model
    contact: ContactId = field(default=ContactId(UUID(int=0)))
    profile: ProfileId = field(default=ProfileId(UUID(int=0)))

    @property
    def organization_id(self) -> OrganizationId:
        return self.caller.organization_id

    @property
    def opens(self) -> dict[str, Any]:
        """Query metadata for what the asker may read: all that has the label `open`."""
        return open_label(self.world.base, self.world.open)

    def browser(self, inbox: Inbox | None = None) -> Browser:
        return Browser(self.client, inbox or self.inboxes[0])

    async def complete(self, question: str, **more: Any) -> httpx.Response:
        """Ask by the API as the contact."""
        inbox = more.pop("inbox", self.inboxes[0])
        message = {"content": question, "sender": str(self.contact), **more.pop("message", {})}
        url = f"/api/v1/chatbots/{inbox.assistant_id}/completions"
        body = {"conversation": None, "message": message, **more}
        return await self.client.post(url, json=body, headers=self.headers, timeout=60)

    async def search(self, question: str, *, top_k: int = 12) -> httpx.Response:
        """Ask the search endpoint for what the asker may read."""
        body = {"query": question, "topK": top_k, "queryMetadata": self.opens}
        url = f"/api/v1/knowledge-bases/{self.world.base}/search"
        return await self.client.post(url, json=body, headers=self.headers)

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(f"/api/v1/{path}", headers=self.headers)


def open_label(base: object, label: object) -> dict[str, Any]:
    relation = {"operator": "OR", "conditions": [{"label_id": str(label)}], "applies_to": "all"}
    one = {"knowledge_base_id": str(base), "has_user_selected_all": True, "faq_mode": "all"}
    return {"knowledge_bases": [{**one, "label_relations": relation}]}


async def make_stage(
    services: Services,
    caller: Caller,
    client: httpx.AsyncClient,
    headers: dict[str, str],
    *,
    app: FastAPI,
    world: World,
    model: FakeModel,
) -> Stage:
    """Set the stage around `world`; `services` allow the model's address."""
    stage = Stage(services, caller, client, headers, app, world, model)
    rules = ModelRules(services.cipher, services.model_urls)
    bases = [world.base, world.other_base]
    choice = ModelChoice(ModelProvider.OPENAI, "gpt-test", model.url, "sk-secret-of-the-model")
    async with services.db.begin(caller.organization_id) as tx:
        for name, chosen in (("Reader", None), ("Speaker", choice)):
            wanted = {"name": name, "base_ids": bases, "model": chosen}
            assistant, _ = await create_assistant_with_inbox(tx, caller, wanted, rules)
            changes = {
                "name": name,
                "assistant_id": assistant.id,
                "visitor_scope": stage.opens,
                "starters": ("Hours?",),
            }
            inbox, _ = await create_inbox(tx, caller, changes, channel_type=ChannelType.WEB)
            stage.inboxes.append(inbox)
        opened = {"name": "Open", "query_metadata": stage.opens, "minimum_assurance": Assurance.CHANNEL}
        profile, _ = await create_profile(tx, caller, opened)
        contact = await create_contact(
            tx, caller, fields={"name": "Ann"}, inbox_ids=[one.id for one in stage.inboxes], provenance=Provenance.API
        )
        await assign_profile(tx, caller, contact.id, profile.id)
    stage.contact, stage.profile = contact.id, profile.id
    return stage


async def unthrottle(stage: Stage) -> None:
    """Let the one address from which everything comes ask on."""
    async with stage.services.db.begin(stage.organization_id) as tx:
        await tx.execute("DELETE FROM throttle_attempts")


async def receive_all(stage: Stage, questions: Sequence[str]) -> dict[str, bytes]:
    """Return by channel every byte that the asker receives, headers and what a model is told in their name included."""
    received: dict[str, bytes] = {}
    stage.model.requests.clear()
    await unthrottle(stage)
    for question in questions:
        for top_k in (2, 50):
            received[f"search {top_k} {question}"] = _bytes_of(await stage.search(question, top_k=top_k))
        for inbox in stage.inboxes:
            place = f"{inbox.name} {question}"
            plain = await stage.complete(question, inbox=inbox)
            received[f"completion {place}"] = _bytes_of(plain)
            received[f"streamed completion {place}"] = _bytes_of(
                await stage.complete(question, inbox=inbox, isStreaming=True)
            )
            received |= {f"{name} {place}": said for name, said in (await _chat(stage, inbox, question)).items()}
            received |= {f"{name} {place}": said for name, said in (await _look_back(stage, plain)).items()}
        asked = {"question": question, "inbox": str(stage.inboxes[0].id), "assurance": "signed"}
        seen = await stage.client.post(f"/api/v1/contacts/{stage.contact}/view-as", json=asked, headers=stage.headers)
        received[f"view-as {question}"] = _bytes_of(seen)
    received["prompts"] = "\n".join(stage.model.prompts).encode()
    return received


async def _chat(stage: Stage, inbox: Inbox, question: str) -> dict[str, bytes]:
    """Write as a new visitor of the web chat, and read what was written."""
    browser = stage.browser(inbox)
    await browser.start()
    streamed = await browser.post(question, key=f"key-{uuid4()}")
    opened = await browser.open()
    thread = opened.json()["conversation"]["id"]
    history = await stage.client.get(browser.url(f"conversations/{thread}/messages"), headers=browser.headers)
    said = re.sub(rb'"sessionToken":\s?"[^"]*"', b"", opened.content)
    return {"chat": _bytes_of(streamed), "history": _bytes_of(history), "open": alike(said)}


async def _look_back(stage: Stage, completed: httpx.Response) -> dict[str, bytes]:
    """Read the thread of a completion a page at a time, and rate its answer."""
    thread = completed.json()["conversationId"]
    pages = [await stage.get(f"messages?conversation={thread}&pageSize=1&page={page}") for page in (1, 2)]
    answer = pages[0].json()["results"][0]["id"]
    rated = await stage.client.patch(
        f"/api/v1/messages/{answer}/feedback", json={"feedback": "like"}, headers=stage.headers
    )
    return {"page 1": _bytes_of(pages[0]), "page 2": _bytes_of(pages[1]), "feedback": _bytes_of(rated)}


def _bytes_of(response: httpx.Response) -> bytes:
    headers = {name: value for name, value in response.headers.items() if name != "x-request-id"}
    return f"{response.status_code} {json.dumps(headers)}\n".encode() + alike(response.content)


def alike(content: bytes) -> bytes:
    """Take out ids, times and durations: what differs between two calls whatever they are about."""
    return _DURATION.sub(b"", _TIME.sub(b"<time>", _ID.sub(b"<id>", content)))
