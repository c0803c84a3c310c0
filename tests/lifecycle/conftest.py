"""Two inboxes of one organization."""

import pytest
from tests.making import make_inbox

from frontdesk.channels.model import Inbox
from frontdesk.core.db import Tx
from frontdesk.organizations.model import Caller


@pytest.fixture
async def inbox(tx: Tx, owner: Caller) -> Inbox:
    return await make_inbox(tx, owner, "Shop web")


@pytest.fixture
async def other_inbox(tx: Tx, owner: Caller) -> Inbox:
    return await make_inbox(tx, owner, "Help web")
