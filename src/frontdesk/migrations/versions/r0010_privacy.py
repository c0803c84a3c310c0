"""lifecycle: receipts of erasures, and how long anonymous contacts are kept.

Safe: only new tables. Undo: drop them.
"""

from alembic import op

from frontdesk.migrations.schema import protect

revision = "0010"
down_revision = "0009"

SQL = """
CREATE TABLE erasures (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid        NOT NULL,
    contact_id      uuid        NOT NULL,   -- an id of nobody, once all is erased
    mode            text        NOT NULL CHECK (mode IN ('all', 'personal')),
    state           text        NOT NULL CHECK (state IN ('running', 'done')),
    receipt         jsonb       NOT NULL DEFAULT '{}',
    signature       text,
    actor_kind      text        NOT NULL,
    actor_id        uuid        NOT NULL,
    actor_name      text        NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX erasures_of_contact ON erasures (organization_id, contact_id);
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


def upgrade() -> None:
    op.execute(SQL)
    for table, personal in PERSONAL.items():
        protect(table, personal=personal)
