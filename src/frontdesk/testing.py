"""Stand-ins for companies that a test cannot reach; they speak the real protocol, failures included."""

import asyncio
import base64
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, quote_plus

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from frontdesk.core.text import dump_json


@dataclass
class FakeModel:
    """A language model vendor with the chat completions interface of OpenAI, streamed or not.

    It says `words`, one piece every `pause` seconds, and keeps what it was sent in `requests`. `status` other than 200
    refuses; `cut_after` breaks the connection after that many pieces. Source: OpenAI API reference, chat completions.
    """

    words: list[str] = field(default_factory=lambda: ["Twenty ", "percent ", "off [1]."])
    pause: float = 0.0
    status: int = 200
    cut_after: int | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    @property
    def prompts(self) -> list[str]:
        """Everything that each request told the model, as one text."""
        return [dump_json(request["messages"]) for request in self.requests]

    async def complete(self, request: Request) -> Response:
        """Answer `POST /v1/chat/completions`."""
        body = json.loads(await request.body())
        self.requests.append(body)
        if self.status != 200:  # noqa: PLR2004
            error = {"message": "refused", "type": "server_error", "param": None, "code": None}
            return JSONResponse({"error": error}, self.status)
        if body.get("stream"):
            return StreamingResponse(self._stream(body["model"]), media_type="text/event-stream")
        return JSONResponse(self._whole(body["model"]))

    async def _stream(self, model: str) -> AsyncIterator[str]:
        for position, word in enumerate(self.words):
            if position == self.cut_after:
                raise ConnectionResetError
            yield self._event(model, {"role": "assistant", "content": word}, None)
            await asyncio.sleep(self.pause)
        yield self._event(model, {}, "stop")
        yield "data: [DONE]\n\n"

    def _event(self, model: str, delta: dict[str, Any], reason: str | None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return f"data: {dump_json({**_frame(model, 'chat.completion.chunk'), 'choices': [choice]})}\n\n"

    def _whole(self, model: str) -> dict[str, Any]:
        message = {"role": "assistant", "content": "".join(self.words)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return {**_frame(model, "chat.completion"), "choices": [choice], "usage": usage}


def _frame(model: str, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": int(time.time()), "model": model}


@contextmanager
def run_fake_model(model: FakeModel) -> Iterator[FakeModel]:
    """Serve `model` on a free port of loopback for as long as the block; its address is `model.url`."""
    app = Starlette(routes=[Route("/v1/chat/completions", model.complete, methods=["POST"])])
    with _serving(app) as url:
        model.url = f"{url}/v1"
        yield model


Fault = Literal["slow", "down", "unreadable", "huge", "endless", "redirect"]


@dataclass
class FakeEnterprise:
    """An enterprise's member system: says whose a token is, and publishes the keys that it signs with.

    `people` maps tokens to what is answered beside `active: true`, lies included; other tokens are not active. With a
    `fault` both addresses fail in that way: `slow` never answers, `down` is a 503, `endless` sends without end. What
    was asked is kept. Source: RFC 7662 (introspection), RFC 7517 (JWK sets).
    """

    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: list[dict[str, Any]] = field(default_factory=list)
    client_id: str = "frontdesk"
    client_secret: str = "the desk's secret"  # noqa: S105 -- of a fake
    fault: Fault | None = None
    asked: list[str] = field(default_factory=list)  # tokens, the oldest first
    fetches: int = 0
    url: str = ""

    @property
    def introspection_url(self) -> str:
        """Where it is asked about tokens."""
        return f"{self.url}/introspect"

    @property
    def keys_url(self) -> str:
        """Where its keys stand."""
        return f"{self.url}/keys"

    async def introspect(self, request: Request) -> Response:
        """Answer `POST /introspect`."""
        form = parse_qs((await request.body()).decode())
        token = form.get("token", [""])[0]
        self.asked.append(token)
        if self.fault:
            return await self._fail(request)
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
        if request.headers.get("authorization") != f"Basic {base64.b64encode(pair.encode()).decode()}":
            return JSONResponse({"error": "invalid_client"}, 401)
        said = self.people.get(token)
        return JSONResponse({"active": False} if said is None else {"active": True, **said})

    async def publish(self, request: Request) -> Response:
        """Answer `GET /keys`."""
        self.fetches += 1
        return await self._fail(request) if self.fault else JSONResponse({"keys": self.keys})

    async def _fail(self, request: Request) -> Response:
        match self.fault:
            case "slow":
                while (await request.receive())["type"] != "http.disconnect":
                    pass
                return Response()
            case "unreadable":
                return Response("<html>Welcome", media_type="text/html")
            case "huge":
                return JSONResponse({"active": True, "keys": [], "padding": "x" * 1_000_000})
            case "endless":
                return StreamingResponse(_spaces())
            case "redirect":
                return Response(status_code=302, headers={"Location": f"{self.url}/elsewhere"})
            case _:
                return Response(status_code=503)


async def _spaces() -> AsyncIterator[bytes]:
    while True:
        yield b" " * 1000
        await asyncio.sleep(0.001)


@contextmanager
def run_fake_enterprise(enterprise: FakeEnterprise) -> Iterator[FakeEnterprise]:
    """Serve `enterprise` on a free port of loopback for as long as the block; its address is `enterprise.url`."""
    app = Starlette(
        routes=[
            Route("/introspect", enterprise.introspect, methods=["POST"]),
            Route("/keys", enterprise.publish, methods=["GET"]),
        ]
    )
    with _serving(app) as enterprise.url:
        yield enterprise


@contextmanager
def _serving(app: Starlette) -> Iterator[str]:
    """Serve `app` on a free port of loopback for as long as the block, and yield its address."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=5)
