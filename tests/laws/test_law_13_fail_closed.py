"""Law 13: whoever cannot be told what they may read is told that nothing was found, never a part of it."""

import json
import re
from typing import Any

import httpx
import psycopg
import pytest
from prometheus_client import REGISTRY
from psycopg.types.json import Jsonb
from structlog.testing import capture_logs
from tests.laws.revoking import Wire
from tests.laws.stage import Stage, alike

from frontdesk.access import sql
from frontdesk.access.queries import raise_scope_version
from frontdesk.answers.wording import NOTHING_FOUND, RULES_CHANGED
from frontdesk.knowledge import search as searching
from frontdesk.knowledge.errors import ScopeLeak

QUESTION = "How much is the delivery fee?"
TOLD = "flat fee"
FAULTS = (
    psycopg.errors.QueryCanceled("canceling statement due to statement timeout"),
    psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"),
    psycopg.OperationalError("the connection is lost"),
    ScopeLeak(),
)


def count(reason: str) -> float:
    return REGISTRY.get_sample_value("frontdesk_answers_cut_total", {"reason": reason}) or 0.0


def pieces(content: bytes) -> list[bytes]:
    """What is alike in every denial, whoever is denied: tokens are theirs."""
    return re.split(rb"\n\n", alike(content))


async def ask(stage: Stage, question: str = QUESTION) -> dict[str, list[bytes]]:
    """Ask on every channel that answers, and return the bytes."""
    browser = stage.browser()
    await browser.start()
    chat = await browser.post(question, key="law-13-conversation")
    plain, streamed = await stage.complete(question), await stage.complete(question, isStreaming=True)
    assert {chat.status_code, plain.status_code, streamed.status_code} == {200}
    return {"chat": pieces(chat.content), "plain": pieces(plain.content), "streamed": pieces(streamed.content)}


@pytest.fixture
async def denied(stage: Stage) -> dict[str, list[bytes]]:
    """What is said when nothing is found."""
    said = await ask(stage, "Who painted the Mona Lisa?")
    assert NOTHING_FOUND["en"].encode() in b"".join(said["chat"])
    return said


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
async def test_law_13_a_fault_of_the_search_is_a_denial(stage: Stage, denied, monkeypatch, fault: Exception):
    """A lost connection, time-outs and a leak give the bytes of "nothing found" on every channel; the alarm counts."""

    def fail(*_: Any, **__: Any) -> Any:
        raise fault

    assert TOLD in b"".join((await ask(stage))["chat"]).decode()
    before = count("scope_leak" if isinstance(fault, ScopeLeak) else "error")
    with monkeypatch.context() as broken, capture_logs() as logs:
        broken.setattr(searching, "compile_predicate", fail)
        said = await ask(stage)
    assert said == denied
    assert count("scope_leak" if isinstance(fault, ScopeLeak) else "error") >= before + 3
    assert [one for one in logs if one["log_level"] == "error"]


async def test_law_13_a_fault_while_the_answer_is_shown(stage: Stage, monkeypatch):
    """What was shown is taken back, and what is stored is the denial."""
    compiled, is_broken = sql.compile_predicate, False

    def fail_later(*arguments: Any, **more: Any) -> Any:
        if is_broken:
            raise psycopg.OperationalError
        return compiled(*arguments, **more)

    async def breaks() -> None:
        nonlocal is_broken
        is_broken = True
        async with stage.services.db.begin(stage.organization_id) as tx:
            await raise_scope_version(tx)

    monkeypatch.setattr(searching, "compile_predicate", fail_later)
    stage.model.words, stage.model.pause = ["The ", "flat ", "fee ", "is ", "80 ", "[1]."], 0.05
    wire = Wire(stage.app, 2, breaks)
    body = {"conversation": None, "isStreaming": True, "message": {"content": QUESTION, "sender": str(stage.contact)}}
    with capture_logs():
        await wire.post(f"/api/v1/chatbots/{stage.inboxes[1].assistant_id}/completions", body, stage.headers)
    pieces = [json.loads(part.removeprefix(b"data: ")) for part in wire.after]
    assert [piece["content"] for piece in pieces] == [RULES_CHANGED["en"], RULES_CHANGED["en"], NOTHING_FOUND["en"], ""]
    assert all(piece["replace"] for piece in pieces[:3])
    assert (pieces[-1]["done"], pieces[-1]["citations"]) == (True, [])


async def break_inbox(stage: Stage) -> None:
    async with stage.services.db.begin(stage.organization_id) as tx:
        await tx.execute("""UPDATE inboxes SET visitor_scope = '{"knowledge_bases": "all"}', query_metadata = '[1]'""")


async def break_profile(stage: Stage) -> None:
    async with stage.services.db.begin(stage.organization_id) as tx:
        await tx.execute("""UPDATE access_profiles SET query_metadata = '{"knowledge_base": [7]}'""")


async def test_law_13_query_metadata_that_cannot_be_read_opens_nothing(stage: Stage, denied):
    """Whatever layer is broken in the database, the answer is the denial, not what the other layers open."""
    async with stage.services.db.begin(stage.organization_id) as tx:
        inboxes = await tx.fetch("SELECT id, visitor_scope, query_metadata FROM inboxes")
        profiles = await tx.fetch("SELECT id, query_metadata FROM access_profiles")
    try:
        async with stage.services.db.begin(stage.organization_id) as tx:
            await tx.execute("UPDATE inboxes SET query_metadata = '[1]'")
        assert await ask(stage) == denied  # this layer is broken, and those around it would open
        await break_inbox(stage)
        await break_profile(stage)
        assert await ask(stage) == denied
    finally:
        async with stage.services.db.begin(stage.organization_id) as tx:
            for one, visitor_scope, query_metadata in inboxes:
                params = {"id": one, "v": to_json(visitor_scope), "q": to_json(query_metadata)}
                await tx.execute(
                    "UPDATE inboxes SET visitor_scope = %(v)s, query_metadata = %(q)s WHERE id = %(id)s", params
                )
            for one, query_metadata in profiles:
                params = {"id": one, "q": to_json(query_metadata)}
                await tx.execute("UPDATE access_profiles SET query_metadata = %(q)s WHERE id = %(id)s", params)
    assert TOLD in b"".join((await ask(stage))["chat"]).decode()


def to_json(value: object) -> object:
    return None if value is None else Jsonb(value)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
async def test_law_13_lists_are_whole_or_not_there(stage: Stage, monkeypatch, fault: Exception):
    """Search, view-as and the history of the chat answer a fault without one row: the problem of any bug."""
    browser = stage.browser()
    await browser.ask(QUESTION, key="law-13-lists-conversation")
    thread = (await browser.open()).json()["conversation"]["id"]
    asked = {"question": QUESTION, "inbox": str(stage.inboxes[0].id), "assurance": "signed"}

    def fail(*_: Any, **__: Any) -> Any:
        raise fault

    async def look() -> list[httpx.Response]:
        view_as = f"/api/v1/contacts/{stage.contact}/view-as"
        history = browser.url(f"conversations/{thread}/messages")
        return [
            await stage.search(QUESTION),
            await stage.client.post(view_as, json=asked, headers=stage.headers),
            await stage.client.get(history, headers=browser.headers),
        ]

    assert [TOLD in one.text for one in await look()] == [True, True, True]
    with monkeypatch.context() as broken, capture_logs():
        broken.setattr(searching, "compile_predicate", fail)
        answers = await look()
    assert {answer.status_code for answer in answers} == {500}
    assert len({alike(answer.content) for answer in answers}) == 1
    assert TOLD not in answers[0].text
