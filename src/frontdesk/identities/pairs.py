"""Two contacts side by side: who may see them, in SQL, and their cards."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from frontdesk.contacts.queries import CARD, to_contact
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, InboxId
from frontdesk.identities.cards import ContactView, load_views
from frontdesk.organizations.model import Caller, Right

# The contacts of `pair`, a table with `first_id` and `second_id`. One that was merged away or deleted is not there.
SIDES: Final = """
    JOIN contacts first ON first.organization_id = pair.organization_id AND first.id = pair.first_id
                       AND first.deleted_at IS NULL
    JOIN contacts second ON second.organization_id = pair.organization_id AND second.id = pair.second_id
                        AND second.deleted_at IS NULL
"""


def _in(side: str, parameter: str) -> str:
    return f"""
        (%({parameter})s::uuid[] IS NULL OR EXISTS (
            SELECT 1 FROM contact_inboxes its
             WHERE its.organization_id = {side}.organization_id AND its.contact_id = {side}.id
               AND its.inbox_id = ANY(%({parameter})s)))
    """


def both_in(parameter: str) -> str:
    """Return the condition that both sides are in inboxes of this parameter; NULL: whatever their inboxes."""
    return f"({_in('first', parameter)} AND {_in('second', parameter)})"


def one_in(parameter: str) -> str:
    """Return the condition that one side at least is in an inbox of this parameter; NULL: whatever its inboxes."""
    return f"({_in('first', parameter)} OR {_in('second', parameter)})"


MAY_VIEW: Final = both_in("viewed")
MAY_SEE_PERSONAL: Final = both_in("personal")


def rights_of(caller: Caller) -> dict[str, Any]:
    """Return the parameters of the two conditions above."""
    return {
        "viewed": list_or_all(caller.inboxes_for(Right.CONTACTS_VIEW)),
        "personal": list_or_all(caller.inboxes_for(Right.CONTACTS_VIEW_PERSONAL)),
    }


def list_or_all(inbox_ids: Collection[InboxId] | None) -> list[InboxId] | None:
    """Return inboxes as a parameter; None: all."""
    return None if inbox_ids is None else list(inbox_ids)


async def find_views(tx: Tx, caller: Caller, contact_ids: Sequence[ContactId]) -> dict[ContactId, ContactView]:
    """Map contacts whom the caller may view to what is shown of them, personal fields only with the right."""
    sql = f"SELECT {CARD} FROM contacts c WHERE c.organization_id = %(organization)s AND c.id = ANY(%(contacts)s)"
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "contacts": list(set(contact_ids))})
    views = await load_views(tx, caller, [to_contact(row) for row in rows])
    return {view.contact.id: view for view in views}
