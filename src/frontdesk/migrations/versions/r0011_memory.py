"""answers: what is remembered of a contact, each with the message it comes from and what the session had proven then.

Safe: new tables and columns. Undo: drop them.
"""

from alembic import op

from frontdesk.migrations.schema import protect

revision = "0011"
down_revision = "0010"

SQL = """
ALTER TABLE assistants ADD COLUMN remembers boolean NOT NULL DEFAULT true;
ALTER TABLE messages ADD COLUMN learned_at timestamptz;  -- when memory was made of it, once only; NULL: not yet
CREATE TABLE memory_facts (
    organization_id   uuid        NOT NULL,
    id                uuid        NOT NULL,
    contact_id        uuid        NOT NULL,   -- with a message: always the contact of its conversation
    topic             text        NOT NULL CHECK (topic <> ''),  -- of several with one topic and assurance the latest counts
    text              text        NOT NULL CHECK (text <> ''),
    message_id        uuid,                   -- the incoming message that said so; NULL: a member wrote it
    conversation_id   uuid,                   -- of the message: the fact follows it through merges and their undoing
    learned_assurance smallint    NOT NULL CHECK (learned_assurance BETWEEN 0 AND 3),
    written_by        text,                   -- the member who wrote or corrected it
    learned_at        timestamptz NOT NULL,   -- when the message was written
    updated_at        timestamptz NOT NULL,   -- the same, or when a member corrected it
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, message_id, topic),
    CHECK ((message_id IS NULL) = (conversation_id IS NULL)),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, message_id) REFERENCES messages (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, conversation_id) REFERENCES conversations (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX memory_facts_of_contact ON memory_facts (organization_id, contact_id, conversation_id);
CREATE INDEX memory_facts_of_conversation ON memory_facts (organization_id, conversation_id);
CREATE TABLE memory_summaries (
    organization_id    uuid        NOT NULL,
    contact_id         uuid        NOT NULL,
    learned_assurance  smallint    NOT NULL CHECK (learned_assurance BETWEEN 0 AND 3),
    text               text        NOT NULL CHECK (text <> ''),
    conversation_ids   uuid[]      NOT NULL,  -- what it is made of: it counts only while all of these are the contact's
    through_message_id uuid,                  -- the latest incoming message that it covers
    written_by         text,
    updated_at         timestamptz NOT NULL,
    PRIMARY KEY (organization_id, contact_id, learned_assurance),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE
);
"""

PERSONAL = {"memory_facts": "deleted", "memory_summaries": "deleted"}


def upgrade() -> None:
    op.execute(SQL)
    for table, personal in PERSONAL.items():
        protect(table, personal=personal)
