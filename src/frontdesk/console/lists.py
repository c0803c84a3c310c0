"""Lists that are searched, filtered and paged: the address says it all, so it can be kept and shared."""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from fastapi import Request

PAGE_SIZE = 25


def address_of(path: str, filters: Mapping[str, object]) -> Callable[..., str]:
    """Return a function for templates: `address(offset=25)` is the list with that changed, without empty values."""

    def address(**changes: object) -> str:
        wanted = {name: value for name, value in {**filters, **changes}.items() if value not in {"", None, 0}}
        return f"{path}?{urlencode(wanted)}" if wanted else path

    return address


def is_list_only(request: Request, target: str = "list") -> bool:
    """Tell whether htmx replaces only the rows of a list, those inside the element with this id."""
    return request.headers.get("hx-target") == target
