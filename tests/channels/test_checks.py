"""What may be written on an inbox."""

import pytest

from frontdesk.channels.checks import check_origins
from frontdesk.core.errors import InvalidRequest


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://shop.example.com", "https://shop.example.com"),
        (" HTTPS://Shop.Example.com/ ", "https://shop.example.com"),
        ("https://shop.example.com:443", "https://shop.example.com"),
        ("https://shop.example.com:8443", "https://shop.example.com:8443"),
        ("https://xn--fsqu00a.xn--0zwm56d", "https://xn--fsqu00a.xn--0zwm56d"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_an_origin_is_kept_as_browsers_write_it(written, kept):
    """So that comparing texts is enough; twice the same is once."""
    assert check_origins([written, kept]) == (kept,)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "*",
        "https://*.example.com",
        "http://shop.example.com",
        "https://shop.example.com/chat",
        "https://shop.example.com?x",
        "https://user@shop.example.com",
        "https://shop.example.com; script-src *",
        "https://shop.example.com\nhttps://b.example.com",
        "https://a.example.com https://b.example.com",
        "https://shop.example.com:0",
        "https://shop.example.com:65536",
        "https://商店.tw",
        "https://-shop.example.com",
        "shop.example.com",
        "null",
        "javascript://shop.example.com",
        "http://localhost.evil.example",
    ],
)
def test_nothing_else_reaches_the_header(written):
    """Origins end up in frame-ancestors: a path, a wildcard or a second directive is refused with its place."""
    with pytest.raises(InvalidRequest) as refused:
        check_origins(["https://fine.example.com", written])
    assert refused.value.pointer == "/allowedOrigins/1"
