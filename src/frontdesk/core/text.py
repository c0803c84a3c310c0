"""Text as the whole product writes it: JSON, byte for byte the same for the same value."""

import json
from datetime import UTC, datetime
from typing import Any


def dump_json(value: Any) -> str:  # noqa: ANN401 -- JSON
    """Render JSON in UTF-8 without needless spaces; keys keep their order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def utc_now() -> datetime:
    """Return the time now, aware, in UTC."""
    return datetime.now(UTC)
