"""What touches everything of a contact: folding a visitor into the member who signed in, with a ledger.

Tables: merges, merge_moves, merged_contacts.
"""
