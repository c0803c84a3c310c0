"""knowledge: versions of files and settings of their reading.

Safe: nothing yet. Undo: nothing.
"""

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Change nothing yet."""
