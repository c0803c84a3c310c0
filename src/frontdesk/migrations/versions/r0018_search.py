"""knowledge: what keeps the exact search fast as tables grow.

A vector stays in its row, also one of more than a thousand dimensions: fetching it from elsewhere costs more than to
compare it. Words are vacuumed after each fiftieth of growth, so that scoring reads their index alone.

Safe: both change how rows are written and swept from now on, and touch none. Undo: SET STORAGE EXTERNAL, and RESET.
"""

from alembic import op

revision = "0018"
down_revision = "0017"

SQL = """
SET LOCAL lock_timeout = '4s';
ALTER TABLE embeddings ALTER COLUMN embedding SET STORAGE PLAIN;
ALTER TABLE chunk_terms SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_scale_factor = 0.02);
"""


def upgrade() -> None:
    op.execute(SQL)
