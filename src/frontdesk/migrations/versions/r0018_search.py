"""knowledge: what makes the exact search fast.

Safe: nothing yet. Undo: nothing.
"""

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Change nothing yet."""
