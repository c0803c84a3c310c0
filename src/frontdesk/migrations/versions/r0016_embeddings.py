"""knowledge: another embedding model for a knowledge base, while its passages are read anew.

Safe: new columns with constant defaults; nothing is rewritten. Undo: drop them; vectors of a model that no knowledge
base names are read by nobody.
"""

from alembic import op

revision = "0016"
down_revision = "0015"

SQL = """
ALTER TABLE knowledge_bases ADD COLUMN next_embedding_model text;   -- that is to read it, once every passage has a vector
ALTER TABLE knowledge_bases ADD COLUMN embedding_progress smallint NOT NULL DEFAULT 0 CHECK (embedding_progress BETWEEN 0 AND 100);
ALTER TABLE knowledge_bases ADD CONSTRAINT knowledge_bases_next_is_another CHECK (next_embedding_model <> embedding_model);
"""


def upgrade() -> None:
    op.execute(SQL)
