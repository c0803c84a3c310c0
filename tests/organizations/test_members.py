"""Members and roles: nobody rises by themselves, and an owner always remains."""

import asyncio
from uuid import UUID, uuid4

import pytest

from frontdesk.core.db import Database
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound
from frontdesk.core.ids import InboxId, OrganizationId, RoleId, UserId
from frontdesk.organizations import members, roles, sessions
from frontdesk.organizations.errors import GrantNotHeld, LastOwner, RoleInUse, RoleIsBuiltIn, RoleNameTaken
from frontdesk.organizations.model import Caller, Right
from frontdesk.organizations.records import RoleDraft

SHOP, FORUM = InboxId(UUID(int=1)), InboxId(UUID(int=2))


async def owner_id(db: Database, owner: Caller) -> UserId:
    async with db.begin(owner.organization_id) as tx:
        return next(member.user_id for member in await members.list_members(tx, owner) if member.is_owner)


async def make_role(db: Database, owner: Caller, *rights: Right, **limits) -> RoleId:
    async with db.begin(owner.organization_id) as tx:
        return await roles.create_role(tx, owner, RoleDraft(f"role {uuid4().hex}", frozenset(rights), **limits))


async def test_roles_decide_what_a_member_may(hire):
    """A member's rights are those of the role, from the first request on."""
    agent = (await hire("agent")).caller
    assert agent.may(Right.CONVERSATIONS_REPLY)
    assert not agent.may(Right.MEMBERS_EDIT)


async def test_the_last_owner_stays(db: Database, owner: Caller, role_ids):
    """The only owner can neither be removed nor lose the role."""
    last = await owner_id(db, owner)
    async with db.begin(owner.organization_id) as tx:
        with pytest.raises(LastOwner):
            await members.remove_member(tx, owner, last)
        with pytest.raises(LastOwner):
            await members.change_member_roles(tx, owner, last, [role_ids["administrator"]])


@pytest.mark.parametrize("ways", [("remove", "remove"), ("demote", "demote"), ("remove", "demote")])
async def test_two_owners_who_oust_each_other_leave_one(db: Database, owner: Caller, hire, role_ids, ways):
    """Also in a race one owner remains, whether owners are removed or lose the role."""
    owners = [await owner_id(db, owner), (await hire("owner")).user_id]

    async def oust(way: str, user_id: UserId) -> bool:
        try:
            async with db.begin(owner.organization_id) as tx:
                if way == "remove":
                    await members.remove_member(tx, owner, user_id)
                else:
                    await members.change_member_roles(tx, owner, user_id, [role_ids["viewer"]])
        except LastOwner:
            return False
        return True

    assert sorted(await asyncio.gather(*map(oust, ways, owners))) == [False, True]
    await owner_id(db, owner)


async def test_administrators_do_not_make_owners(db: Database, hire, role_ids):
    """Nobody gives a role that holds more than they do, neither to another nor to themselves."""
    administrator, agent = await hire("administrator"), await hire("agent")
    async with db.begin(administrator.caller.organization_id) as tx:
        for user_id in (agent.user_id, administrator.user_id):
            with pytest.raises(GrantNotHeld):
                await members.change_member_roles(tx, administrator.caller, user_id, [role_ids["owner"]])
        await members.change_member_roles(tx, administrator.caller, agent.user_id, [role_ids["viewer"]])


async def test_administrators_do_not_touch_owners(db: Database, owner: Caller, hire, role_ids):
    """Whoever holds more cannot be demoted or removed from below, though another owner would remain."""
    administrator, second = await hire("administrator"), await hire("owner")
    async with db.begin(owner.organization_id) as tx:
        with pytest.raises(GrantNotHeld):
            await members.change_member_roles(tx, administrator.caller, second.user_id, [role_ids["viewer"]])
        with pytest.raises(GrantNotHeld):
            await members.remove_member(tx, administrator.caller, second.user_id)


