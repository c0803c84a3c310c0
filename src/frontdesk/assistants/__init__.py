"""Assistants: instructions, a model, and the knowledge bases that they answer from.

Tables: assistants, assistant_bases. Start at `model.py`, then `actions.py`. An assistant is made together with its own
inbox, one domain up: `channels/assistant_actions.py`.
"""
