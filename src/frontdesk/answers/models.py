"""Language models: any OpenAI-compatible, Anthropic or Google endpoint, streamed. Providers are imported when used."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.models.openai import OpenAIChatModel

_DEADLINE_SECONDS = 60.0


class ModelFailed(Exception):
    """The model did not answer: unreachable, refused, or too slow. The message is not for the reader."""


@dataclass(frozen=True, slots=True)
class ModelAccess:
    """Which model an assistant speaks through. `key` is the organization's own; never logged."""

    provider: str
    name: str
    base_url: str | None
    key: str


async def stream_text(access: ModelAccess, *, instructions: str, question: str) -> AsyncGenerator[str, None]:
    """Yield the answer piece by piece. Raises ModelFailed, also in the middle."""
    from pydantic_ai import Agent  # noqa: PLC0415 -- half a second of imports that extractive answers never need
    from pydantic_ai.exceptions import AgentRunError  # noqa: PLC0415

    model = _open_model(access)
    agent = Agent(model, instructions=instructions, retries=0)
    try:
        async with model.provider, agent.run_stream(question, model_settings={"timeout": _DEADLINE_SECONDS}) as run:
            async with aclosing(run.stream_text(delta=True, debounce_by=None)) as pieces:
                async for piece in pieces:
                    yield piece
    except (AgentRunError, OSError) as error:
        raise ModelFailed(str(error)) from error


def _open_model(access: ModelAccess) -> "OpenAIChatModel | AnthropicModel | GoogleModel":
    if access.provider == "anthropic":
        from pydantic_ai.models.anthropic import AnthropicModel  # noqa: PLC0415
        from pydantic_ai.providers.anthropic import AnthropicProvider  # noqa: PLC0415

        return AnthropicModel(access.name, provider=AnthropicProvider(api_key=access.key, base_url=access.base_url))
    if access.provider == "google":
        from pydantic_ai.models.google import GoogleModel  # noqa: PLC0415
        from pydantic_ai.providers.google import GoogleProvider  # noqa: PLC0415

        return GoogleModel(access.name, provider=GoogleProvider(api_key=access.key, base_url=access.base_url))
    from pydantic_ai.models.openai import OpenAIChatModel  # noqa: PLC0415
    from pydantic_ai.providers.openai import OpenAIProvider  # noqa: PLC0415

    return OpenAIChatModel(access.name, provider=OpenAIProvider(base_url=access.base_url, api_key=access.key))
