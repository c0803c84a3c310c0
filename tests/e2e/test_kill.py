"""The server is stopped, or killed in the middle of an answer: nothing that was committed is lost or doubled."""

import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from frontdesk.assistants.actions import ModelRules
from frontdesk.assistants.model import ModelChoice, ModelProvider
from frontdesk.bootstrap import open_database, open_services
from frontdesk.channels.assistant_actions import update_assistant
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.demo.organization import OWNER, PASSWORD, find_shop
from frontdesk.organizations.model import system_caller
from frontdesk.settings import Settings
from frontdesk.testing import FakeModel, run_fake_model


@asynccontextmanager
async def running(data: Path, port: int, model_url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The server as a process of its own, ready to answer."""
    environment = {
        **os.environ,
        "FRONTDESK_DATA": str(data),
        "FRONTDESK_PORT": str(port),
        "FRONTDESK_MODEL_URLS": model_url,
    }
    command = [sys.executable, "-c", "from frontdesk.cli import main; main()", "demo"]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=DEVNULL, stderr=PIPE)
    try:
        async with asyncio.timeout(60), httpx.AsyncClient() as client:
            while True:
                try:
                    await client.get(f"http://127.0.0.1:{port}/demo")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.2)
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="frontdesk-killed-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


async def speak_slowly(services: Services, model: FakeModel) -> tuple[OrganizationId, str]:
    """Let the demo's assistant speak through a slow model; return the organization and the web chat's public id."""
    organization_id, inbox = await find_shop(services)
    rules = ModelRules(services.cipher, (model.url,))
    choice = ModelChoice(ModelProvider.OPENAI, "gpt-test", model.url, "sk-test")
    async with services.db.begin(organization_id) as tx:
        await update_assistant(tx, system_caller(organization_id), inbox.assistant_id, {"model": choice}, rules)
    return organization_id, inbox.public_id


async def kill_in_mid_answer(process: asyncio.subprocess.Process, url: str, body: dict[str, str]) -> str:
    """Ask, wait for the first words, kill the server, and return the visitor's token."""
    async with httpx.AsyncClient(timeout=30) as client:
        token = (await client.post(f"{url}/sessions")).json()["sessionToken"]
        headers = {"Authorization": f"Bearer {token}"}
        with pytest.raises(httpx.TransportError):  # noqa: PT012 -- wherever in the stream it breaks
            async with client.stream("POST", f"{url}/messages", json=body, headers=headers) as stream:
                async for line in stream.aiter_lines():
                    if line == "event: delta":
                        process.send_signal(signal.SIGKILL)
    return token


async def count(services: Services, organization_id: OrganizationId) -> tuple[int, int, int]:
    """Return how many anonymous contacts, incoming and outgoing messages there are."""
    async with services.db.begin(organization_id) as tx:
        return await tx.fetch_one(
            """
            SELECT (SELECT count(*) FROM contacts WHERE name = ''),
                   (SELECT count(*) FROM messages WHERE type = 'incoming'),
                   (SELECT count(*) FROM messages WHERE type = 'outgoing')
            """
        )


@dataclass(frozen=True)
class Scene:
    """The server was killed while it answered; nobody has started it again."""

    services: Services
    organization_id: OrganizationId
    url: str
    body: dict[str, str]
    headers: dict[str, str]

    async def count(self) -> tuple[int, int, int]:
        return await count(self.services, self.organization_id)


@asynccontextmanager
async def killed_in_mid_answer(folder: Path, port: int, model: FakeModel) -> AsyncIterator[Scene]:
    body = {
        "conversationKey": str(uuid4()),
        "messageId": str(uuid4()),
        "text": "What are your opening hours?",
    }
    async with running(folder, port, model.url) as process:
        with open_database(Settings(data=folder)) as addresses:
            async with open_services(Settings(data=folder), addresses) as services:
                organization_id, public_id = await speak_slowly(services, model)
                url = f"http://127.0.0.1:{port}/webchat/{public_id}"
                token = await kill_in_mid_answer(process, url, body)
                scene = Scene(services, organization_id, url, body, {"Authorization": f"Bearer {token}"})
                assert await scene.count() == (1, 1, 0)
                yield scene


@pytest.fixture
def model() -> Iterator[FakeModel]:
    with run_fake_model(FakeModel(words=["From ", "ten ", "to ", "eight [1]."], pause=1.0)) as model:
        yield model


async def test_kill_9_loses_and_doubles_nothing(folder, port, model):
    """After a restart the message that was accepted is there once, and sending it again is harmless."""
    async with (
        killed_in_mid_answer(folder, port, model) as scene,
        running(folder, port, model.url),
        httpx.AsyncClient(timeout=30, headers=scene.headers) as client,
    ):
        async with client.stream("POST", f"{scene.url}/messages", json=scene.body) as stream:
            assert await anext(stream.aiter_lines()) == "event: accepted"
        opened = (await client.post(f"{scene.url}/open", json={})).json()
        assert [m["content"] for m in opened["conversation"]["messages"]] == [scene.body["text"]]
        assert await scene.count() == (1, 1, 0)


@pytest.mark.long
async def test_kill_9_in_mid_answer(folder, port, model):
    """The question is there once, under one contact; after a restart it gets one answer, though nobody asks again."""
    async with killed_in_mid_answer(folder, port, model) as scene:
        model.pause = 0
        async with running(folder, port, model.url), httpx.AsyncClient(timeout=30, headers=scene.headers) as client:
            async with asyncio.timeout(90):
                while (await scene.count())[2] == 0:  # noqa: ASYNC110 -- another process
                    await asyncio.sleep(0.5)
            again = await client.post(f"{scene.url}/messages", json=scene.body)
            assert json.loads(again.text.split("data: ")[-1])["message"]["content"].startswith("From ten")
            assert await scene.count() == (1, 1, 1)


async def test_control_c_hangs_up_on_open_pages(folder, port):
    """With a page of the console open it stops at once, has nothing to complain of, and takes its database along."""
    url = f"http://127.0.0.1:{port}"
    async with running(folder, port, "") as process, httpx.AsyncClient(base_url=url, timeout=30) as client:
        member = {"email": OWNER[0], "password": PASSWORD, "next": "/console"}
        await client.post("/console/sign-in", data=member, headers={"Origin": url})
        async with client.stream("GET", "/console/live") as page:
            lines = page.aiter_lines()
            assert await anext(lines) == ": listening"
            process.send_signal(signal.SIGINT)
            async with asyncio.timeout(10):
                async for _ in lines:  # what the worker does is told until the end
                    pass
        async with asyncio.timeout(10):
            _, complaints = await process.communicate()
        assert (process.returncode, complaints) == (0, b"")
        assert not (folder / "pgdata-18" / "postmaster.pid").exists()
