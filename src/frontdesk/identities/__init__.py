"""Who is talking: source ids, proofs, sessions, and the contact behind them.

Tables: identities, released_identities, realm_keys, chat_sessions, identity_proofs, proof_failures. Start at `model.py`
(the words), then `proofs.py` (what a token must be), `actions.py` (how a chat opens), `source_ids.py` (what staff do).
Who may be one person: `matching.py` (what is compared), `duplicates.py`, `conflicts.py` (what a member decides). Their
tables are conflicts, duplicates, duplicate_keys, duplicate_searches, ignored_identifiers.
"""
