"""Who works here: organizations, members, roles, API keys and the audit log. Start at `model.py`, then `callers.py`.

Tables: organizations, users, memberships, user_sessions, password_resets, throttle_attempts, directory, roles,
member_roles, invitations, api_keys, audit_log.
"""
