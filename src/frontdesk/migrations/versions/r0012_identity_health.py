"""identities: what a member has to settle, and pairs of cards that look like one person.

Safe: only new tables. Undo: drop them.
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
    evidence        jsonb       NOT NULL,
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
"""

PERSONAL = {"conflicts": "deleted", "duplicates": "deleted"}


def upgrade() -> None:
    op.execute(SQL)
    for table, personal in PERSONAL.items():
        protect(table, personal=personal)
