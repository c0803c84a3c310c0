"""Language models: any OpenAI-compatible, Anthropic or Google endpoint, streamed. Providers are imported when used."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_ai.models import Model
    from pydantic_ai.providers import Provider

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

    if not access.key and not access.base_url:  # the vendors' own libraries would look for a key of the operator
        raise ModelFailed("the assistant has no key for its model")
    model, provider = _open_model(access)
    agent = Agent(model, instructions=instructions, retries=0)
    try:
        async with provider, agent.run_stream(question, model_settings={"timeout": _DEADLINE_SECONDS}) as run:
            async for piece in run.stream_text(delta=True, debounce_by=None):
                yield piece
    except (AgentRunError, OSError) as error:
        raise ModelFailed(str(error)) from error


def _open_model(access: ModelAccess) -> "tuple[Model[Any], Provider[Any]]":
    """Return the model and its provider, which closes its connections when its block ends."""
    key = access.key or "none"  # a server of one's own may ask for none
    if access.provider == "anthropic":
        from pydantic_ai.models.anthropic import AnthropicModel  # noqa: PLC0415
        from pydantic_ai.providers.anthropic import AnthropicProvider  # noqa: PLC0415

        anthropic = AnthropicProvider(api_key=key, base_url=access.base_url)
        return AnthropicModel(access.name, provider=anthropic), anthropic
    if access.provider == "google":
        from pydantic_ai.models.google import GoogleModel  # noqa: PLC0415
        from pydantic_ai.providers.google import GoogleProvider  # noqa: PLC0415

        google = GoogleProvider(api_key=key, base_url=access.base_url)
        return GoogleModel(access.name, provider=google), google
    from pydantic_ai.models.openai import OpenAIChatModel  # noqa: PLC0415
    from pydantic_ai.providers.openai import OpenAIProvider  # noqa: PLC0415

    openai = OpenAIProvider(base_url=access.base_url, api_key=key)
    return OpenAIChatModel(access.name, provider=openai), openai
