"""The client for foreign addresses refuses ours before it opens a connection."""

import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
from ssrfguard import SSRFGuardError

from frontdesk.core.http import CallFailed, call, open_guarded_client


@pytest.fixture
def inner_server() -> Iterator[tuple[int, list[bytes]]]:
    """A server on loopback that notes every connection and redirects to itself."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    seen.append(connection.recv(1000))
                    location = f"Location: http://127.0.0.1:{port}/again\r\n".encode()
                    connection.sendall(
                        b"HTTP/1.1 302 Found\r\n" + location + b"Content-Length: 0\r\nConnection: close\r\n\r\n"
                    )

        threading.Thread(target=serve, daemon=True).start()
        yield port, seen
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",  # noqa: S104 -- an address to refuse
        "10.0.0.1",
    ],
)
async def test_s25_inner_addresses_are_refused_before_a_connection(inner_server, host):
    """In every spelling, over http and https."""
    port, seen = inner_server
    async with open_guarded_client(()) as client:
        for scheme in ("http", "https"):
            with pytest.raises(SSRFGuardError):
                await client.get(f"{scheme}://{host}:{port}/")
    assert seen == []


async def test_s25_the_metadata_address_is_refused():
    """What a cloud tells its machines is nobody else's."""
    async with open_guarded_client(()) as client:
        with pytest.raises(SSRFGuardError):
            await client.get("https://169.254.169.254/latest/meta-data/")


async def test_s25_a_name_of_our_network_fails_like_one_that_there_is_not():
    """What is told to whoever typed it does not say which inner names there are."""
    said = set()
    async with open_guarded_client([]) as client:
        for name in ("localhost", "nothing.invalid"):
            with pytest.raises(CallFailed) as failed:
                await call(client, "GET", f"https://{name}/keys", seconds=3, max_bytes=10)
            said.add(failed.value.reason)
    assert len(said) == 1


async def test_allowed_networks_are_reached_and_redirects_are_not_followed(inner_server):
    """What the operator lists is open; a redirect is an answer, not a way on."""
    port, seen = inner_server
    async with open_guarded_client(("127.0.0.0/8",)) as client:
        response = await client.get(f"http://127.0.0.1:{port}/")
        assert response.status_code == httpx.codes.FOUND
        with pytest.raises(SSRFGuardError):
            await client.get("http://10.0.0.1/")
    assert len(seen) == 1
