"""What the worker does for what touches everything of a contact."""

from frontdesk.core.handlers import Handler
from frontdesk.lifecycle.erasing import ERASED, PROOFS_SPENT, on_contact_erased, on_proofs_spent
from frontdesk.lifecycle.retention import RETENTION_DUE, on_retention_due

HANDLERS: dict[str, Handler] = {
    ERASED: on_contact_erased,
    RETENTION_DUE: on_retention_due,
    PROOFS_SPENT: on_proofs_spent,
}
NIGHTLY = (RETENTION_DUE, PROOFS_SPENT)
