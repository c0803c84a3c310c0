"""Ways to take a document away from somebody while they are being answered from it, and a wire that shows when."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from fastapi import FastAPI
from tests.laws.stage import Stage, open_label

from frontdesk.access.actions import create_profile, delete_profile, update_profile
from frontdesk.access.model import Assurance
from frontdesk.assistants.actions import ModelRules
from frontdesk.channels.actions import update_inbox
from frontdesk.channels.assistant_actions import update_assistant
from frontdesk.channels.model import Inbox
from frontdesk.contacts.access_actions import assign_profile, set_access, unassign_profile
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, LabelId, ProfileId
from frontdesk.core.text import utc_now
from frontdesk.identities import actions as identities
from frontdesk.identities.blocks import block_contact, unblock_contact
from frontdesk.identities.keys import KeySpec, generate_secret
from frontdesk.identities.model import IdentityKey, Proof, ProvenCard, SignedClaims, Witness
from frontdesk.knowledge.actions import delete_label
from frontdesk.knowledge.document_actions import delete_document, update_document
from frontdesk.knowledge.model import Document, LabelWish

WORD: Final = "zeppelin"


@dataclass
class Race:
    """A member who may read one document through a profile, and asks about it."""

    stage: Stage
    inbox: Inbox
    document: Document
    label: LabelId
    profile: ProfileId
    contact: ContactId
    token: str  # of a session in the web chat
    canary: str
    key: str = field(default_factory=lambda: f"key-{uuid4()}")

    @property
    def question(self) -> str:
        return f"What about the {WORD}?"


async def begin_race(stage: Stage, inbox: Inbox, *, claimed: bool) -> Race:
    """Write a document, and let a new member read it: by a profile of theirs, or one that their proof claims."""
    canary = f"canary{uuid4().hex[:8]}"
    library = stage.world.library
    label = await library.make_label(stage.world.base, canary)
    text = f"The {WORD} is {canary} in all weathers. " * 12
    document = await library.write_faq(stage.world.base, f"What about the {WORD} {canary}?", text, [label])
    async with stage.services.db.begin(stage.organization_id) as tx:
        opened = {"name": canary, "query_metadata": open_label(stage.world.base, label)}
        profile, _ = await create_profile(tx, stage.caller, {**opened, "minimum_assurance": Assurance.CHANNEL})
        allowed = (profile.id,) if claimed else ()
        spec = KeySpec(canary, "https://shop.example", allowed_profiles=allowed)
        realm_key, _ = await generate_secret(tx, stage.caller, stage.services.cipher, inbox.realm_id, spec)
        key = IdentityKey(inbox.realm_id, f"M-{canary}")
        proof = Proof(key, Witness(realm_key.id), ProvenCard(), SignedClaims(access_profiles=allowed))
        opening = await identities.open_session(tx, inbox, stored=None, proof=proof, now=utc_now())
        assert opening.contact_id
        assert opening.token
        if not claimed:
            await assign_profile(tx, stage.caller, opening.contact_id, profile.id)
    return Race(stage, inbox, document, label, profile.id, opening.contact_id, opening.token, canary)


# --- the ways ---


async def relabel(tx: Tx, race: Race) -> None:
    one = race.document
    await update_document(tx, race.stage.caller, one.knowledge_base_id, one.id, one.kind, labels=[])


async def relabel_otherwise(tx: Tx, race: Race) -> None:
    one, wish = race.document, LabelWish(race.stage.world.closed, None)
    await update_document(tx, race.stage.caller, one.knowledge_base_id, one.id, one.kind, labels=[wish])


async def delete(tx: Tx, race: Race) -> None:
    await delete_document(tx, race.stage.caller, race.document.knowledge_base_id, race.document.id, "faq")


async def remove_label(tx: Tx, race: Race) -> None:
    await delete_label(tx, race.stage.caller, race.stage.world.base, race.label)


async def take_profile(tx: Tx, race: Race) -> None:
    await unassign_profile(tx, race.stage.caller, race.contact, race.profile)


async def narrow_profile(tx: Tx, race: Race) -> None:
    await update_profile(tx, race.stage.caller, race.profile, {"query_metadata": race.stage.opens})


async def empty_profile(tx: Tx, race: Race) -> None:
    await update_profile(tx, race.stage.caller, race.profile, {"query_metadata": {}})


async def remove_profile(tx: Tx, race: Race) -> None:
    await delete_profile(tx, race.stage.caller, race.profile)


async def close_contact(tx: Tx, race: Race) -> None:
    await set_access(tx, race.stage.caller, race.contact, {})


async def narrow_contact(tx: Tx, race: Race) -> None:
    await set_access(tx, race.stage.caller, race.contact, race.stage.opens)


async def narrow_inbox(tx: Tx, race: Race) -> None:
    await update_inbox(tx, race.stage.caller, race.inbox.id, {"query_metadata": race.stage.opens})


async def detach_base(tx: Tx, race: Race) -> None:
    await _set_bases(tx, race, [race.stage.world.other_base])


async def block(tx: Tx, race: Race) -> None:
    await block_contact(tx, race.stage.caller, race.stage.services.cipher, race.contact)


async def _set_bases(tx: Tx, race: Race, bases: list[Any]) -> None:
    rules = ModelRules(race.stage.services.cipher, race.stage.services.model_urls)
    await update_assistant(tx, race.stage.caller, race.inbox.assistant_id, {"base_ids": bases}, rules)


Way = Callable[[Tx, Race], Awaitable[None]]
OF_DOCUMENTS: Final[tuple[Way, ...]] = (relabel, relabel_otherwise, delete, remove_label)
WAYS: Final[tuple[Way, ...]] = (
    *OF_DOCUMENTS,
    take_profile,
    narrow_profile,
    empty_profile,
    remove_profile,
    close_contact,
    narrow_contact,
    narrow_inbox,
    detach_base,
    block,
)
OF_CLAIMS: Final[tuple[Way, ...]] = (remove_profile, narrow_profile, relabel)
OF_API: Final = tuple(way for way in WAYS if way not in {narrow_inbox, block})  # it asks in an inbox of its own


async def undo(tx: Tx, race: Race) -> None:
    """Leave the stage as it was; the document stays closed."""
    await update_inbox(tx, race.stage.caller, race.inbox.id, {"query_metadata": None})
    await _set_bases(tx, race, [race.stage.world.base, race.stage.world.other_base])
    await unblock_contact(tx, race.stage.caller, race.stage.services.cipher, race.contact)


# --- the wire ---


@dataclass
class Wire:
    """One request whose answer is watched part by part; `then` runs while the part number `moment` is being sent.

    As long as it runs nothing more reaches the reader, so all parts after it were sent after it was done.
    """

    app: FastAPI
    moment: int
    then: Callable[[], Awaitable[None]]
    before: list[bytes] = field(default_factory=list)
    after: list[bytes] = field(default_factory=list)
    is_done: bool = False

    async def post(self, path: str, body: object, headers: dict[str, str]) -> None:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", b"desk.test"),
                (b"content-type", b"application/json"),
                *((name.lower().encode(), value.encode()) for name, value in headers.items()),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("desk.test", 80),
        }
        waiting = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

        async def receive() -> dict[str, Any]:
            if waiting:
                return waiting.pop()
            await asyncio.Event().wait()
            raise AssertionError

        await self.app(scope, receive, self._send)

    async def _send(self, message: Any) -> None:
        if message["type"] != "http.response.body" or not message.get("body"):
            return
        (self.after if self.is_done else self.before).append(message["body"])
        if len(self.before) > self.moment and not self.is_done:
            await self.then()
            self.is_done = True


async def run_race(
    stage: Stage,
    luck: random.Random,
    way: Way,
    *,
    claimed: bool = False,
    by_api: bool = False,
    speaks: bool = False,
    moment: int | None = None,
) -> bool:
    """Ask, take the document away while the part `moment` or any is sent, and return whether it came before the end.

    Fails when anything of the document is shown after the commit that took it away, but for an answer that the thread
    had by then.
    """
    inbox = stage.inboxes[1 if speaks else 0]
    race = await begin_race(stage, inbox, claimed=claimed)
    stage.model.words, stage.model.pause = [f"The {race.canary} ", "flies ", "well "] * 4 + ["[1]."], 0.002
    had: list[bool] = []

    async def revoke() -> None:
        async with stage.services.db.begin(stage.organization_id) as tx:
            await way(tx, race)
        async with stage.services.db.begin(stage.organization_id) as tx:
            sql = """
                SELECT count(*) FROM messages m JOIN conversations c ON c.id = m.conversation_id
                 WHERE c.contact_id = %(contact)s AND m.type = 'outgoing'
            """
            had.append(bool(await tx.fetch_value(sql, {"contact": race.contact})))

    wire = Wire(stage.app, luck.randrange(14) if moment is None else moment, revoke)
    await ask(race, wire, by_api=by_api)
    for part in wire.after:
        if race.canary.encode() in part:
            assert had[0], f"{way.__name__}: shown after it was taken away: {part!r}"
            assert b"event: answer" in part, f"{way.__name__}: {part!r}"
            assert b'"citations":[]' in part.replace(b" ", b""), f"{way.__name__}: cited: {part!r}"
    if not wire.is_done:
        await revoke()
    later = Wire(stage.app, 10_000, revoke)
    if way is not block:
        stage.model.requests.clear()
        stage.model.words = ["Nothing is known [1]."]
        await ask(race, later, by_api=by_api)
        assert race.canary.encode() not in b"".join(later.before), way.__name__
        assert race.canary not in "".join(stage.model.prompts), way.__name__
    async with stage.services.db.begin(stage.organization_id) as tx:
        await undo(tx, race)
        if way not in {delete, remove_label}:
            await delete(tx, race)
    return bool(wire.after)


async def ask(race: Race, wire: Wire, *, by_api: bool) -> None:
    if by_api:
        path = f"/api/v1/chatbots/{race.inbox.assistant_id}/completions"
        message = {"content": race.question, "sender": str(race.contact)}
        await wire.post(path, {"conversation": None, "isStreaming": True, "message": message}, race.stage.headers)
        return
    body = {"conversationKey": race.key, "messageId": str(uuid4()), "text": race.question}
    headers = {"Authorization": f"Bearer {race.token}"}
    await wire.post(f"/webchat/{race.inbox.public_id}/messages", body, headers)
