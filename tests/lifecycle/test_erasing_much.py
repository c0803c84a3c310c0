"""Erasing takes seconds, however much a person wrote."""

import time

import pytest
from tests.making import make_inbox

from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.model import Provenance
from frontdesk.conversations.queries import insert_conversation
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.lifecycle.erasing import Mode, erase_contact, is_clean
from frontdesk.organizations.model import Caller

LONG = pytest.param(100_000, 60.0, marks=pytest.mark.long)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize(("messages", "seconds"), [pytest.param(2_000, 15.0), LONG])
async def test_a_long_history_is_erased_in_one_go(
    services: Services, organization: OrganizationId, owner: Caller, mode: Mode, messages: int, seconds: float
):
    """All of it in the one transaction; nothing is left that names the person."""
    async with services.db.begin(organization) as tx:
        inbox = await make_inbox(tx, owner)
        card = await create_contact(
            tx,
            owner,
            fields={"name": "Wei Zhang", "emails": ["wei@example.com"], "phones": ["+886912345678"]},
            inbox_ids=[inbox.id],
            provenance=Provenance.API,
        )
        conversation = await insert_conversation(tx, card.id, inbox.id, now=utc_now())
        await tx.execute(
            """
            INSERT INTO messages (organization_id, id, conversation_id, type, sender_kind, sender_id, assurance, content,
                                  created_at)
            SELECT %(organization)s, gen_random_uuid(), %(conversation)s, 'incoming', 'contact', %(contact)s, 0,
                   'I am Wei Zhang, number ' || number || ', call 0912-345-678 about the filter of last year.', now()
              FROM generate_series(1, %(count)s) AS number
            """,
            {"organization": organization, "conversation": conversation.id, "contact": card.id, "count": messages},
        )
    started = time.monotonic()
    async with services.db.begin(organization) as tx:
        erasure = await erase_contact(tx, services.cipher, owner, card.id, mode)
    took = time.monotonic() - started
    assert is_clean(erasure)
    assert sum(erasure.receipt["tables"]["messages"].values()) == messages
    assert took < seconds
