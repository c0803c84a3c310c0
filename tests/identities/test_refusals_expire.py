"""Why proofs were refused is forgotten after a while, as nobody is shown it any more."""

from datetime import timedelta

from tests.making import make_inbox

from frontdesk.core.text import utc_now
from frontdesk.identities.errors import RefusalReason
from frontdesk.identities.handlers import on_refusals_expired
from frontdesk.identities.proof_queries import insert_proof_failure, list_proof_failures


async def test_old_refusals_go_at_night(services, db, organization, owner):
    """What is shown stays; doing it again changes nothing."""
    async with db.begin(organization) as tx:
        inbox = await make_inbox(tx, owner)
        for age in (0, 179, 181):
            at = utc_now() - timedelta(days=age)
            await insert_proof_failure(tx, inbox.id, RefusalReason.EXPIRED, f"{age}", request_id="r", now=at)
    for _ in range(2):
        await on_refusals_expired(services, organization)
        async with db.begin(organization) as tx:
            left = await list_proof_failures(tx, inbox.id, limit=10)
        assert {failure.detail for failure in left} == {"0", "179"}
