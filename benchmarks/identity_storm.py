"""Many browsers and members at once: first messages, proofs, links, merges and undos, and what is left afterwards.

Run `python benchmarks/identity_storm.py [workers] [seconds]` (default 200 and 60). Everything goes through the app's
own routes, with the embedded database. Afterwards nothing may be doubled, orphaned or lost: each source id is one
contact's, each accepted message is in one conversation of one contact who is there, nobody who was merged has anything,
and no request was answered with 500. Prints a table, then JSON; exits with 1 if a promise is broken.
"""

import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import OctKey

from frontdesk.assistants.actions import ModelRules
from frontdesk.bootstrap import open_database, open_services
from frontdesk.channels.actions import create_inbox
from frontdesk.channels.assistant_actions import create_assistant_with_inbox
from frontdesk.channels.model import ChannelType, IdentityMode, Inbox, InboxChanges
from frontdesk.core.db import Database
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.identities.keys import KeySpec, generate_secret
from frontdesk.organizations.actions import create_organization
from frontdesk.organizations.keys import create_api_key
from frontdesk.organizations.model import Right, system_caller
from frontdesk.settings import Settings
from frontdesk.web import create_app

PATIENCE = 20  # seconds for answers after the end
PEOPLE = 60  # source ids that prove themselves
LINKS = 40  # further ones that members link
RECENT = 400  # contacts that members work with
WEIGHTS = {"first": 24, "again": 20, "prove": 18, "say": 12, "link": 8, "merge": 12, "undo": 6}
BROKEN = {
    "source ids of two": "SELECT count(*) - count(DISTINCT (realm_id, source_id)) FROM identities WHERE {own}",
    "identities of nobody": "SELECT count(*) FROM identities t WHERE {own} AND NOT {present}",
    "conversations of nobody": "SELECT count(*) FROM conversations t WHERE {own} AND NOT {present}",
    "notes of nobody": "SELECT count(*) FROM notes t WHERE {own} AND NOT {present}",
    "running sessions of nobody": """SELECT count(*) FROM chat_sessions t
        WHERE {own} AND ended_at IS NULL AND contact_id IS NOT NULL AND NOT {present}""",
    "messages without a conversation": """SELECT count(*) FROM messages m WHERE {own} AND NOT EXISTS (
        SELECT 1 FROM conversations c WHERE c.organization_id = m.organization_id AND c.id = m.conversation_id)""",
    "contacts with nothing": """SELECT count(*) FROM contacts c WHERE {own} AND deleted_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM identities i
                         WHERE i.organization_id = c.organization_id AND i.contact_id = c.id)
        AND NOT EXISTS (SELECT 1 FROM conversations v
                         WHERE v.organization_id = c.organization_id AND v.contact_id = c.id)""",
    "merged and yet there": """SELECT count(*) FROM merged_contacts m JOIN contacts c USING (organization_id)
        WHERE m.{own} AND c.id = m.contact_id AND c.deleted_at IS NULL""",
}
ENDED = ("unauthenticated", "not-found")  # a session that a merge ended, or whose conversation an undo took away
OWN = "organization_id = %(organization)s"
PRESENT = """EXISTS (SELECT 1 FROM contacts p
    WHERE p.organization_id = t.organization_id AND p.id = t.contact_id AND p.deleted_at IS NULL)"""


@dataclass
class Place:
    """An organization under the storm, and what its people did."""

    db: Database
    organization_id: OrganizationId
    inbox: Inbox
    kid: str
    secret: str
    headers: dict[str, str]
    contacts: list[str] = field(default_factory=list)  # seen by members
    merges: list[str] = field(default_factory=list)
    sent: set[str] = field(default_factory=set)  # the browsers' ids of messages
    accepted: set[str] = field(default_factory=set)  # those of which the browser knows that they are kept
    answers: Counter[str] = field(default_factory=Counter)  # by verb and status or slug
    failures: list[str] = field(default_factory=list)

    def token(self, source_id: str) -> str:
        now = utc_now()
        claims = {
            "iss": "https://storm.example",
            "aud": self.inbox.public_id,
            "sub": source_id,
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=5)).timestamp()),
            "jti": uuid4().hex,
            "name": f"Person {source_id}",
        }
        header = {"alg": "HS256", "kid": self.kid, "typ": "contact-identity+jwt"}
        return jwt.encode(header, claims, OctKey.import_key(self.secret))


