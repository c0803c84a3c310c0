"""How an organization begins, and its own settings. What is done within one is in modules such as `members`."""

from frontdesk.core.db import Database, Tx
from frontdesk.core.ids import OrganizationId, RoleId, UserId, new_id
from frontdesk.organizations import audit
from frontdesk.organizations.errors import AlreadySetUp, EmailTaken
from frontdesk.organizations.model import BUILT_IN_ROLES, OWNER, Caller, CallerKind, Right
from frontdesk.organizations.passwords import hash_password
from frontdesk.organizations.queries import members, organizations, roles, users
from frontdesk.organizations.records import RoleDraft, parse_email, parse_name


async def has_any_user(db: Database) -> bool:
    """Tell whether this installation is set up."""
    async with db.begin_bootstrap() as tx:
        return await users.has_any_user(tx)


async def set_up(
    db: Database, *, name: str, owner_email: str, owner_name: str, password: str
) -> tuple[OrganizationId, UserId]:
    """Make the first organization and its owner. Raises AlreadySetUp when anybody exists, also in a race."""
    if await has_any_user(db):  # before the slow hash; what counts is asked again under the lock
        raise AlreadySetUp
    return await _found(db, name, owner_email, owner_name, password, is_first=True)


async def create_organization(
    db: Database, *, name: str, owner_email: str, owner_name: str, password: str
) -> tuple[OrganizationId, UserId]:
    """Make an organization with the built-in roles, and a new user who owns it; for commands of the operator.

    Raises InvalidRequest (e-mail, name, password) and EmailTaken.
    """
    return await _found(db, name, owner_email, owner_name, password, is_first=False)


async def change_organization(tx: Tx, caller: Caller, *, name: str, vendor_faq_reading: bool) -> None:
    """Change the name, and whether an empty `faq_ids` opens all FAQs; the latter counts from the next message on.

    Right: organization.edit. Raises InvalidRequest.
    """
    caller.require(Right.ORGANIZATION_EDIT)
    name = parse_name(name)
    old = await organizations.get_organization(tx)
    before = {"name": old.name, "vendor_faq_reading": old.vendor_faq_reading}
    after = {"name": name, "vendor_faq_reading": vendor_faq_reading}
    if after == before:
        return
    await organizations.update_organization(tx, name=name, vendor_faq_reading=vendor_faq_reading)
    payload = {"before": before, "after": after}
    await audit.record(tx, caller, "organization.updated", "organization", tx.organization_id, payload=payload)
    if vendor_faq_reading != old.vendor_faq_reading:
        await organizations.raise_scope_version(tx)


async def _found(
    db: Database, name: str, owner_email: str, owner_name: str, password: str, *, is_first: bool
) -> tuple[OrganizationId, UserId]:
    name, owner_name, email = parse_name(name), parse_name(owner_name), parse_email(owner_email)
    password_hash = await hash_password(password, email=email)
    organization_id = OrganizationId(new_id())
    async with db.begin(organization_id) as tx:
        if is_first:
            await users.lock_set_up(tx)
            if await users.has_any_user(tx):
                raise AlreadySetUp
        user_id = await users.insert_user(tx, email=email, name=owner_name, password_hash=password_hash)
        if user_id is None:
            raise EmailTaken
        await organizations.insert_organization(tx, name)
        await members.insert_membership(tx, user_id)
        await members.replace_member_roles(tx, user_id, [await _insert_built_in_roles(tx)])
        owner = Caller(CallerKind.MEMBER, user_id, owner_name, organization_id, ())
        await audit.record(tx, owner, "organization.created", "organization", organization_id)
    return organization_id, user_id


async def _insert_built_in_roles(tx: Tx) -> RoleId:
    """Store the built-in roles without rights, which the code knows; return the owner's."""
    ids = {name: await roles.insert_role(tx, RoleDraft(name, frozenset()), is_built_in=True) for name in BUILT_IN_ROLES}
    owner = ids[OWNER]
    if owner is None:
        raise LookupError(OWNER)
    return owner
