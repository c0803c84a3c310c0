"""organizations: organizations, staff, roles, keys, audit, and the directory that is read before one is known.

Safe: only new tables. Undo: drop them.
"""

from alembic import op

from frontdesk.migrations.schema import protect, share

revision = "0001"
down_revision = None

SQL = """
CREATE TABLE organizations (
    id                  uuid        PRIMARY KEY,
    name                text        NOT NULL CHECK (name <> ''),
    locale              text        NOT NULL DEFAULT 'en',
    vendor_faq_reading  boolean     NOT NULL DEFAULT false,
    scope_version       bigint      NOT NULL DEFAULT 1,
    refused_source_ids  text[]      NOT NULL DEFAULT '{}',
    created_at          timestamptz NOT NULL
);
CREATE TABLE users (
    id            uuid        PRIMARY KEY,
    email         text        NOT NULL UNIQUE CHECK (email = lower(email)),
    name          text        NOT NULL,
    password_hash text,
    locale        text,
    theme         text        NOT NULL DEFAULT 'auto' CHECK (theme IN ('auto', 'light', 'dark')),
    created_at    timestamptz NOT NULL,
    disabled_at   timestamptz
);
CREATE TABLE memberships (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    user_id         uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX memberships_of_user ON memberships (user_id);
CREATE TABLE user_sessions (
    token_hash      bytea       PRIMARY KEY,
    user_id         uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    organization_id uuid        REFERENCES organizations ON DELETE CASCADE,
    csrf_token      text        NOT NULL,
    user_agent      text        NOT NULL DEFAULT '',
    address         text        NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    revoked_at      timestamptz
);
CREATE INDEX user_sessions_of_user ON user_sessions (user_id);
CREATE TABLE password_resets (
    token_hash bytea       PRIMARY KEY,
    user_id    uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE TABLE throttle_attempts (
    bucket bytea       NOT NULL,
    at     timestamptz NOT NULL
);
CREATE INDEX throttle_attempts_of_bucket ON throttle_attempts (bucket, at);
CREATE TABLE directory (
    public_id       text PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    kind            text NOT NULL
);
CREATE TABLE roles (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid        NOT NULL,
    name            text        NOT NULL CHECK (name <> ''),
    rights          text[]      NOT NULL,
    inbox_ids       uuid[],     -- NULL: every inbox; an empty array: none
    query_metadata  jsonb,
    is_built_in     boolean     NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name)
);
CREATE TABLE member_roles (
    organization_id uuid NOT NULL,
    user_id         uuid NOT NULL,
    role_id         uuid NOT NULL,
    PRIMARY KEY (organization_id, user_id, role_id),
    FOREIGN KEY (organization_id, user_id) REFERENCES memberships (organization_id, user_id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, role_id) REFERENCES roles (organization_id, id) ON DELETE CASCADE
);
CREATE TABLE invitations (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid        NOT NULL,
    email           text        NOT NULL CHECK (email = lower(email)),
    role_ids        uuid[]      NOT NULL,
    token_hash      bytea       NOT NULL,
    invited_by      uuid        NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    accepted_at     timestamptz,
    revoked_at      timestamptz,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, token_hash)
);
CREATE TABLE api_keys (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid        NOT NULL,
    name            text        NOT NULL CHECK (name <> ''),
    secret_hash     bytea       NOT NULL,
    hint            text        NOT NULL,
    rights          text[]      NOT NULL,
    inbox_ids       uuid[],     -- NULL: every inbox; an empty array: none
    created_by      uuid,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz,
    last_used_at    timestamptz,
    revoked_at      timestamptz,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, secret_hash)
);
CREATE TABLE audit_log (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid        NOT NULL,
    at              timestamptz NOT NULL,
    actor_kind      text        NOT NULL CHECK (actor_kind IN ('member', 'api_key', 'contact', 'system')),
    actor_id        uuid,
    actor_name      text        NOT NULL DEFAULT '',
    action          text        NOT NULL,
    object_kind     text        NOT NULL,
    object_id       uuid,
    contact_id      uuid,
    payload         jsonb       NOT NULL DEFAULT '{}',
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX audit_log_of_contact ON audit_log (organization_id, contact_id, id) WHERE contact_id IS NOT NULL;
CREATE TABLE idempotency_keys (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    caller          text        NOT NULL,
    method          text        NOT NULL,
    path            text        NOT NULL,
    key             text        NOT NULL,
    body_hash       bytea       NOT NULL,
    status          smallint,
    headers         jsonb,
    body            bytea,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, caller, method, path, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (organization_id, created_at);
"""


def upgrade() -> None:
    op.execute(SQL)
    protect("organizations", personal="no", key="id")
    for table in ("users", "memberships", "user_sessions", "password_resets", "throttle_attempts", "directory"):
        share(table, personal="no")
    for table in ("roles", "member_roles", "invitations", "api_keys"):
        protect(table, personal="no")
    protect("audit_log", personal="payloads of the contact are blanked")
    protect("idempotency_keys", personal="deleted")
