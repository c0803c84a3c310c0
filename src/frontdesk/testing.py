"""Stand-ins for companies that a test cannot reach; they speak the real protocol, failures included."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

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
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    model.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
    try:
        yield model
    finally:
        server.should_exit = True
        thread.join(timeout=5)
