"""SQL on organizations."""

from collections.abc import Sequence

from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import OrganizationId
from frontdesk.core.text import utc_now
from frontdesk.organizations.records import Organization


async def insert_organization(tx: Tx, name: str) -> None:
    """Store the organization of `tx`."""
    await tx.execute(
        "INSERT INTO organizations (id, name, created_at) VALUES (%(organization)s, %(name)s, %(now)s)",
        {"organization": tx.organization_id, "name": name, "now": utc_now()},
    )


async def find_organization(tx: Tx) -> Organization | None:
    """Return the organization of `tx`; None when it was deleted."""
    return await tx.fetch_one_as(
        Organization,
        """
        SELECT id, name, locale, vendor_faq_reading, scope_version, refused_source_ids, created_at
          FROM organizations WHERE id = %(organization)s
        """,
        {"organization": tx.organization_id},
    )


async def get_organization(tx: Tx) -> Organization:
    """Return the organization of `tx`. Raises NotFound when it was deleted."""
    organization = await find_organization(tx)
    if organization is None:
        raise NotFound
    return organization


async def update_organization(tx: Tx, *, name: str, vendor_faq_reading: bool) -> None:
    """Store the settings of the organization of `tx`."""
    await tx.execute(
        "UPDATE organizations SET name = %(name)s, vendor_faq_reading = %(reading)s WHERE id = %(organization)s",
        {"organization": tx.organization_id, "name": name, "reading": vendor_faq_reading},
    )


async def find_phone_region(tx: Tx) -> str | None:
    """Return where phone numbers without a country code are from, such as TW; None: they are refused."""
    region: str | None = await tx.fetch_value(
        "SELECT phone_region FROM organizations WHERE id = %(organization)s", {"organization": tx.organization_id}
    )
    return region


async def update_phone_region(tx: Tx, region: str | None) -> None:
    """Store where phone numbers without a country code are from; None: they are refused."""
    await tx.execute(
        "UPDATE organizations SET phone_region = %(region)s WHERE id = %(organization)s",
        {"organization": tx.organization_id, "region": region},
    )


async def find_refused_source_ids(tx: Tx) -> list[str]:
    """Return the words that the organization added to those that are nobody's source id."""
    words: list[str] | None = await tx.fetch_value(
        "SELECT refused_source_ids FROM organizations WHERE id = %(organization)s", {"organization": tx.organization_id}
    )
    return words or []


async def update_refused_source_ids(tx: Tx, words: Sequence[str]) -> None:
    """Store the words that are nobody's source id, beside the fixed ones."""
    await tx.execute(
        "UPDATE organizations SET refused_source_ids = %(words)s WHERE id = %(organization)s",
        {"organization": tx.organization_id, "words": list(words)},
    )


async def lock_organization(tx: Tx) -> None:
    """Wait until no other transaction changes who works in this organization."""
    await tx.execute(
        "SELECT 1 FROM organizations WHERE id = %(organization)s FOR NO KEY UPDATE",
        {"organization": tx.organization_id},
    )


async def raise_scope_version(tx: Tx) -> None:
    """Note that somebody may read more or less than before: answers under way look again."""
    await tx.execute(
        "UPDATE organizations SET scope_version = scope_version + 1 WHERE id = %(organization)s",
        {"organization": tx.organization_id},
    )


async def list_organization_ids(tx: Tx) -> list[OrganizationId]:
    """Return every organization that has a member or a public address. For a bootstrap transaction."""
    sql = "SELECT organization_id FROM memberships UNION SELECT organization_id FROM directory ORDER BY organization_id"
    return [OrganizationId(row[0]) for row in await tx.fetch(sql)]
