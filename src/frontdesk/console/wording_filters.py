"""Fields and comparisons of filters, columns of the list, and edits of many contacts, as people read them."""

from typing import Final

from frontdesk.console.navigation import N_

FIELD_NAMES: Final = {
    "name": N_("Name"),
    "label": N_("Label"),
    "source_id": N_("Source ID"),
    "email": N_("E-mail"),
    "phone": N_("Phone"),
    "language": N_("Language"),
    "created": N_("Created"),
    "updated": N_("Changed"),
    "last_seen": N_("Last seen"),
    "blocked": N_("Blocked"),
    "kind": N_("Kind"),
    "inbox": N_("Platform"),
    "profile": N_("Access profile"),
    "search": N_("Search"),
}
OP_NAMES: Final = {
    "equals": N_("is"),
    "not_equals": N_("is not"),
    "in": N_("is one of"),
    "contains": N_("contains"),
    "starts_with": N_("begins with"),
    "greater": N_("is greater than"),
    "less": N_("is less than"),
    "before": N_("before"),
    "after": N_("after"),
    "older_than": N_("more than … days ago"),
    "within": N_("in the last … days"),
    "is_set": N_("has a value"),
    "is_not_set": N_("has no value"),
}
COLUMN_NAMES: Final = {
    "platforms": N_("Platforms"),
    "access": N_("Access"),
    "email": N_("E-mail"),
    "phone": N_("Phone"),
    "labels": N_("Labels"),
    "language": N_("Language"),
    "created": N_("Created"),
    "updated": N_("Changed"),
    "lastSeen": N_("Last seen"),
}
BULK_NAMES: Final = {
    "add_label": N_("Add label"),
    "remove_label": N_("Remove label"),
    "set_attribute": N_("Set attribute"),
    "set_language": N_("Set language"),
    "assign_profile": N_("Assign profile"),
    "unassign_profile": N_("Remove profile"),
    "add_inbox": N_("Add platform"),
    "delete": N_("Delete"),
}
BULK_STATES: Final = {
    "running": N_("running"),
    "done": N_("done"),
    "failed": N_("stopped"),
    "undoing": N_("being undone"),
    "undone": N_("undone"),
}
OUTCOME_NAMES: Final = {
    "changed": N_("changed"),
    "unchanged": N_("already so"),
    "undone": N_("undone"),
    "changed-since": N_("left out: changed since"),
    "not-found": N_("left out: no longer there, or not yours to change"),
    "forbidden": N_("left out: you may not"),
    "grant-not-held": N_("left out: it would open documents that you do not hold"),
    "contact-merged": N_("left out: merged into another contact"),
    "source-id-taken": N_("left out: somebody else has the source ID"),
    "invalid-request": N_("left out: the value does not fit"),
    "attribute-taken": N_("left out: somebody else has this value"),
}
