"""Answering: whose question it is, what they may read, what the assistant says, and the receipt of it.

Start at `actions.py::answer`. Tables: answers, answer_chunks.
"""
