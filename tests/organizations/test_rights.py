"""The built-in roles, and the rule that nobody gives away what they do not hold."""

from pathlib import Path
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from frontdesk.core.ids import InboxId, OrganizationId
from frontdesk.organizations.model import BUILT_IN_ROLES, Caller, CallerKind, Grant, Right

TABLE = Path(__file__).parents[2] / "docs" / "reference" / "rights.md"
SOME_RIGHTS = [Right.CONTACTS_VIEW, Right.CONTACTS_EDIT, Right.KEYS_EDIT, Right.ACT_AS]
INBOXES = [InboxId(UUID(int=number)) for number in range(1, 4)]

grants = st.builds(
    Grant,
    st.frozensets(st.sampled_from(SOME_RIGHTS)),
    st.none() | st.frozensets(st.sampled_from(INBOXES)),
)
callers = st.lists(grants, max_size=3).map(
    lambda held: Caller(CallerKind.MEMBER, UUID(int=9), "Ann", OrganizationId(UUID(int=8)), tuple(held))
)


def test_built_in_roles_are_those_of_the_published_table():
    """Every right stands in the table, and each built-in role allows exactly what the table marks."""
    lines = [line.strip("| \n").split("|") for line in TABLE.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip().strip("`") for cell in line] for line in lines]
    names = cells[0][1:]
    published = {row[0]: [*row[1:], *[""] * (len(names) - len(row) + 1)] for row in cells[2:]}
    assert set(published) == {right.value for right in Right}
    assert names == list(BUILT_IN_ROLES)
    for column, name in enumerate(names):
        marked = {right for right, marks in published.items() if marks[column] == "✓"}
        assert BUILT_IN_ROLES[name] == marked, name


def test_no_role_acts_as_a_contact():
    """`act-as` belongs to keys: a member never speaks as a contact."""
    assert all(Right.ACT_AS not in rights for rights in BUILT_IN_ROLES.values())


@given(callers, grants)
def test_giving_what_one_holds_widens_nothing(caller: Caller, grant: Grant):
    """When nothing of a grant lies beyond the giver, its taker can do nothing that the giver cannot."""
    if caller.rights_beyond(grant):
        return
    taker = Caller(CallerKind.MEMBER, UUID(int=7), "Bob", caller.organization_id, (grant,))
    for right in grant.rights - {Right.ACT_AS}:
        assert caller.may(right)
        held, given_away = caller.inboxes_for(right), taker.inboxes_for(right)
        assert held is None or (given_away is not None and given_away <= held)


@given(callers)
def test_everybody_holds_what_they_hold(caller: Caller):
    """Each grant of a caller can be given on, but for `act-as`, which needs the right to edit keys."""
    for grant in caller.grants:
        assert caller.rights_beyond(grant) <= {Right.ACT_AS}


def test_a_right_in_one_inbox_is_not_a_right_in_another():
    """Rights of two roles are not mixed with each other's inboxes."""
    shop, forum = INBOXES[:2]
    held = (Grant(frozenset({Right.CONTACTS_EDIT}), frozenset({shop})), Grant(frozenset({Right.CONTACTS_VIEW})))
    caller = Caller(CallerKind.MEMBER, UUID(int=9), "Ann", OrganizationId(UUID(int=8)), held)
    both = frozenset({Right.CONTACTS_VIEW, Right.CONTACTS_EDIT})
    assert caller.rights_beyond(Grant(both, frozenset({shop}))) == frozenset()
    assert caller.rights_beyond(Grant(both, frozenset({forum}))) == {Right.CONTACTS_EDIT}
    assert caller.rights_beyond(Grant(both)) == {Right.CONTACTS_EDIT}
