"""knowledge: a second embedding model, and passages embedded anew.

Safe: nothing yet. Undo: nothing.
"""

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Change nothing yet."""
