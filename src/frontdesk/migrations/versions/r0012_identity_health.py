"""identities: what a member has to settle, and pairs of cards that look like one person.

Safe: new tables, and indexes on small ones. Undo: drop them.
"""

from alembic import op

from frontdesk.migrations.schema import protect

revision = "0012"
down_revision = "0011"

SQL = """
CREATE TABLE conflicts (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid        NOT NULL,
    kind            text        NOT NULL CHECK (kind IN ('shared_email', 'shared_phone', 'profile_disagrees')),
    first_id        uuid        NOT NULL,   -- two contacts, the smaller id first; the same one when a profile disagrees
    second_id       uuid        NOT NULL,
    value_hash      bytea       NOT NULL,   -- of what they share or disagree about: the same conflict once only
    details         jsonb       NOT NULL DEFAULT '{}',
    state           text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'settled')),
    resolution      text        CHECK (resolution IN ('merged', 'kept_apart', 'accepted', 'dismissed')),
    created_at      timestamptz NOT NULL,
    settled_at      timestamptz,
    settled_by      text,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, kind, first_id, second_id, value_hash),
    FOREIGN KEY (organization_id, first_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, second_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE,
    CHECK (first_id <= second_id)
);
CREATE INDEX conflicts_that_are_open ON conflicts (organization_id, id) WHERE state = 'open';
CREATE INDEX conflicts_of_second ON conflicts (organization_id, second_id);
CREATE TABLE duplicates (
    organization_id uuid        NOT NULL,
    first_id        uuid        NOT NULL,
    second_id       uuid        NOT NULL,
    score           real        NOT NULL,
    plain_score     real        NOT NULL DEFAULT 0,     -- without e-mails and phones: for who may not see these
    evidence        jsonb       NOT NULL,               -- how each field compares; no values
    fingerprint     bytea       NOT NULL DEFAULT '',    -- of the values that were compared
    state           text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'kept_apart')),
    found_at        timestamptz NOT NULL,
    settled_at      timestamptz,
    settled_by      text,
    PRIMARY KEY (organization_id, first_id, second_id),
    FOREIGN KEY (organization_id, first_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, second_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE,
    CHECK (first_id < second_id)
);
CREATE INDEX duplicates_by_score ON duplicates (organization_id, state, score DESC);
CREATE INDEX duplicates_of_second ON duplicates (organization_id, second_id);
CREATE TABLE duplicate_keys (   -- cards with a key in common are compared; hashes of what stands on them
    organization_id uuid   NOT NULL,
    key_hash        bigint NOT NULL,
    contact_id      uuid   NOT NULL,
    PRIMARY KEY (organization_id, key_hash, contact_id),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX duplicate_keys_of_contact ON duplicate_keys (organization_id, contact_id);
CREATE TABLE duplicate_searches (   -- the search that runs, or the last one
    organization_id uuid        PRIMARY KEY REFERENCES organizations ON DELETE CASCADE,
    state           text        NOT NULL CHECK (state IN ('keying', 'comparing', 'done')),
    since           timestamptz,    -- cards that changed since; NULL: all
    cursor_id       uuid,           -- the last card that is dealt with in this state
    total_count     bigint      NOT NULL,
    done_count      bigint      NOT NULL DEFAULT 0,
    started_by      text        NOT NULL,
    started_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    finished_at     timestamptz
);
CREATE TABLE ignored_identifiers (  -- e-mails and phones that many people share, as hashes
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    value_hash      bytea       NOT NULL,
    ignored_by      text        NOT NULL,
    ignored_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, value_hash)
);
CREATE INDEX chat_sessions_by_start ON chat_sessions (organization_id, created_at);
CREATE INDEX proof_failures_by_time ON proof_failures (organization_id, at);
"""

PERSONAL = {
    "conflicts": "deleted",
    "duplicates": "deleted",
    "duplicate_keys": "deleted",
    "duplicate_searches": "no",
    "ignored_identifiers": "hashes stay",
}


def upgrade() -> None:
    op.execute(SQL)
    for table, personal in PERSONAL.items():
        protect(table, personal=personal)
