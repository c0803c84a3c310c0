"""What a caller of this domain can do wrong."""

from frontdesk.core.errors import FrontdeskError


class SignInRefused(FrontdeskError):
    """The e-mail is unknown, the password is wrong, or the user is disabled: all look the same."""

    status, slug, title = 401, "sign-in-refused", "The e-mail or the password is wrong"


class LinkExpired(FrontdeskError):
    """An invitation or a password link was used, withdrawn, is too old, or was never ours."""

    status, slug, title = 410, "link-expired", "This link is no longer valid"


class GrantNotHeld(FrontdeskError):
    """The caller would give away, or take from somebody, what they do not hold. `facts["rights"]` lists it."""

    status, slug, title = 403, "grant-not-held", "You may only manage rights, inboxes and documents that you hold"


class LastOwner(FrontdeskError):
    """The organization would be left without an owner."""

    status, slug, title = 409, "last-owner", "An organization needs an owner"


class AlreadyMember(FrontdeskError):
    """The invited person works here already."""

    status, slug, title = 409, "already-member", "This person is a member already"


class MemberElsewhere(FrontdeskError):
    """A member of other organizations as well: no single organization may set their password."""

    status, slug, title = 409, "member-elsewhere", "This person belongs to other organizations, too"


class EmailTaken(FrontdeskError):
    """A user with this e-mail exists."""

    status, slug, title = 409, "email-taken", "Somebody uses this e-mail already"


class AlreadySetUp(FrontdeskError):
    """The installation has users; only the first one comes by set-up."""

    status, slug, title = 409, "already-set-up", "Frontdesk is set up already"


class RoleNameTaken(FrontdeskError):
    """Another role of the organization has this name."""

    status, slug, title = 409, "role-name-taken", "Another role has this name"


class RoleIsBuiltIn(FrontdeskError):
    """Built-in roles are the same everywhere."""

    status, slug, title = 409, "role-is-built-in", "A built-in role cannot be changed"


class RoleInUse(FrontdeskError):
    """Members hold the role, or an open invitation promises it."""

    status, slug, title = 409, "role-in-use", "Members or invitations still use this role"
