"""knowledge: versions of files, how a file is read, and how far its latest reading is.

Safe: new tables and columns; what is there becomes version 1, read as it was. Undo: drop them.
"""

from alembic import op

from frontdesk.migrations.schema import protect

revision = "0014"
down_revision = "0013"

SQL = """
ALTER TABLE document_files ADD COLUMN version integer NOT NULL DEFAULT 1;   -- these two: of what is in service, thus of
ALTER TABLE document_files ADD COLUMN settings jsonb NOT NULL DEFAULT '{}'; -- what the passages were made of
CREATE TABLE file_versions (
    organization_id uuid        NOT NULL,
    document_id     uuid        NOT NULL,
    number          integer     NOT NULL CHECK (number >= 1),
    filename        text        NOT NULL,
    file_key        text        NOT NULL,
    media_type      text        NOT NULL,
    size_bytes      bigint      NOT NULL,
    sha256          bytea       NOT NULL,
    added_by        text,       -- a caller's reference; NULL: nobody noted it
    added_at        timestamptz NOT NULL,
    PRIMARY KEY (organization_id, document_id, number),
    FOREIGN KEY (organization_id, document_id) REFERENCES documents (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX file_versions_of_content ON file_versions (organization_id, sha256);
CREATE TABLE file_readings (                -- the latest reading of each file; a new one takes the place of the last
    organization_id uuid        NOT NULL,
    document_id     uuid        NOT NULL,
    id              uuid        NOT NULL,   -- whoever reads gives up when it is not this one any more
    version         integer     NOT NULL,
    settings        jsonb       NOT NULL DEFAULT '{}',
    stage           text        NOT NULL CHECK (stage IN ('waiting', 'parsing', 'embedding', 'done', 'failed')),
    passages_done   integer     NOT NULL DEFAULT 0,
    passages_total  integer     NOT NULL DEFAULT 0,
    failure_reason  text,                   -- failed: why; waiting: why it is tried again
    attempts        integer     NOT NULL DEFAULT 0,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, document_id),
    FOREIGN KEY (organization_id, document_id, version)
        REFERENCES file_versions (organization_id, document_id, number) ON DELETE CASCADE
);
"""

# Row-level security is forced, so that not even the owner reads the rows of all organizations: one after the other.
FILL = """
DO $$
DECLARE organization uuid;
BEGIN
    FOR organization IN SELECT DISTINCT organization_id FROM directory UNION SELECT organization_id FROM memberships LOOP
        PERFORM set_config('app.organization_id', organization::text, true);
        INSERT INTO file_versions (organization_id, document_id, number, filename, file_key, media_type, size_bytes,
                                   sha256, added_at)
        SELECT f.organization_id, f.document_id, 1, f.filename, f.file_key, f.media_type, f.size_bytes, f.sha256,
               d.created_at
          FROM document_files f JOIN documents d ON d.organization_id = f.organization_id AND d.id = f.document_id;
        INSERT INTO file_readings (organization_id, document_id, id, version, stage, failure_reason, updated_at)
        SELECT d.organization_id, d.id, gen_random_uuid(), 1,
               CASE d.state WHEN 'done' THEN 'done' WHEN 'failed' THEN 'failed' ELSE 'waiting' END,
               d.failure_reason, d.updated_at
          FROM documents d WHERE d.kind = 'file';
    END LOOP;
END $$;
"""


def upgrade() -> None:
    op.execute(SQL)
    for table in ("file_versions", "file_readings"):
        protect(table, personal="no")
    op.execute(FILL)
