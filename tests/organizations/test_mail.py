"""E-mails to members, handed to a server that stands in for the operator's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy

from frontdesk.core.services import Mailer
from frontdesk.organizations.mail import send_mail

SENDER = "Frontdesk <desk@example.com>"


@asynccontextmanager
async def mail_server(received: list[bytes], *, accepts: bool = True) -> AsyncIterator[int]:
    """Run a server for one e-mail, without encryption; yields its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 desk.test\r\n")
        while line := await reader.readline():
            command = line.split()[0].upper()
            if command == b"DATA":
                writer.write(b"354 go on\r\n")
                received.append(await reader.readuntil(b"\r\n.\r\n"))
            if command == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            writer.write(b"550 unknown person\r\n" if command == b"RCPT" and not accepts else b"250 fine\r\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def send(smtp_url: str | None) -> bool:
    text = "打開連結：https://desk.example.com/" + "x" * 200
    return await send_mail(Mailer(smtp_url, SENDER), to="mei@example.com", subject="邀請", text=text)


async def test_an_email_arrives_as_written():
    """Sender, receiver, subject and text arrive, in any script, and the link in one piece."""
    received: list[bytes] = []
    async with mail_server(received) as port:
        assert await send(f"smtp://127.0.0.1:{port}")
    message = message_from_bytes(received[0].removesuffix(b".\r\n"), policy=policy.default)
    assert (message["From"], message["To"], message["Subject"]) == (SENDER, "mei@example.com", "邀請")
    assert "https://desk.example.com/" + "x" * 200 in message.get_content()


async def test_without_a_server_the_link_is_shown_instead():
    """Nothing configured, nobody listening, or a refusal: the caller learns that nothing was sent."""
    assert not await send(None)
    received: list[bytes] = []
    async with mail_server(received, accepts=False) as port:
        assert not await send(f"smtp://127.0.0.1:{port}")
    assert not await send(f"smtp://127.0.0.1:{port}")
    assert received == []


async def test_a_password_is_not_sent_in_clear():
    """With a password configured, a server without encryption gets neither the password nor the e-mail."""
    received: list[bytes] = []
    async with mail_server(received) as port:
        assert not await send(f"smtp://desk:secret@127.0.0.1:{port}")
    assert received == []