async def test_a_removed_member_is_out_at_once(db: Database, owner: Caller, hire):
    """Removing ends the sessions in this organization; the right is gone with the next request."""
    agent = await hire("agent")
    async with db.begin(owner.organization_id) as tx:
        await members.remove_member(tx, owner, agent.user_id)
    assert await sessions.find_member_session(db, agent.token) is None
    async with db.begin(owner.organization_id) as tx:
        with pytest.raises(NotFound):
            await members.remove_member(tx, owner, agent.user_id)


async def test_strangers_are_not_members(
    db: Database, owner: Caller, hire, other_organization: OrganizationId, role_ids
):
    """The members and roles of one organization do not exist in another."""
    agent = await hire("agent")
    elsewhere = Caller(owner.kind, owner.id, owner.name, other_organization, owner.grants)
    async with db.begin(other_organization) as tx:
        with pytest.raises(NotFound):
            await members.remove_member(tx, elsewhere, agent.user_id)
        stranger = next(member.user_id for member in await members.list_members(tx, elsewhere))
        with pytest.raises(InvalidRequest):
            await members.change_member_roles(tx, elsewhere, stranger, [role_ids["viewer"]])


async def test_agents_manage_nothing(db: Database, hire, role_ids):
    """Without the right to edit, members and roles stay as they are."""
    agent, other = await hire("agent"), await hire("viewer")
    async with db.begin(agent.caller.organization_id) as tx:
        for attempt in (
            members.list_members(tx, agent.caller),
            roles.list_roles(tx, agent.caller),
            members.remove_member(tx, agent.caller, other.user_id),
            members.change_member_roles(tx, agent.caller, agent.user_id, [role_ids["owner"]]),
            roles.create_role(tx, agent.caller, RoleDraft("mine", frozenset({Right.CONTACTS_VIEW}))),
        ):
            with pytest.raises(Forbidden):
                await attempt


async def test_nobody_widens_their_own_role(db: Database, owner: Caller, hire):
    """Whoever may edit roles cannot add to their own what they do not hold: a right, an inbox, all documents."""
    held = (Right.ROLES_EDIT, Right.CONTACTS_VIEW)
    own = await make_role(db, owner, *held, inbox_ids=frozenset({SHOP}))
    editor = (await hire(own)).caller
    wider = [
        RoleDraft("mine", frozenset({*held, Right.CONTACTS_ERASE}), frozenset({SHOP})),
        RoleDraft("mine", frozenset(held), frozenset({SHOP, FORUM})),
        RoleDraft("mine", frozenset(held), None),
        RoleDraft("mine", frozenset(held), frozenset({SHOP}), {"knowledge_bases": []}),
    ]
    async with db.begin(owner.organization_id) as tx:
        for draft in wider:
            with pytest.raises(GrantNotHeld):
                await roles.update_role(tx, editor, own, draft)
            with pytest.raises(GrantNotHeld):
                await roles.create_role(tx, editor, draft)
        await roles.update_role(tx, editor, own, RoleDraft("mine", frozenset(held), frozenset({SHOP})))


async def test_roles_that_open_documents_are_given_by_who_sees_all_documents(db: Database, owner: Caller, hire):
    """A role's query metadata is not handed out by somebody who is limited to an inbox."""
    limit = frozenset({SHOP})
    reader = await make_role(db, owner, Right.CONTACTS_VIEW, inbox_ids=limit, query_metadata={"knowledge_bases": []})
    manager = await hire(
        await make_role(db, owner, Right.MEMBERS_EDIT, Right.CONTACTS_VIEW, Right.KNOWLEDGE_VIEW, inbox_ids=limit)
    )
    async with db.begin(owner.organization_id) as tx:
        with pytest.raises(GrantNotHeld):
            await members.change_member_roles(tx, manager.caller, manager.user_id, [reader])


