"""The directory of public ids."""

from frontdesk.core.db import Database
from frontdesk.core.ids import OrganizationId
from frontdesk.organizations.directory import find_organization, register_public_id


async def test_a_public_id_leads_to_its_organization(db: Database, organization: OrganizationId):
    """Before anything is known, a public id of the right kind names its organization, and nothing else does."""
    public_id = f"public-{organization}"
    async with db.begin(organization) as tx:
        await register_public_id(tx, public_id, "inbox")
    async with db.begin_bootstrap() as tx:
        assert await find_organization(tx, public_id, "inbox") == organization
        assert await find_organization(tx, public_id, "webhook") is None
        assert await find_organization(tx, "another", "inbox") is None
