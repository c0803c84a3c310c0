"""Texts that come from below the console, in words for people. They stand here to be translated."""

from frontdesk.console.navigation import N_

# What saved query metadata may not do, by the code of the warning.
WARNINGS = {
    "labels-without-bases": N_(
        "Labels without a knowledge base open nothing. List the knowledge bases that they narrow."
    ),
    "empty-conditions": N_("A relation without conditions matches nothing. Add a label, or remove the relation."),
    "unknown-base": N_("There is no such knowledge base. It is saved and opens nothing."),
    "base-out-of-reach": N_("No assistant of these platforms has this knowledge base. It is saved and opens nothing."),
    "unknown-file": N_("Some of these files are not in this knowledge base. They open nothing."),
    "unknown-faq": N_("Some of these FAQs are not in this knowledge base. They open nothing."),
    "unknown-label": N_("There is no such label. It matches nothing."),
    "label-of-another-base": N_(
        "These labels belong to another knowledge base, so nothing of this one can match. Give this base label "
        "relations of its own."
    ),
}

# Titles of errors, as `core.errors` and the domains define them.
TITLES = (
    N_("The request is not valid"),
    N_("Sign in first"),
    N_("You may not do this"),
    N_("Not found"),
    N_("This conflicts with what is stored"),
    N_("Somebody changed it meanwhile"),
    N_("Too large"),
    N_("Too many requests"),
    N_("The e-mail or the password is wrong"),
    N_("This link is no longer valid"),
    N_("You may only manage rights, inboxes and documents that you hold"),
    N_("An organization needs an owner"),
    N_("This person is a member already"),
    N_("This person belongs to other organizations, too"),
    N_("Somebody uses this e-mail already"),
    N_("Frontdesk is set up already"),
    N_("Another role has this name"),
    N_("A built-in role cannot be changed"),
    N_("Members or invitations still use this role"),
    N_("The query metadata cannot be read"),
    N_("An access profile of this name exists already"),
    N_("The source id is not valid"),
    N_("Another contact has this source id"),
    N_("This contact was merged into another one"),
    N_("You belong to no organization"),
    N_("Confirm the changed source ID"),
    N_("A request with this Idempotency-Key is still running"),
    N_("This Idempotency-Key belongs to another request"),
    N_("This upload form is not valid"),
    N_("This upload was used already"),
    N_("Files of this kind cannot be read"),
    N_("This document is being processed"),
    N_("Another label of this knowledge base has this name"),
    N_("This inbox belongs to its assistant"),
    N_("An inbox still uses this assistant"),
    N_("Another key of this realm has this id"),
    N_("This key was revoked; make a new one"),
    N_("The sender is not this conversation's contact"),
    N_("We could not sign you in. Please try again."),
    N_("Please sign in again"),
)

# Details that people meet in forms. Others are shown in English.
DETAILS = (
    N_("Write a name."),
    N_("Control characters are not accepted here."),
    N_("This is not an e-mail address."),
    N_("This is not a phone number."),
    N_("A password has 10 to 1000 characters."),
    N_("The e-mail cannot be the password."),
    N_("A name has 1 to 200 printable characters."),
    N_("At most 200 characters are accepted here."),
    N_("Too many attempts. Try again later."),
    N_("Choose at least one of your inboxes."),
    N_("Keep the contact in one of your inboxes."),
    N_("There is no such inbox."),
    N_("A source id is not empty."),
    N_("A source id has at most 255 characters."),
    N_("A source id has no control characters."),
    N_("A source id does not begin or end with a space."),
    N_("A source id is written in Unicode NFC."),
    N_("This is not an id of anybody."),
)
