"""Contacts: the card file. Who said what on a card is kept per field, and decides who may overwrite it.

Tables: contacts, contact_inboxes, contact_emails, contact_phones, contact_fields. Start at `model.py` (the rules), then
`card.py` (what may be written) and `actions.py`.
"""
