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
    """What erasing a person does with the rows, as the comment of the table in the database declares it."""

    DELETE = "deleted"
    BLANK = "blanked"  # the row stays without what it says of the person
    KEEP = "no"  # nothing in it is of the person


@dataclass(frozen=True, slots=True)
class ContactTable:
    """One table. `columns` name a contact; none: its rows are a contact's through another table (erase only)."""

    name: str
    columns: tuple[str, ...]
    on_merge: OnMerge
    on_erase: OnErase
    why: str
    on_personal: OnErase | None = None  # when only the personal data is erased; None: as when all is

    @property
    def declared(self) -> str:
        """What the comment of the table says after `personal: `."""
        other = self.on_personal
        return self.on_erase if other is None else f"{self.on_erase}; in mode personal: {other}"


_M, _E = OnMerge, OnErase
_ONE: Final = ("contact_id",)
_TWO: Final = ("first_id", "second_id")
_MERGED: Final = ("contact_id", "survivor_id")

TABLES: Final = (
    ContactTable("contacts", ("id",), _M.UNITE, _E.DELETE, "The merged card is hidden as it was.", _E.BLANK),
    ContactTable("contact_fields", _ONE, _M.UNITE, _E.DELETE, "Who said it comes with the value."),
    ContactTable("contact_emails", _ONE, _M.UNITE, _E.DELETE, "A person has several."),
    ContactTable("contact_phones", _ONE, _M.UNITE, _E.DELETE, "A person has several."),
    ContactTable("contact_inboxes", _ONE, _M.UNITE, _E.DELETE, "Who sees it sees the survivor.", _E.KEEP),
    ContactTable("labelled_contacts", _ONE, _M.UNITE, _E.DELETE, "Labels say something of the person."),
    ContactTable("attribute_values", _ONE, _M.UNITE, _E.DELETE, "A unique value is the survivor's with its attribute."),
    ContactTable("notes", _ONE, _M.MOVE, _E.DELETE, "Notes are about the person."),
    ContactTable("profile_assignments", _ONE, _M.UNITE, _E.DELETE, "Only when wider access is accepted."),
    ContactTable("rule_assignments", _ONE, _M.KEEP, _E.DELETE, "Rules are applied to what the survivor's card says."),
    ContactTable("identities", _ONE, _M.MOVE, _E.DELETE, "Whoever proves a source id is the survivor."),
    ContactTable("released_identities", _ONE, _M.KEEP, _E.DELETE, "They serve to restore a deleted contact."),
    ContactTable("chat_sessions", _ONE, _M.END, _E.DELETE, "The browser proves again, and is the survivor."),
    ContactTable("conversations", _ONE, _M.MOVE, _E.DELETE, "Messages belong to their conversation.", _E.BLANK),
    ContactTable("messages", ("sender_id",), _M.KEEP, _E.DELETE, "Written under the id of then.", _E.BLANK),
    ContactTable("answers", _ONE, _M.KEEP, _E.DELETE, "A receipt says as whom an answer was given.", _E.BLANK),
    ContactTable("memory_facts", _ONE, _M.MOVE, _E.DELETE, "Memory is of the person."),
    ContactTable("memory_summaries", _ONE, _M.KEEP, _E.DELETE, "They count with the conversations they are made of."),
    ContactTable("conflicts", _TWO, _M.UNITE, _E.DELETE, "What is open between these cards is settled."),
    ContactTable("duplicates", _TWO, _M.KEEP, _E.DELETE, "The next search compares the survivor."),
    ContactTable("duplicate_keys", _ONE, _M.KEEP, _E.DELETE, "The next search makes them anew."),
    ContactTable("audit_log", _ONE, _M.KEEP, _E.BLANK, "What happened, happened to that card."),
    ContactTable("bulk_edit_rows", _ONE, _M.KEEP, _E.BLANK, "An undone edit reaches the card that was edited."),
    ContactTable("import_rows", _ONE, _M.KEEP, _E.BLANK, "An undone import reaches the card that was written."),
    ContactTable("import_keys", _ONE, _M.KEEP, _E.DELETE, "They only matter while the import runs."),
    ContactTable("erasures", _ONE, _M.KEEP, _E.KEEP, "A receipt names an id of nobody."),
    ContactTable("merges", ("survivor_id",), _M.RECORD, _E.DELETE, "The ledger; undoing is over.", _E.BLANK),
    ContactTable("merge_moves", ("from_contact_id",), _M.RECORD, _E.DELETE, "The ledger; undoing is over."),
    ContactTable("merged_contacts", _MERGED, _M.RECORD, _E.DELETE, "Old ids lead to the survivor.", _E.KEEP),
    ContactTable("answer_chunks", (), _M.KEEP, _E.DELETE, "Ids of passages, with their answer.", _E.KEEP),
    ContactTable("answer_leases", (), _M.KEEP, _E.DELETE, "An answer that is being written is not wanted any more."),
    ContactTable("attachments", (), _M.KEEP, _E.DELETE, "They follow their message; their files go, too."),
    ContactTable("uploads", (), _M.KEEP, _E.DELETE, "What the attachments were made of."),
    ContactTable("identity_proofs", (), _M.KEEP, _E.DELETE, "Used tokens; a valid one stays until nobody can use it."),
    ContactTable("proof_failures", (), _M.KEEP, _E.BLANK, "What was found in a refused token may name the person."),
    ContactTable("idempotency_keys", (), _M.KEEP, _E.DELETE, "Stored answers that show the person."),
    ContactTable("imports", (), _M.KEEP, _E.BLANK, "The files that the person was read from go."),
    ContactTable("exports", (), _M.KEEP, _E.BLANK, "Files that nobody fetched yet go: the person may be in them."),
    ContactTable("bulk_edits", (), _M.KEEP, _E.BLANK, "A filter may name the person."),
    ContactTable("segments", (), _M.KEEP, _E.BLANK, "A filter may name the person."),
    ContactTable("identity_blocks", (), _M.KEEP, _E.BLANK, "A block survives the person; why it was made does not."),
    ContactTable("identity_tombstones", (), _M.KEEP, _E.KEEP, "Keyed hashes: what erasing itself leaves."),
)
