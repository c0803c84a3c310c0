"""Platforms: inboxes, each one connection of one assistant to one channel, and the realms of their source ids.

Tables: realms, inboxes. Start at `model.py`, then `actions.py`. `assistant_actions.py` makes an assistant together with
its own inbox.
"""
