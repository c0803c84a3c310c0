"""What the process counts about itself, for Prometheus, alarms of the second gate among it. Closed without a token."""

from hmac import compare_digest
from typing import Final

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from frontdesk.core.errors import NotFound

router = APIRouter()

_SCHEME: Final = "Bearer "


@router.get("/metrics")
async def show_metrics(request: Request) -> Response:
    """Show the counters of this process to whoever sends the operator's token; to others there is no such page."""
    token: str | None = request.app.state.metrics_token
    sent = request.headers.get("authorization", "")
    if not token or not compare_digest(sent.encode(), f"{_SCHEME}{token}".encode()):
        raise NotFound
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})
