"""What the chat widget talks to: open, send, stream, history, log out. Start at `routes.py`; `wire.py` has the shapes.

It owns no table.
"""
