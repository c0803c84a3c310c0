"""Frontdesk: the front desk of an enterprise's AI assistant. Start reading at `docs/architecture.md`."""
