"""Threads between one contact and one inbox. Start at `model.py`, then `actions.py`.

Tables: conversations, messages, answer_leases, attachments.
"""
