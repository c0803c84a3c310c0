"""lifecycle: receipts of erasures, and how long anonymous contacts are kept.

Every table that can hold something of a person declares exactly what erasing does with it; `lifecycle/tables.py` says
why. Safe: new tables, comments, and small indexes. Undo: drop them.
"""

from alembic import op

from frontdesk.migrations.schema import protect

revision = "0010"
down_revision = "0009"

SQL = """
CREATE TABLE erasures (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid        NOT NULL,
    contact_id      uuid,                   -- an id of nobody, once all is erased; NULL: many, by a rule of retention
    inbox_id        uuid,                   -- of that rule
    mode            text        NOT NULL CHECK (mode IN ('all', 'personal')),
    state           text        NOT NULL CHECK (state IN ('running', 'done')),
    receipt         jsonb       NOT NULL,   -- no personal data
    signature       text,                   -- of the receipt, once it is complete
    file_keys       text[]      NOT NULL DEFAULT '{}',  -- files that are still to be deleted
    actor_kind      text        NOT NULL,
    actor_id        uuid        NOT NULL,
    actor_name      text        NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    PRIMARY KEY (organization_id, id),
    CHECK ((contact_id IS NULL) = (inbox_id IS NOT NULL))
);
CREATE INDEX erasures_of_contact ON erasures (organization_id, contact_id);
CREATE INDEX answers_of_contact ON answers (organization_id, contact_id);
CREATE INDEX attachments_of_conversation ON attachments (organization_id, conversation_id)
    WHERE conversation_id IS NOT NULL;
CREATE TABLE retention_rules (
    organization_id uuid        NOT NULL,
    inbox_id        uuid        NOT NULL,
    after_days      integer     NOT NULL CHECK (after_days BETWEEN 1 AND 3650),
    is_enabled      boolean     NOT NULL DEFAULT false,
    last_run_at     timestamptz,
    last_count      integer,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, inbox_id),
    FOREIGN KEY (organization_id, inbox_id) REFERENCES inboxes (organization_id, id)
);
"""

PERSONAL = {"erasures": "no", "retention_rules": "no"}
DECLARED_ANEW = {
    "blanked": (
        "audit_log bulk_edit_rows bulk_edits exports identity_blocks import_rows imports proof_failures segments"
    ),
    "deleted": "attachments identities merge_moves uploads",
    "deleted; in mode personal: blanked": "answers contacts conversations merges messages",
    "deleted; in mode personal: no": "answer_chunks contact_inboxes merged_contacts",
    "no": "identity_tombstones",
}


def upgrade() -> None:
    op.execute(SQL)
    for table, personal in PERSONAL.items():
        protect(table, personal=personal)
    for personal, tables in DECLARED_ANEW.items():
        for table in tables.split():
            op.execute(f"COMMENT ON TABLE {table} IS 'personal: {personal}'")
