"""Words of imports and exports: states, outcomes, what a column can be."""

from typing import Final

from frontdesk.console.navigation import N_

STATES: Final = {  # word, kind of tag, icon
    "uploaded": (N_("not checked"), "", "clock"),
    "checking": (N_("being checked"), "warn", "clock"),
    "checked": (N_("checked"), "ok", "check"),
    "running": (N_("being imported"), "warn", "clock"),
    "done": (N_("imported"), "ok", "check"),
    "failed": (N_("failed"), "bad", "alert-triangle"),
    "cancelled": (N_("stopped"), "", "ban"),
    "undoing": (N_("being undone"), "warn", "clock"),
    "undone": (N_("undone"), "", "check"),
}

OUTCOMES: Final = {  # word, kind of tag
    "created": (N_("New"), "ok"),
    "updated": (N_("Changed"), "ok"),
    "merged": (N_("Same person again"), ""),
    "unchanged": (N_("Unchanged"), ""),
    "conflict": (N_("Conflict"), "warn"),
    "error": (N_("Error"), "bad"),
}

TARGETS: Final = {
    "ignore": N_("Do not import"),
    "name": N_("Name"),
    "sourceId": N_("Source ID"),
    "emails": N_("E-mail"),
    "phones": N_("Phone"),
    "language": N_("Language"),
    "timeZone": N_("Time zone"),
    "avatar": N_("Picture"),
    "inboxes": N_("Platforms"),
    "labels": N_("Labels"),
    "accessProfiles": N_("Access profiles"),
    "queryMetadata": N_("Query metadata"),
    "identities": N_("Further identities"),
    "contactId": N_("Contact ID"),
}

EXPORT_STATES: Final = {
    "running": (N_("being written"), "warn", "clock"),
    "done": (N_("ready"), "ok", "check"),
    "failed": (N_("failed"), "bad", "alert-triangle"),
    "gone": (N_("removed"), "", "ban"),
}

EXPORT_COLUMNS: Final = {
    "id": N_("Contact ID"),
    "name": N_("Name"),
    "emails": N_("E-mail"),
    "phones": N_("Phone"),
    "sourceId": N_("Source ID"),
    "identities": N_("Further identities"),
    "language": N_("Language"),
    "timeZone": N_("Time zone"),
    "avatar": N_("Picture"),
    "inboxes": N_("Platforms"),
    "labels": N_("Labels"),
    "accessProfiles": N_("Access profiles"),
    "queryMetadata": N_("Query metadata"),
    "createdAt": N_("Added"),
    "lastSeenAt": N_("Last seen"),
    "attributes": N_("Attributes"),
}

FAULTS: Final = (  # what import says of a row; templates translate it as it is
    N_("This row has more cells than the header has columns."),
    N_("Its source ids belong to two contacts. Merge them first."),
    N_("There is no such contact, or it is not yours."),
    N_("Another contact has this source id."),
    N_("Choose at least one of your platforms."),
    N_("A value is needed here."),
    N_("You may not see e-mails and phones of this contact."),
    N_("This contact has another source id. Correct it on the card."),
    N_("You may not give a contact a further identity."),
    N_("Another contact has this value, which only one may have."),
    N_("You may not say what this contact may read."),
    N_("This opens documents that you do not hold."),
    N_("Another contact has this e-mail. Equal e-mails never merge contacts."),
    N_("This person was erased. Allow erased people to let them back."),
    N_("Whoever started this may not import contacts any more."),
    N_("Whoever started this may not export contacts any more."),
    N_("The file was removed."),
    N_("The file has no header: its first row names the columns."),
    N_("The file could not be read as an Excel workbook."),
    N_("The file unpacks to more than is accepted."),
)
