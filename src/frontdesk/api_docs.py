"""`/api/docs`: the description of the API for people, where every call can be tried."""

from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from frontdesk.core.statics import static_address

router = APIRouter(include_in_schema=False)

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE: Final = """\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Frontdesk API</title>
    <link rel="stylesheet" href="{style}">
  </head>
  <body>
    <main id="docs" data-schema="/api/v1/schema"></main>
    <script src="{script}"></script>
  </body>
</html>
"""


@router.get("/docs")
async def show_docs() -> HTMLResponse:
    """Show the description, for whoever asks: it tells nothing of any organization."""
    page = _PAGE.format(style=static_address("docs.css"), script=static_address("docs.js"))
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})
