"""E-mails to members: invitations and password links."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import structlog

from frontdesk.core.services import Mailer

_TIMEOUT_SECONDS = 10
_log = structlog.get_logger(__name__)


async def send_mail(mailer: Mailer, *, to: str, subject: str, text: str) -> bool:
    """Hand one e-mail to the configured server, outside of any transaction.

    False when there is no server or it does not take the e-mail (which is logged): then show the link instead.
    """
    if mailer.smtp_url is None:
        return False
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = mailer.sender, to, subject
    message.set_content(text)
    try:
        await asyncio.to_thread(_send, mailer.smtp_url, message)
    except (OSError, smtplib.SMTPException) as error:
        _log.warning("organizations.mail_refused", error=str(error))
        return False
    return True


def _send(smtp_url: str, message: EmailMessage) -> None:
    url = urlsplit(smtp_url)
    host, context = url.hostname or "localhost", ssl.create_default_context()
    is_encrypted = url.scheme == "smtps"
    with (
        smtplib.SMTP_SSL(host, url.port or 465, timeout=_TIMEOUT_SECONDS, context=context)
        if is_encrypted
        else smtplib.SMTP(host, url.port or 587, timeout=_TIMEOUT_SECONDS)
    ) as server:
        server.ehlo()
        if not is_encrypted and server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
            is_encrypted = True
        if url.username:
            if not is_encrypted:
                raise smtplib.SMTPNotSupportedError("The server offers no encryption, so no password is sent to it.")
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)
