"""lifecycle: a ledger of merges that holds enough to undo them exactly.

Safe: new columns; the type of a key column widens. Undo: drop the columns.
"""

from alembic import op

revision = "0008"
down_revision = "0007"

SQL = """
ALTER TABLE merges
    ADD COLUMN actor_name text NOT NULL DEFAULT '',
    ADD COLUMN choices    jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN undone_at  timestamptz,
    ADD COLUMN undone_by  text,
    ADD COLUMN sealed_at  timestamptz;       -- something was erased since: it cannot be undone
ALTER TABLE merge_moves DROP CONSTRAINT merge_moves_pkey;
ALTER TABLE merge_moves ALTER COLUMN row_id TYPE text USING row_id::text;
ALTER TABLE merge_moves RENAME COLUMN row_id TO row_key;    -- the key of the row below its organization and contact
ALTER TABLE merge_moves
    ADD COLUMN new_values jsonb NOT NULL DEFAULT '{}',
    ADD PRIMARY KEY (organization_id, merge_id, table_name, from_contact_id, row_key);
CREATE INDEX merges_of_survivor ON merges (organization_id, survivor_id, id);
CREATE INDEX merged_contacts_of_merge ON merged_contacts (organization_id, merge_id);
"""


def upgrade() -> None:
    op.execute(SQL)
