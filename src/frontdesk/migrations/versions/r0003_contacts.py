"""channels, contacts, identities: platforms, the card file, and who is proven to be whom.

Safe: only new tables. Undo: drop them.
"""

from alembic import op

from frontdesk.migrations.schema import protect

revision = "0003"
down_revision = "0002"

SQL = """
CREATE TABLE realms (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid        NOT NULL,
    name            text        NOT NULL CHECK (name <> ''),
    kind            text        NOT NULL CHECK (kind IN ('member', 'channel')),
    is_default      boolean     NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX realms_default ON realms (organization_id) WHERE is_default;
CREATE TABLE inboxes (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    name            text        NOT NULL CHECK (name <> ''),
    channel_type    text        NOT NULL CHECK (channel_type IN ('web', 'line', 'messenger', 'telegram', 'api')),
    assistant_id    uuid        NOT NULL,
    realm_id        uuid        NOT NULL,
    public_id       text        NOT NULL,
    identity_mode   text        NOT NULL DEFAULT 'none' CHECK (identity_mode IN ('none', 'jwt')),
    on_login        text        NOT NULL DEFAULT 'merge' CHECK (on_login IN ('merge', 'separate')),
    allowed_origins text[]      NOT NULL DEFAULT '{}',
    greeting        text        NOT NULL DEFAULT '',
    starters        text[]      NOT NULL DEFAULT '{}',
    query_metadata  jsonb,
    visitor_scope   jsonb,
    member_scope    jsonb,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    deleted_at      timestamptz,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, public_id),
    FOREIGN KEY (organization_id, assistant_id) REFERENCES assistants (organization_id, id),
    FOREIGN KEY (organization_id, realm_id) REFERENCES realms (organization_id, id)
);
CREATE INDEX inboxes_of_assistant ON inboxes (organization_id, assistant_id);
CREATE TABLE contacts (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid        NOT NULL,
    name            text        NOT NULL DEFAULT '',
    avatar          text,
    language        text,
    time_zone       text,
    attributes      jsonb       NOT NULL DEFAULT '{}',
    query_metadata  jsonb,
    profiles_mode   text        NOT NULL DEFAULT 'replace' CHECK (profiles_mode IN ('replace', 'add')),
    version         integer     NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    last_seen_at    timestamptz,
    deleted_at      timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX contacts_by_last_seen ON contacts (organization_id, (coalesce(last_seen_at, created_at)) DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX contacts_by_name ON contacts USING gin (name gin_trgm_ops) WHERE deleted_at IS NULL;
CREATE TABLE contact_inboxes (
    organization_id uuid        NOT NULL,
    contact_id      uuid        NOT NULL,
    inbox_id        uuid        NOT NULL,
    first_seen_at   timestamptz,        -- NULL: made in advance, never seen here
    last_seen_at    timestamptz,
    PRIMARY KEY (organization_id, contact_id, inbox_id),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, inbox_id) REFERENCES inboxes (organization_id, id)
);
CREATE INDEX contact_inboxes_of_inbox ON contact_inboxes (organization_id, inbox_id, contact_id);
CREATE TABLE contact_emails (
    organization_id uuid     NOT NULL,
    contact_id      uuid     NOT NULL,
    position        smallint NOT NULL,
    email           text     NOT NULL CHECK (email <> ''),
    PRIMARY KEY (organization_id, contact_id, position),
    UNIQUE (organization_id, contact_id, email),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX contact_emails_by_email ON contact_emails USING gin (email gin_trgm_ops);
CREATE TABLE contact_phones (
    organization_id uuid     NOT NULL,
    contact_id      uuid     NOT NULL,
    position        smallint NOT NULL,
    phone           text     NOT NULL CHECK (phone <> ''),
    PRIMARY KEY (organization_id, contact_id, position),
    UNIQUE (organization_id, contact_id, phone),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX contact_phones_by_phone ON contact_phones USING gin (phone gin_trgm_ops);
CREATE TABLE contact_fields (
    organization_id   uuid        NOT NULL,
    contact_id        uuid        NOT NULL,
    field             text        NOT NULL,
    provenance        text        NOT NULL CHECK (provenance IN ('member', 'api', 'import', 'signed', 'channel', 'claimed')),
    set_by            text        NOT NULL DEFAULT '',
    set_at            timestamptz NOT NULL,
    PRIMARY KEY (organization_id, contact_id, field),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE
);
CREATE TABLE profile_assignments (
    organization_id uuid        NOT NULL,
    contact_id      uuid        NOT NULL,
    profile_id      uuid        NOT NULL,
    provenance      text        NOT NULL CHECK (provenance IN ('member', 'api', 'import')),
    assigned_by     text        NOT NULL DEFAULT '',
    assigned_at     timestamptz NOT NULL,
    PRIMARY KEY (organization_id, contact_id, profile_id),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, profile_id) REFERENCES access_profiles (organization_id, id)
);
CREATE INDEX profile_assignments_of_profile ON profile_assignments (organization_id, profile_id);
CREATE TABLE identities (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid        NOT NULL,
    realm_id        uuid        NOT NULL,
    source_id       text        NOT NULL CHECK (source_id <> '' AND char_length(source_id) <= 255),
    contact_id      uuid        NOT NULL,
    first_seen_at   timestamptz,        -- NULL: written by staff or API, the person never came
    last_seen_at    timestamptz,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, realm_id, source_id),
    FOREIGN KEY (organization_id, realm_id) REFERENCES realms (organization_id, id),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX identities_of_contact ON identities (organization_id, contact_id);
CREATE INDEX identities_by_source_id ON identities USING gin (source_id gin_trgm_ops);
CREATE TABLE released_identities (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    realm_id        uuid        NOT NULL,
    source_id       text        NOT NULL,
    contact_id      uuid        NOT NULL,
    released_at     timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX released_identities_of_contact ON released_identities (organization_id, contact_id);
CREATE TABLE realm_keys (
    organization_id  uuid        NOT NULL,
    id               uuid        NOT NULL,
    realm_id         uuid        NOT NULL,
    kid              text        NOT NULL CHECK (kid <> ''),
    name             text        NOT NULL DEFAULT '',
    issuer           text        NOT NULL CHECK (issuer <> ''),
    algorithm        text        NOT NULL CHECK (algorithm IN ('EdDSA', 'ES256', 'RS256', 'HS256')),
    public_key       jsonb,
    secret           bytea,      -- encrypted; HS256 only
    state            text        NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'verify_only', 'revoked')),
    verify_until     timestamptz,
    allowed_profiles uuid[]      NOT NULL DEFAULT '{}',
    may_narrow       boolean     NOT NULL DEFAULT false,
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, realm_id, kid),
    CHECK ((algorithm = 'HS256') = (secret IS NOT NULL)),
    CHECK ((algorithm = 'HS256') = (public_key IS NULL)),
    FOREIGN KEY (organization_id, realm_id) REFERENCES realms (organization_id, id)
);
CREATE TABLE chat_sessions (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    inbox_id        uuid        NOT NULL,
    token_hash      bytea       NOT NULL,
    contact_id      uuid,       -- proven sessions only; a visitor session has one contact per conversation
    identity_id     uuid,
    realm_key_id    uuid,
    assurance       smallint    NOT NULL CHECK (assurance BETWEEN 0 AND 3),
    proven_until    timestamptz,
    claims          jsonb       NOT NULL DEFAULT '{}',  -- what a signed token may set for this session only
    created_at      timestamptz NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    end_reason      text,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, token_hash),
    FOREIGN KEY (organization_id, inbox_id) REFERENCES inboxes (organization_id, id),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id),
    CHECK ((assurance = 3) = (contact_id IS NOT NULL)),
    CHECK ((assurance = 3) = (proven_until IS NOT NULL))
);
CREATE INDEX chat_sessions_of_contact ON chat_sessions (organization_id, contact_id) WHERE contact_id IS NOT NULL;
CREATE TABLE identity_proofs (
    organization_id uuid        NOT NULL,
    realm_id        uuid        NOT NULL,
    jti             text        NOT NULL,
    session_id      uuid        NOT NULL,
    used_at         timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, realm_id, jti),
    FOREIGN KEY (organization_id, realm_id) REFERENCES realms (organization_id, id)
);
CREATE TABLE proof_failures (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    inbox_id        uuid        NOT NULL,
    reason          text        NOT NULL,
    detail          text        NOT NULL DEFAULT '',
    request_id      text        NOT NULL,
    at              timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, inbox_id) REFERENCES inboxes (organization_id, id)
);
CREATE INDEX proof_failures_of_inbox ON proof_failures (organization_id, inbox_id, id);
"""

PERSONAL = {
    "realms": "no",
    "inboxes": "no",
    "contacts": "deleted",
    "contact_inboxes": "deleted",
    "contact_emails": "deleted",
    "contact_phones": "deleted",
    "contact_fields": "deleted",
    "profile_assignments": "deleted",
    "identities": "deleted; a keyed hash stays",
    "released_identities": "deleted",
    "realm_keys": "no",
    "chat_sessions": "deleted",
    "identity_proofs": "deleted",
    "proof_failures": "deleted",
}


def upgrade() -> None:
    op.execute(SQL)
    for table, personal in PERSONAL.items():
        protect(table, personal=personal)
