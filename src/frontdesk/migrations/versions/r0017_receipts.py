"""answers: receipts that can be replayed.

Safe: nothing yet. Undo: nothing.
"""

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Change nothing yet."""
