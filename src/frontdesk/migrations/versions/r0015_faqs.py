"""knowledge: batches, which change many documents at once, with a result per row, so that they go on and are undone.

Safe: new tables; an index; a check of uploads is widened. Undo: drop them. A batch is removed with all its rows when
nothing happened to it for a month.
"""

from alembic import op

from frontdesk.migrations.schema import protect

revision = "0015"
down_revision = "0014"

SQL = """
ALTER TABLE uploads DROP CONSTRAINT uploads_purpose_check,
    ADD CONSTRAINT uploads_purpose_check
        CHECK (purpose IN ('attachment', 'chatbot-file', 'contact-import', 'document-batch'));
CREATE INDEX faqs_of_question ON faqs (organization_id, md5(question));
CREATE TABLE document_batches (
    organization_id   uuid        NOT NULL,
    id                uuid        NOT NULL,
    knowledge_base_id uuid        NOT NULL,
    kind              text        NOT NULL CHECK (kind IN ('faqs', 'labels', 'edit')),
    filename          text        NOT NULL DEFAULT '',
    format            text        NOT NULL DEFAULT '' CHECK (format IN ('', 'csv', 'xlsx', 'ndjson', 'json')),
    file_key          text,       -- NULL: there is none, or it was removed
    columns           text[]      NOT NULL DEFAULT '{}',
    samples           jsonb       NOT NULL DEFAULT '[]',
    mapping           jsonb       NOT NULL DEFAULT '{}',  -- column: what it says
    options           jsonb       NOT NULL DEFAULT '{}',
    state             text        NOT NULL CHECK (state IN ('uploaded', 'checking', 'checked', 'running', 'done', 'failed',
                                                            'cancelled', 'undoing', 'undone')),
    total_count       bigint,
    done_count        bigint      NOT NULL DEFAULT 0,
    counts            jsonb       NOT NULL DEFAULT '{}',  -- outcome: number of rows, of the check or run that was last
    checked           jsonb,
    undone            jsonb       NOT NULL DEFAULT '{}',
    failure           text,
    actor_kind        text        NOT NULL,
    actor_id          uuid        NOT NULL,
    actor_name        text        NOT NULL DEFAULT '',
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    finished_at       timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, knowledge_base_id) REFERENCES knowledge_bases (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX document_batches_of_base ON document_batches (organization_id, knowledge_base_id, id);
CREATE TABLE document_batch_rows (
    organization_id uuid    NOT NULL,
    batch_id        uuid    NOT NULL,
    is_dry          boolean NOT NULL,
    row_number      bigint  NOT NULL,   -- as people count in the file, the header included
    outcome         text    NOT NULL
                    CHECK (outcome IN ('waiting', 'created', 'updated', 'deleted', 'unchanged', 'error')),
    code            text,
    field           text,
    detail          text,
    document_id     uuid,
    old_values      jsonb,              -- these two are what undoing needs; both NULL: nothing was written, or it is undone
    new_values      jsonb,
    PRIMARY KEY (organization_id, batch_id, is_dry, row_number),
    FOREIGN KEY (organization_id, batch_id) REFERENCES document_batches (organization_id, id) ON DELETE CASCADE
);
"""


def upgrade() -> None:
    op.execute(SQL)
    for table in ("document_batches", "document_batch_rows"):
        protect(table, personal="no")
