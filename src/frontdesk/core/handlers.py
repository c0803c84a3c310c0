"""What a job's function looks like."""

from collections.abc import Awaitable, Callable
from typing import Any

Handler = Callable[..., Awaitable[Any]]
"""`async def on_x(services, organization_id, **ids)`: opens its own transactions; safe to repeat."""
