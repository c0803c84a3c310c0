"""lifecycle: imports with a result per row, so that they can be resumed and undone; exports.

Safe: new tables; a check of uploads is widened. Undo: drop them.
"""

from alembic import op

from frontdesk.migrations.schema import protect

revision = "0009"
down_revision = "0008"

SQL = """
ALTER TABLE uploads DROP CONSTRAINT uploads_purpose_check,
    ADD CONSTRAINT uploads_purpose_check CHECK (purpose IN ('attachment', 'chatbot-file', 'contact-import'));
CREATE TABLE imports (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid        NOT NULL,
    filename        text        NOT NULL,
    format          text        NOT NULL CHECK (format IN ('csv', 'xlsx', 'ndjson', 'vcard')),
    file_key        text,       -- NULL: the file was removed
    size_bytes      bigint      NOT NULL,
    columns         text[]      NOT NULL DEFAULT '{}',  -- as the file names them
    samples         jsonb       NOT NULL DEFAULT '[]',  -- its first rows, a list of texts each; blanked with the file
    mapping         jsonb       NOT NULL DEFAULT '[]',
    options         jsonb       NOT NULL DEFAULT '{}',
    state           text        NOT NULL CHECK (state IN ('uploaded', 'checking', 'checked', 'running', 'done', 'failed',
                                                          'cancelled', 'undoing', 'undone')),
    total_count     bigint,     -- NULL: not counted yet
    done_count      bigint      NOT NULL DEFAULT 0,     -- rows of the file that are dealt with
    counts          jsonb       NOT NULL DEFAULT '{}',  -- outcome: number of rows, of the check or run that was last
    checked         jsonb,      -- the same of the last complete check; NULL: none
    undone          jsonb       NOT NULL DEFAULT '{}',  -- what undoing did: number of contacts
    failure         text,
    actor_kind      text        NOT NULL,
    actor_id        uuid        NOT NULL,
    actor_name      text        NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE TABLE import_rows (
    organization_id uuid    NOT NULL,
    import_id       uuid    NOT NULL,
    row_number      bigint  NOT NULL,   -- as people count in the file, the header included
    is_dry          boolean NOT NULL,
    outcome         text    NOT NULL CHECK (outcome IN ('created', 'updated', 'merged', 'unchanged', 'conflict', 'error')),
    code            text,
    field           text,
    detail          text,
    contact_id      uuid,
    old_values      jsonb,      -- what undoing needs; NULL: nothing was written, or it is undone
    PRIMARY KEY (organization_id, import_id, is_dry, row_number),
    FOREIGN KEY (organization_id, import_id) REFERENCES imports (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX import_rows_that_failed ON import_rows (organization_id, import_id, is_dry, row_number)
    WHERE outcome IN ('conflict', 'error');
CREATE TABLE import_keys (      -- of a dry run: what earlier rows of the file would have written that is unique
    organization_id uuid    NOT NULL,
    import_id       uuid    NOT NULL,
    key             uuid    NOT NULL,   -- a hash of realm and source id, or of attribute and unique value
    contact_id      uuid    NOT NULL,
    PRIMARY KEY (organization_id, import_id, key),
    FOREIGN KEY (organization_id, import_id) REFERENCES imports (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX import_keys_of_contact ON import_keys (organization_id, contact_id);
CREATE INDEX import_rows_of_contact ON import_rows (organization_id, contact_id) WHERE contact_id IS NOT NULL;
CREATE TABLE exports (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid        NOT NULL,
    format          text        NOT NULL CHECK (format IN ('csv', 'xlsx', 'ndjson', 'vcard')),
    selection       jsonb       NOT NULL,
    columns         text[],
    state           text        NOT NULL CHECK (state IN ('running', 'done', 'failed', 'gone')),
    row_count       bigint      NOT NULL DEFAULT 0,
    file_key        text,
    token_hash      bytea,      -- of the single-use link; NULL: none was made, or it was used
    link_expires_at timestamptz,
    failure         text,
    actor_kind      text        NOT NULL,
    actor_id        uuid        NOT NULL,
    actor_name      text        NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    downloaded_at   timestamptz,
    PRIMARY KEY (organization_id, id)
);
"""

PERSONAL = {
    "imports": "files deleted",
    "import_rows": "row values blanked",
    "import_keys": "deleted",
    "exports": "files deleted",
}


def upgrade() -> None:
    op.execute(SQL)
    for table, personal in PERSONAL.items():
        protect(table, personal=personal)
