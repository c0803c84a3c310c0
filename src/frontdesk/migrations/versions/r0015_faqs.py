"""knowledge: what is counted and kept of FAQs.

Safe: nothing yet. Undo: nothing.
"""

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Change nothing yet."""
