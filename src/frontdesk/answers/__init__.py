"""Answering: whose question it is, what they may read, what the assistant says, the receipt of it, and memory.

Start at `actions.py::answer`, and at `memory.py`. Tables: answers, answer_chunks, memory_facts, memory_summaries.
"""
