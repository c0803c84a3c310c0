"""answers: what is remembered of a contact, each with the message it comes from and what the session had proven then.

Safe: only new tables. Undo: drop them.
"""

from alembic import op

from frontdesk.migrations.schema import protect

revision = "0011"
down_revision = "0010"

SQL = """
CREATE TABLE memory_facts (
    organization_id   uuid        NOT NULL,
    id                uuid        NOT NULL,
    contact_id        uuid        NOT NULL,
    topic             text        NOT NULL,   -- one fact per topic and assurance: a later one replaces it
    text              text        NOT NULL CHECK (text <> ''),
    message_id        uuid,                   -- the incoming message that said so; NULL: a member wrote it
    learned_assurance smallint    NOT NULL CHECK (learned_assurance BETWEEN 0 AND 3),
    written_by        text,                   -- the member who wrote or corrected it
    learned_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, contact_id, topic, learned_assurance),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, message_id) REFERENCES messages (organization_id, id)
);
CREATE INDEX memory_facts_of_message ON memory_facts (organization_id, message_id) WHERE message_id IS NOT NULL;
CREATE TABLE memory_summaries (
    organization_id   uuid        NOT NULL,
    contact_id        uuid        NOT NULL,
    learned_assurance smallint    NOT NULL CHECK (learned_assurance BETWEEN 0 AND 3),
    text              text        NOT NULL,
    through_message_id uuid,                  -- the latest incoming message that it covers
    written_by        text,
    updated_at        timestamptz NOT NULL,
    PRIMARY KEY (organization_id, contact_id, learned_assurance),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE
);
"""

PERSONAL = {"memory_facts": "deleted", "memory_summaries": "deleted"}


def upgrade() -> None:
    op.execute(SQL)
    for table, personal in PERSONAL.items():
        protect(table, personal=personal)
