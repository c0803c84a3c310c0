"""Who works here: organizations, members, roles, API keys and the audit log.

Start at `model.py` (rights and callers), then `callers.py` (how a route learns who calls). What can be done is in one
module per noun, `members`, `keys`, `sessions` and so on; how an organization begins is in `actions.py`. Tables:
organizations, users, memberships, user_sessions, password_resets, throttle_attempts, directory, roles, member_roles,
invitations, api_keys, audit_log.
"""
