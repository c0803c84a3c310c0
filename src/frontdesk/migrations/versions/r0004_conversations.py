"""conversations, answers, lifecycle: threads, uploads, receipts, and the ledger of merges.

Safe: only new tables. Undo: drop them. A message belongs to its conversation alone, so that a merge moves conversations
and never rewrites messages.
"""

from alembic import op

from frontdesk.migrations.schema import protect

revision = "0004"
down_revision = "0003"

SQL = """
CREATE TABLE conversations (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    contact_id      uuid        NOT NULL,
    inbox_id        uuid        NOT NULL,
    session_id      uuid,
    session_key     text,
    title           text        NOT NULL DEFAULT '',
    state           text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
    auto_reply      boolean     NOT NULL DEFAULT true,
    waits_for_member boolean    NOT NULL DEFAULT false,
    unread_count    integer     NOT NULL DEFAULT 0,
    last_message_id uuid,
    last_message_at timestamptz,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, session_id, session_key),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id),
    FOREIGN KEY (organization_id, inbox_id) REFERENCES inboxes (organization_id, id)
);
CREATE INDEX conversations_of_contact ON conversations (organization_id, contact_id, id);
CREATE INDEX conversations_by_activity ON conversations (organization_id, last_message_at DESC, id DESC);
CREATE INDEX conversations_of_inbox ON conversations (organization_id, inbox_id, last_message_at DESC);
CREATE TABLE messages (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    conversation_id uuid        NOT NULL,
    client_id       text,
    type            text        NOT NULL CHECK (type IN ('incoming', 'outgoing')),
    sender_kind     text        NOT NULL CHECK (sender_kind IN ('contact', 'assistant', 'member', 'api_key')),
    sender_id       uuid        NOT NULL,
    session_id      uuid,
    assurance       smallint    NOT NULL CHECK (assurance BETWEEN 0 AND 3),
    content         text        NOT NULL,
    awaits_answer   boolean     NOT NULL DEFAULT false,
    feedback        text        NOT NULL DEFAULT '' CHECK (feedback IN ('', 'like', 'dislike')),
    query_metadata  jsonb,
    content_payload jsonb,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, conversation_id, client_id),
    FOREIGN KEY (organization_id, conversation_id) REFERENCES conversations (organization_id, id)
);
CREATE INDEX messages_of_conversation ON messages (organization_id, conversation_id, id);
CREATE INDEX messages_that_await_an_answer ON messages (organization_id, conversation_id, id) WHERE awaits_answer;
CREATE TABLE answer_leases (
    organization_id uuid        NOT NULL,
    conversation_id uuid        NOT NULL,
    holder          uuid        NOT NULL,
    expires_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, conversation_id),
    FOREIGN KEY (organization_id, conversation_id) REFERENCES conversations (organization_id, id)
);
CREATE TABLE uploads (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    key             text        NOT NULL,
    caller          text        NOT NULL,
    purpose         text        NOT NULL CHECK (purpose IN ('attachment', 'chatbot-file')),
    filename        text        NOT NULL,
    max_bytes       bigint      NOT NULL,
    size_bytes      bigint,
    media_type      text,
    sha256          bytea,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    stored_at       timestamptz,
    redeemed_at     timestamptz,
    PRIMARY KEY (organization_id, key)
);
CREATE TABLE attachments (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    caller          text        NOT NULL,
    conversation_id uuid,
    message_id      uuid,
    filename        text        NOT NULL,
    file_key        text        NOT NULL,
    media_type      text        NOT NULL,
    size_bytes      bigint      NOT NULL,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, conversation_id) REFERENCES conversations (organization_id, id),
    FOREIGN KEY (organization_id, message_id) REFERENCES messages (organization_id, id)
);
CREATE INDEX attachments_of_message ON attachments (organization_id, message_id) WHERE message_id IS NOT NULL;
CREATE TABLE answers (
    organization_id  uuid        NOT NULL,
    id               uuid        NOT NULL,
    message_id       uuid        NOT NULL,
    conversation_id  uuid        NOT NULL,
    contact_id       uuid        NOT NULL,
    session_id       uuid,
    assurance        smallint    NOT NULL,
    scope            jsonb       NOT NULL,
    scope_version    bigint      NOT NULL,
    permitted_count  integer     NOT NULL,
    model            text        NOT NULL,
    is_found         boolean     NOT NULL,
    timing           jsonb       NOT NULL,
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, message_id),
    FOREIGN KEY (organization_id, message_id) REFERENCES messages (organization_id, id)
);
CREATE INDEX answers_of_conversation ON answers (organization_id, conversation_id, id);
CREATE TABLE answer_chunks (
    organization_id uuid             NOT NULL,
    answer_id       uuid             NOT NULL,
    position        smallint         NOT NULL,
    chunk_id        uuid             NOT NULL,
    document_id     uuid             NOT NULL,
    score           double precision NOT NULL,
    citation        smallint,        -- the number shown to the reader; NULL: given to the model, not cited
    PRIMARY KEY (organization_id, answer_id, position),
    FOREIGN KEY (organization_id, answer_id) REFERENCES answers (organization_id, id)
);
CREATE INDEX answer_chunks_of_document ON answer_chunks (organization_id, document_id);
CREATE TABLE merges (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    survivor_id     uuid        NOT NULL,
    reason          text        NOT NULL CHECK (reason IN ('login', 'member', 'api')),
    actor_id        uuid,
    merged_at       timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, survivor_id) REFERENCES contacts (organization_id, id)
);
CREATE TABLE merge_moves (
    organization_id uuid NOT NULL,
    merge_id        uuid NOT NULL,
    table_name      text NOT NULL,
    row_id          uuid NOT NULL,
    from_contact_id uuid NOT NULL,
    old_values      jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (organization_id, merge_id, table_name, row_id),
    FOREIGN KEY (organization_id, merge_id) REFERENCES merges (organization_id, id)
);
CREATE TABLE merged_contacts (
    organization_id uuid NOT NULL,
    contact_id      uuid NOT NULL,
    survivor_id     uuid NOT NULL,
    merge_id        uuid NOT NULL,
    PRIMARY KEY (organization_id, contact_id),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id),
    FOREIGN KEY (organization_id, survivor_id) REFERENCES contacts (organization_id, id),
    FOREIGN KEY (organization_id, merge_id) REFERENCES merges (organization_id, id)
);
CREATE INDEX merged_contacts_of_survivor ON merged_contacts (organization_id, survivor_id);
"""

PERSONAL = {
    "conversations": "deleted or anonymised",
    "messages": "text deleted or anonymised",
    "answer_leases": "deleted",
    "uploads": "files deleted",
    "attachments": "files deleted",
    "answers": "deleted",
    "answer_chunks": "deleted",
    "merges": "old values blanked, undo refused",
    "merge_moves": "old values blanked, undo refused",
    "merged_contacts": "old values blanked, undo refused",
}


def upgrade() -> None:
    op.execute(SQL)
    for table, personal in PERSONAL.items():
        protect(table, personal=personal)
