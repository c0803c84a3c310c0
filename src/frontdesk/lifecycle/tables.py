"""Every table that names a contact, and what becomes of its rows when the contact is merged, or erased.

A table that is not decided upon fails `tests/lifecycle/test_tables.py`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class OnMerge(StrEnum):
    """What a merge does with the rows of a merged contact."""

    MOVE = "move"  # they become the survivor's, and the ledger knows whose they were
    UNITE = "unite"  # the survivor gets what it has not got; the merged card keeps its rows
    KEEP = "keep"  # they go on naming the merged contact, whose id leads to the survivor
    END = "end"  # sessions that prove the merged contact are over
    RECORD = "record"  # what merging itself writes


class OnErase(StrEnum):
    """What erasing a person does with the rows."""

    DELETE = "delete"
    BLANK = "blank"  # the row stays without what it says of the person
    KEEP = "keep"  # nothing in it is of the person


@dataclass(frozen=True, slots=True)
class ContactTable:
    """One table. `columns` name a contact; none: its rows are a contact's through another table (erase only)."""

    name: str
    columns: tuple[str, ...]
    on_merge: OnMerge
    on_erase: OnErase
    why: str


_M, _E = OnMerge, OnErase
_ONE: Final = ("contact_id",)
_TWO: Final = ("first_id", "second_id")

TABLES: Final = (
    ContactTable("contacts", ("id",), _M.UNITE, _E.DELETE, "The merged card is hidden as it was."),
    ContactTable("contact_fields", _ONE, _M.UNITE, _E.DELETE, "Who said it comes with the value."),
    ContactTable("contact_emails", _ONE, _M.UNITE, _E.DELETE, "A person has several."),
    ContactTable("contact_phones", _ONE, _M.UNITE, _E.DELETE, "A person has several."),
    ContactTable("contact_inboxes", _ONE, _M.UNITE, _E.DELETE, "Who sees the merged contact sees the survivor."),
    ContactTable("labelled_contacts", _ONE, _M.UNITE, _E.DELETE, "Labels say something of the person."),
    ContactTable("attribute_values", _ONE, _M.UNITE, _E.DELETE, "A unique value is the survivor's with its attribute."),
    ContactTable("notes", _ONE, _M.MOVE, _E.DELETE, "Notes are about the person."),
    ContactTable("profile_assignments", _ONE, _M.UNITE, _E.DELETE, "Only when wider access is accepted."),
    ContactTable("identities", _ONE, _M.MOVE, _E.DELETE, "Whoever proves a source id is the survivor."),
    ContactTable("released_identities", _ONE, _M.KEEP, _E.DELETE, "They serve to restore a deleted contact."),
    ContactTable("chat_sessions", _ONE, _M.END, _E.DELETE, "The browser proves again, and is the survivor."),
    ContactTable("conversations", _ONE, _M.MOVE, _E.DELETE, "Messages belong to their conversation."),
    ContactTable("messages", ("sender_id",), _M.KEEP, _E.DELETE, "Written under the id of then."),
    ContactTable("answers", _ONE, _M.KEEP, _E.DELETE, "A receipt says as whom an answer was given."),
    ContactTable("memory_facts", _ONE, _M.MOVE, _E.DELETE, "Memory is of the person; the newer of two stays."),
    ContactTable("memory_summaries", _ONE, _M.MOVE, _E.DELETE, "Memory is of the person."),
    ContactTable("conflicts", _TWO, _M.UNITE, _E.DELETE, "Between the two it is settled; others are the survivor's."),
    ContactTable("duplicates", _TWO, _M.UNITE, _E.DELETE, "Between the two it is settled; others are the survivor's."),
    ContactTable("duplicate_keys", _ONE, _M.KEEP, _E.DELETE, "The next search makes them anew."),
    ContactTable("audit_log", _ONE, _M.KEEP, _E.BLANK, "What happened, happened to that card."),
    ContactTable("bulk_edit_rows", _ONE, _M.KEEP, _E.BLANK, "An undone edit reaches the card that was edited."),
    ContactTable("import_rows", _ONE, _M.KEEP, _E.BLANK, "An undone import reaches the card that was written."),
    ContactTable("import_keys", _ONE, _M.KEEP, _E.DELETE, "They only matter while the import runs."),
    ContactTable("erasures", _ONE, _M.KEEP, _E.KEEP, "A receipt names an id of nobody."),
    ContactTable("merges", ("survivor_id",), _M.RECORD, _E.BLANK, "The ledger."),
    ContactTable("merge_moves", ("from_contact_id",), _M.RECORD, _E.BLANK, "The ledger."),
    ContactTable("merged_contacts", ("contact_id", "survivor_id"), _M.RECORD, _E.KEEP, "Old ids lead to the survivor."),
)
