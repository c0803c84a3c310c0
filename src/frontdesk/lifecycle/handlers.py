"""What the worker does for what touches everything of a contact."""

from frontdesk.core.handlers import Handler
from frontdesk.lifecycle.erasing import ERASED, on_contact_erased

HANDLERS: dict[str, Handler] = {ERASED: on_contact_erased}