async def prepare(services: Services) -> Place:
    organization_id, _ = await create_organization(
        services.db,
        name="Storm",
        owner_email=f"storm-{uuid4().hex}@example.com",
        owner_name="Olga",
        password=uuid4().hex,
    )
    owner, rules = system_caller(organization_id), ModelRules(services.cipher, services.model_urls)
    async with services.db.begin(organization_id) as tx:
        assistant, _ = await create_assistant_with_inbox(tx, owner, {"name": "Shop", "base_ids": ()}, rules)
        changes = InboxChanges(name="Web", assistant_id=assistant.id, identity_mode=IdentityMode.JWT)
        inbox, _ = await create_inbox(tx, owner, changes, channel_type=ChannelType.WEB)
        spec = KeySpec("Shop", "https://storm.example")
        key, secret = await generate_secret(tx, owner, services.cipher, inbox.realm_id, spec)
        _, api_key = await create_api_key(
            tx, owner, name="storm", rights=frozenset(Right), inbox_ids=None, expires_at=None
        )
    headers = {"Authorization": f"Api-Key {api_key}"}
    return Place(services.db, organization_id, inbox, key.kid, secret, headers)


class Worker:
    """One address, from which several browsers and a member act."""

    def __init__(self, app: FastAPI, place: Place, number: int) -> None:
        transport = httpx.ASGITransport(
            app, raise_app_exceptions=False, client=(f"10.9.{number // 250}.{number % 250}", 1)
        )
        self.client = httpx.AsyncClient(transport=transport, base_url="http://storm.test", timeout=120)
        self.place, self.random = place, random.Random(number)
        self.visitors: list[tuple[str, str]] = []  # token and conversation key
        self.proven: list[str] = []

    async def run(self, until: float) -> None:
        async with self.client:
            while time.monotonic() < until:
                (verb,) = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))
                await getattr(self, f"do_{verb}")()

    async def call(self, verb: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        response = await self.client.post(path, json=body, headers=headers)
        told = ""
        if response.status_code >= 400 and "json" in response.headers.get("content-type", ""):
            told = response.json().get("type", "").rpartition("/")[2]
        self.place.answers[f"{verb} {told or response.status_code}"] += 1
        slug = response.text.partition('event: error\ndata: {"slug":"')[2].partition('"')[0]
        if response.status_code >= 500 or slug not in {"", *ENDED}:
            self.place.failures.append(f"{verb}: {response.status_code} {response.text[:300]}")
        return response

    def chat(self, path: str) -> str:
        return f"/webchat/{self.place.inbox.public_id}/{path}"

    async def say(self, verb: str, token: str, key: str) -> None:
        message_id = uuid4().hex
        self.place.sent.add(message_id)
        body = {"conversationKey": key, "messageId": message_id, "text": "When do you open?"}
        response = await self.call(verb, self.chat("messages"), body, {"Authorization": f"Bearer {token}"})
        if "event: accepted" in response.text:
            self.place.accepted.add(message_id)

    async def do_first(self) -> None:
        response = await self.call("session", self.chat("sessions"), {}, {})
        if response.status_code == 201:
            visitor = response.json()["sessionToken"], uuid4().hex
            self.visitors = [*self.visitors[-5:], visitor]
            await self.say("first", *visitor)

    async def do_again(self) -> None:
        if self.visitors:
            await self.say("again", *self.random.choice(self.visitors))

    async def do_prove(self) -> None:
        token = self.place.token(f"S-{self.random.randrange(PEOPLE)}")
        stored = self.random.choice([token for token, _ in self.visitors] + self.proven[-2:] + [""])
        headers = {"Authorization": f"Bearer {stored}"} if stored else {}
        response = await self.call("prove", self.chat("open"), {"identityToken": token}, headers)
        if response.status_code == 200 and response.json()["sessionToken"]:
            self.proven = [*self.proven[-3:], response.json()["sessionToken"]]

    async def do_say(self) -> None:
        if self.proven:
            await self.say("say", self.random.choice(self.proven), self.random.choice(["conversation-1", uuid4().hex]))

    async def look(self) -> str | None:
        """A contact that a member sees."""
        if not self.place.contacts or self.random.random() < 0.1:
            path = f"/api/v1/contacts?pageSize=50&offset={self.random.randrange(RECENT)}"
            found = await self.client.get(path, headers=self.place.headers)
            if found.status_code == 200:
                seen = [one["id"] for one in found.json()["results"]]
                self.place.contacts = [*self.place.contacts, *seen][-RECENT:]
        return self.random.choice(self.place.contacts) if self.place.contacts else None

    async def do_link(self) -> None:
        if contact := await self.look():
            body = {"sourceId": f"L-{self.random.randrange(LINKS)}"}
            await self.call("link", f"/api/v1/contacts/{contact}/identities", body, self.place.headers)

    async def do_merge(self) -> None:
        survivor, *others = [await self.look() for _ in range(self.random.choice([2, 2, 3]))]
        if survivor:
            body = {"from": others, "acceptWiderAccess": self.random.random() < 0.3}
            path = f"/api/v1/contacts/{survivor}/merge"
            response = await self.call("merge", path, body, self.place.headers)
            if response.status_code == 200:
                self.place.merges = [*self.place.merges[-50:], response.json()["mergeId"]]

    async def do_undo(self) -> None:
        if self.place.merges:
            path = f"/api/v1/merges/{self.random.choice(self.place.merges[-10:])}/undo"
            await self.call("undo", path, {"confirmAccess": True}, self.place.headers)


async def storm(app: FastAPI, place: Place, *, workers: int, seconds: float) -> None:
    """Let all act for so long; a browser that still waits for an answer then goes away."""
    until = time.monotonic() + seconds
    acting = [asyncio.create_task(Worker(app, place, number).run(until)) for number in range(workers)]
    done, waiting = await asyncio.wait(acting, timeout=seconds + PATIENCE)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for task in done:
        task.result()


async def find_broken(place: Place) -> dict[str, int]:
    """The promises that are broken, with how often."""
    broken: dict[str, int] = {}
    async with place.db.begin(place.organization_id) as tx:
        params = {"organization": place.organization_id}
        for name, sql in BROKEN.items():
            broken[name] = await tx.fetch_value(sql.format(own=OWN, present=PRESENT), params)
        rows = await tx.fetch(f"SELECT client_id FROM messages WHERE {OWN} AND type = 'incoming'", params)
    stored = [row[0] for row in rows]
    broken["messages lost"] = len(place.accepted - set(stored))
    broken["messages doubled or of nobody"] = len(stored) - len(set(stored) & place.sent)
    broken["answers with 500"] = len(place.failures)
    return {name: count for name, count in broken.items() if count}


async def main(workers: int, seconds: float) -> int:
    with tempfile.TemporaryDirectory(prefix="frontdesk-storm-", ignore_cleanup_errors=True) as folder:
        settings = Settings(data=Path(folder))
        with open_database(settings) as addresses:
            async with open_services(settings, addresses) as services:
                place = await prepare(services)
                await storm(create_app(services), place, workers=workers, seconds=seconds)
                broken = await find_broken(place)
    print(
        f"{workers} workers for {seconds:.0f} s: {sum(place.answers.values())} requests, {len(place.accepted)} messages"
    )
    for name, count in sorted(place.answers.items()):
        print(f"  {name:32}{count:>7}")
    for failure in place.failures[:10]:
        print(f"  failed: {failure}")
    print("broken promises:", broken or "none")
    print(json.dumps({"requests": sum(place.answers.values()), "messages": len(place.accepted), "broken": broken}))
    return 1 if broken else 0


if __name__ == "__main__":
    said = sys.argv[1:]
    sys.exit(asyncio.run(main(int(said[0]) if said else 200, float(said[1]) if len(said) > 1 else 60)))
