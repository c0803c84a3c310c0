"""lifecycle: a ledger of merges that holds enough to undo them exactly.

Safe: new columns; the type of a key column widens; merges that are there get what is known of them. Undo: drop the
columns.
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

# Merges of before say which conversations moved; that the cards were hidden is noted here, so that they can be undone.
# Row-level security is forced, so that not even the owner reads the rows of all organizations: one after the other.
FILL = """
DO $$
DECLARE organization uuid;
BEGIN
    FOR organization IN SELECT DISTINCT organization_id FROM directory UNION SELECT organization_id FROM memberships LOOP
        PERFORM set_config('app.organization_id', organization::text, true);
        INSERT INTO merge_moves (organization_id, merge_id, table_name, row_key, from_contact_id)
        SELECT organization_id, merge_id, 'contacts', 'card', contact_id FROM merged_contacts;
    END LOOP;
END $$;
"""


def upgrade() -> None:
    op.execute(SQL)
    op.execute(FILL)
