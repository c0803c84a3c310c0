"""Rights and built-in roles in words, as forms group them."""

from frontdesk.console.navigation import N_
from frontdesk.organizations.model import Right

RIGHTS = {
    Right.CONTACTS_VIEW: N_("See contacts"),
    Right.CONTACTS_VIEW_PERSONAL: N_("See e-mail, phone and memory"),
    Right.CONTACTS_EDIT: N_("Add and change contacts"),
    Right.CONTACTS_CONFIGURE: N_("Set up fields and labels of contacts"),
    Right.CONTACTS_EDIT_ACCESS: N_("Give and take access of contacts"),
    Right.CONTACTS_VOUCH: N_("Vouch for identities"),
    Right.CONTACTS_MERGE: N_("Merge contacts"),
    Right.CONTACTS_DELETE: N_("Delete and restore contacts"),
    Right.CONTACTS_ERASE: N_("Erase contacts for good"),
    Right.CONTACTS_IMPORT: N_("Import contacts"),
    Right.CONTACTS_EXPORT: N_("Export contacts"),
    Right.CONVERSATIONS_VIEW: N_("Read conversations"),
    Right.CONVERSATIONS_REPLY: N_("Reply and take over"),
    Right.CONVERSATIONS_ASSIGN: N_("Assign conversations"),
    Right.KNOWLEDGE_VIEW: N_("See knowledge"),
    Right.KNOWLEDGE_EDIT: N_("Change knowledge"),
    Right.INBOXES_VIEW: N_("See platforms"),
    Right.INBOXES_EDIT: N_("Connect and change platforms"),
    Right.ASSISTANTS_VIEW: N_("See assistants"),
    Right.ASSISTANTS_EDIT: N_("Change assistants"),
    Right.PROFILES_VIEW: N_("See access profiles"),
    Right.PROFILES_EDIT: N_("Change access profiles"),
    Right.ACCESS_VIEW_AS: N_("Ask as a contact"),
    Right.BROADCAST_SEND: N_("Send to many contacts"),
    Right.WEBHOOKS_EDIT: N_("Change webhooks"),
    Right.MEMBERS_EDIT: N_("Manage members"),
    Right.ROLES_EDIT: N_("Manage roles"),
    Right.KEYS_EDIT: N_("Manage API keys"),
    Right.AUDIT_VIEW: N_("Read the audit log"),
    Right.ORGANIZATION_EDIT: N_("Change the organization"),
    Right.ORGANIZATION_DELETE: N_("Delete the organization"),
    Right.ACT_AS: N_("Speak as a contact"),
}

GROUPS = (
    (N_("Contacts"), tuple(right for right in Right if right.startswith("contacts."))),
    (N_("Conversations"), tuple(right for right in Right if right.startswith(("conversations.", "broadcast.")))),
    (
        N_("Knowledge and platforms"),
        tuple(right for right in Right if right.startswith(("knowledge.", "inboxes.", "assistants."))),
    ),
    (N_("Access"), tuple(right for right in Right if right.startswith(("profiles.", "access.")))),
    (
        N_("Organization"),
        tuple(
            right
            for right in Right
            if right.startswith(("members.", "roles.", "keys.", "audit.", "webhooks.", "organization."))
        ),
    ),
)

BUILT_IN = {
    "owner": N_("Owner"),
    "administrator": N_("Administrator"),
    "agent": N_("Agent"),
    "viewer": N_("Viewer"),
}
