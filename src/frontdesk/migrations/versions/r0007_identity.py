"""channels, identities: the enterprise is asked, keys are fetched, identities are vouched for, blocked, remembered.

Safe: new tables and columns. Undo: drop them.
"""

from alembic import op

from frontdesk.migrations.schema import protect

revision = "0007"
down_revision = "0006"

SQL = """
ALTER TABLE inboxes DROP CONSTRAINT inboxes_identity_mode_check,
    ADD CONSTRAINT inboxes_identity_mode_check CHECK (identity_mode IN ('none', 'jwt', 'introspect'));
CREATE TABLE introspections (
    organization_id  uuid        NOT NULL,
    inbox_id         uuid        NOT NULL,
    endpoint         text        NOT NULL CHECK (endpoint <> ''),
    client_id        text        NOT NULL CHECK (client_id <> ''),
    client_secret    bytea       NOT NULL,   -- encrypted
    audiences        text[]      NOT NULL,   -- an answer names one of these as `aud` or `client_id`
    allowed_profiles uuid[]      NOT NULL DEFAULT '{}',
    may_narrow       boolean     NOT NULL DEFAULT false,
    updated_at       timestamptz NOT NULL,
    PRIMARY KEY (organization_id, inbox_id),
    FOREIGN KEY (organization_id, inbox_id) REFERENCES inboxes (organization_id, id)
);
CREATE TABLE realm_key_sets (        -- JWKS: keys that the enterprise publishes at an address
    organization_id  uuid        NOT NULL,
    id               uuid        NOT NULL,
    realm_id         uuid        NOT NULL,
    name             text        NOT NULL DEFAULT '',
    issuer           text        NOT NULL CHECK (issuer <> ''),
    address          text        NOT NULL CHECK (address <> ''),
    state            text        NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'revoked')),
    allowed_profiles uuid[]      NOT NULL DEFAULT '{}',
    may_narrow       boolean     NOT NULL DEFAULT false,
    keys             jsonb       NOT NULL DEFAULT '[]',     -- as last fetched
    fetched_at       timestamptz,
    tried_at         timestamptz,
    failure          text,       -- why the last try brought nothing
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, realm_id) REFERENCES realms (organization_id, id)
);
CREATE INDEX realm_key_sets_of_realm ON realm_key_sets (organization_id, realm_id);
ALTER TABLE chat_sessions
    ADD COLUMN realm_key_set_id uuid;
ALTER TABLE identities
    ADD COLUMN linked_by text,           -- the member or key who vouched; NULL: proven, or given on a card
    ADD COLUMN linked_at timestamptz;
CREATE TABLE identity_blocks (           -- independent of any contact, so that a block survives deletion
    organization_id uuid        NOT NULL,
    realm_id        uuid        NOT NULL,
    source_hash     bytea       NOT NULL,  -- keyed
    reason          text        NOT NULL DEFAULT '',
    blocked_by      text        NOT NULL,
    blocked_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, realm_id, source_hash),
    FOREIGN KEY (organization_id, realm_id) REFERENCES realms (organization_id, id)
);
CREATE TABLE identity_tombstones (       -- who was erased, as hashes that only this installation can make
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    kind            text        NOT NULL CHECK (kind IN ('source_id', 'email', 'phone')),
    realm_id        uuid        NOT NULL,  -- zero for addresses
    value_hash      bytea       NOT NULL,  -- keyed
    erased_at       timestamptz NOT NULL,
    PRIMARY KEY (organization_id, kind, realm_id, value_hash)
);
"""

PERSONAL = {
    "introspections": "no",
    "realm_key_sets": "no",
    "identity_blocks": "hashes stay",
    "identity_tombstones": "hashes stay",
}


def upgrade() -> None:
    op.execute(SQL)
    for table, personal in PERSONAL.items():
        protect(table, personal=personal)
