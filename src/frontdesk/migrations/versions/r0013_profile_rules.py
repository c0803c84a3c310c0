"""access: rules that give access profiles.

Safe: nothing yet. Undo: nothing.
"""

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Change nothing yet."""
