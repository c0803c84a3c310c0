"""Addresses of the built files: they change with the content, so browsers may keep what they have."""

import json
from functools import cache
from importlib import resources
from pathlib import Path


def static_address(name: str) -> str:
    """Return the address of a file of `static/`."""
    version = _versions().get(name)
    return f"/static/{name}?v={version}" if version else f"/static/{name}"


def static_file(name: str) -> Path:
    """Return where a file of `static/` lies."""
    return Path(str(resources.files("frontdesk") / "static" / name))


@cache
def _versions() -> dict[str, str]:
    manifest = resources.files("frontdesk") / "static" / "manifest.json"
    return dict(json.loads(manifest.read_text())["files"]) if manifest.is_file() else {}
