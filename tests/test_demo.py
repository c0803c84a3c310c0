"""The demo organization shows what a card file can do, at once and however often it is started."""

from frontdesk.contacts.configuring import list_definitions
from frontdesk.contacts.labels import list_labels
from frontdesk.core.services import Services
from frontdesk.core.wire import Paging
from frontdesk.demo.organization import make_organization
from frontdesk.identities.conflicts import list_conflicts
from frontdesk.identities.duplicates import list_duplicates
from frontdesk.identities.segments import list_segments
from frontdesk.organizations.model import system_caller


async def test_a_newcomer_finds_something_everywhere(services: Services):
    """Labels, a schema, a segment that holds somebody, one pair of cards, one conflict; a second start adds nothing."""
    for _ in range(2):
        organization_id, _ = await make_organization(services)
        caller = system_caller(organization_id)
        async with services.db.begin(organization_id) as tx:
            assert (await list_labels(tx, caller))[1] == 2
            assert len(await list_definitions(tx, caller)) == 6
            assert [one.is_shared for one in await list_segments(tx, caller)] == [True]
            pairs = (await list_duplicates(tx, caller, Paging(99, 0))).rows
            conflicts, _ = await list_conflicts(tx, caller, Paging(99, 0))
            assert await tx.fetch_value("SELECT count(*) FROM notes") == 2
        names = [sorted((pair.first.contact.name, pair.second.contact.name)) for pair in pairs]
        assert names.count(["周雅婷 Chou Ya-ting", "雅婷 周"]) == 1
        stated = [(conflict.stated.said, conflict.stated.kept) for conflict in conflicts]
        assert stated.count(("陳柏宇 Chen Po-yu", "陳伯宇 Chen Po-yu")) == 1
