"""The documents of the chat: its frame, and the script that pages embed."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from jinja2 import Environment, PackageLoader

from frontdesk.assistants import queries as assistants
from frontdesk.core.statics import static_address, static_file
from frontdesk.webchat.actions import Door
from frontdesk.webchat.greeting import choose_language
from frontdesk.webchat.routes import enter

router = APIRouter()

_TEMPLATES: Final = Environment(loader=PackageLoader("frontdesk.webchat"), autoescape=True)
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self' {origins}"
)


@router.get("/chat/{public_id}")
async def show_frame(request: Request, door: Annotated[Door, Depends(enter)]) -> HTMLResponse:
    """Show the chat's frame; only our own pages and those of the inbox's origins may embed it."""
    async with door.services.db.begin(door.organization_id) as tx:
        assistant = await assistants.get_assistant(tx, door.inbox.assistant_id)
    language = choose_language(request.headers.get("accept-language", ""))
    config = {
        "publicId": door.inbox.public_id,
        "allowedOrigins": list(door.inbox.allowed_origins),
        "assistantName": assistant.name,
        "locale": None,  # the page, else the browser, says
        "theme": "auto",
        "primaryColor": None,
    }
    page = _TEMPLATES.get_template("frame.html").render(
        language=language, theme="auto", assistant_name=assistant.name, config=config, static=static_address
    )
    policy = _POLICY.format(origins=" ".join(door.inbox.allowed_origins)).strip()
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


@router.get("/widget.js")
@router.get("/js/embed.min.js")
async def send_loader() -> Response:
    """Send the script that pages embed; any page may load it."""
    headers = {"Cache-Control": "public, max-age=300", "Cross-Origin-Resource-Policy": "cross-origin"}
    return FileResponse(static_file("widget.js"), media_type="text/javascript", headers=headers)