async def test_a_changed_role_counts_at_the_next_request(db: Database, owner: Caller, hire):
    """What a role loses, its holders lose with their next request."""
    role = await make_role(db, owner, Right.CONTACTS_VIEW, Right.CONTACTS_EDIT)
    member = await hire(role)
    async with db.begin(owner.organization_id) as tx:
        await roles.update_role(tx, owner, role, RoleDraft("less", frozenset({Right.CONTACTS_VIEW}), frozenset({SHOP})))
    session = await sessions.find_member_session(db, member.token)
    assert session is not None
    assert session.caller is not None
    assert not session.caller.may(Right.CONTACTS_EDIT)
    assert session.caller.inboxes_for(Right.CONTACTS_VIEW) == {SHOP}


async def test_roles_keep_what_the_member_reads_when_trying_an_assistant(db: Database, owner: Caller, hire):
    """The query metadata of all roles of a member is returned as it was written, and roles without any add nothing."""
    own = {"knowledge_bases": [], "knowledgeBases": None, "自由": "text"}
    member = await hire(await make_role(db, owner, Right.CONTACTS_VIEW, query_metadata=own))
    agent = await hire("agent")
    async with db.begin(owner.organization_id) as tx:
        assert await roles.list_query_metadata_of(tx, member.user_id) == [own]
        assert await roles.list_query_metadata_of(tx, agent.user_id) == []


async def test_built_in_roles_are_fixed(db: Database, owner: Caller, role_ids):
    """Nobody changes, deletes or imitates a built-in role."""
    async with db.begin(owner.organization_id) as tx:
        for role_id in role_ids.values():
            with pytest.raises(RoleIsBuiltIn):
                await roles.update_role(tx, owner, role_id, RoleDraft("mine", frozenset()))
            with pytest.raises(RoleIsBuiltIn):
                await roles.delete_role(tx, owner, role_id)
        with pytest.raises(RoleNameTaken):
            await roles.create_role(tx, owner, RoleDraft("Owner", frozenset()))


async def test_role_names_are_unique(db: Database, owner: Caller):
    """A second role of one name is refused, and the transaction goes on."""
    async with db.begin(owner.organization_id) as tx:
        await roles.create_role(tx, owner, RoleDraft("Night shift", frozenset()))
        other = await roles.create_role(tx, owner, RoleDraft("Day shift", frozenset()))
        with pytest.raises(RoleNameTaken):
            await roles.create_role(tx, owner, RoleDraft("Night shift", frozenset()))
        with pytest.raises(RoleNameTaken):
            await roles.update_role(tx, owner, other, RoleDraft("Night shift", frozenset()))
        assert {"Night shift", "Day shift"} < {role.name for role in await roles.list_roles(tx, owner)}


async def test_roles_in_use_are_kept(db: Database, owner: Caller, hire, invite, email: str, role_ids):
    """A role is deleted only when no member holds it and no open invitation promises it."""
    held, promised = await make_role(db, owner, Right.CONTACTS_VIEW), await make_role(db, owner, Right.CONTACTS_VIEW)
    member = await hire(held)
    await invite(email, promised)
    async with db.begin(owner.organization_id) as tx:
        for role_id in (held, promised):
            with pytest.raises(RoleInUse):
                await roles.delete_role(tx, owner, role_id)
        await members.change_member_roles(tx, owner, member.user_id, [role_ids["agent"]])
        await roles.delete_role(tx, owner, held)


async def test_roles_never_act_as_a_contact(db: Database, owner: Caller):
    """`act-as` is refused for a role."""
    async with db.begin(owner.organization_id) as tx:
        with pytest.raises(InvalidRequest):
            await roles.create_role(tx, owner, RoleDraft("impostor", frozenset({Right.ACT_AS})))


async def test_a_member_needs_a_role(db: Database, owner: Caller, hire):
    """No role at all, or one that does not exist, is refused."""
    agent = await hire("agent")
    async with db.begin(owner.organization_id) as tx:
        for role_ids in ([], [RoleId(uuid4())]):
            with pytest.raises(InvalidRequest):
                await members.change_member_roles(tx, owner, agent.user_id, role_ids)
