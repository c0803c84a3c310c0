"""The directory: which organization a public id belongs to, read before any organization is known."""

from frontdesk.core.db import Tx
from frontdesk.core.ids import OrganizationId


async def register_public_id(tx: Tx, public_id: str, kind: str) -> None:
    """Make `public_id` findable for everybody; `kind` says what it names, such as `inbox`. It must be a fresh one."""
    await tx.execute(
        """
        INSERT INTO directory (public_id, organization_id, kind) VALUES (%(public_id)s, %(organization)s, %(kind)s)
        """,
        {"public_id": public_id, "organization": tx.organization_id, "kind": kind},
    )


async def find_organization(tx: Tx, public_id: str, kind: str) -> OrganizationId | None:
    """Return whose `public_id` this is; None when nothing of `kind` has it. Use it in `begin_bootstrap()`."""
    found = await tx.fetch_value(
        "SELECT organization_id FROM directory WHERE public_id = %(public_id)s AND kind = %(kind)s",
        {"public_id": public_id, "kind": kind},
    )
    return OrganizationId(found) if found else None
