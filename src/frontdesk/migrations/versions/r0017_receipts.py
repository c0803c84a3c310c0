"""answers: receipts that can be replayed.

An answer keeps which messages it answers and how these came, and of each passage what it said (a hash). Answers given
before keep none of it, and cannot be replayed.
Safe: new columns with constant defaults, no rewrite. Undo: drop them.
"""

from alembic import op

revision = "0017"
down_revision = "0016"

SQL = """
ALTER TABLE answers
    ADD COLUMN question_ids    uuid[] NOT NULL DEFAULT '{}',  -- the messages that it answers
    ADD COLUMN ways            jsonb  NOT NULL DEFAULT '[]',  -- how they came: proof, what it set, the page's filter
    ADD COLUMN permitted_chunks integer;                      -- NULL: not counted then
ALTER TABLE answer_chunks ADD COLUMN content_key bytea;       -- of the passage as it was given; NULL: not kept then
"""


def upgrade() -> None:
    """Add the columns."""
    op.execute(SQL)
