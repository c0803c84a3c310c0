"""Who is talking: source ids, proofs, sessions, and the contact behind them.

Tables: identities, released_identities, realm_keys, realm_key_sets, introspections, chat_sessions, identity_proofs,
proof_failures, identity_blocks, identity_tombstones. Start at `model.py` (the words), then `proofs.py` (what a token
must be), `introspection.py` (what the enterprise must answer), `proving.py` (where the network is used), `actions.py`
(how a chat opens), `source_ids.py` and `blocks.py` (what staff do).
Who may be one person: `matching.py` (what is compared), `duplicates.py`, `conflicts.py` (what a member decides). Their
tables are conflicts, duplicates, duplicate_keys, duplicate_searches, ignored_identifiers.
"""
