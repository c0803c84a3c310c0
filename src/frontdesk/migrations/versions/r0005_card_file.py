"""contacts: attributes with a schema, labels, notes, blocks, and what each field was learned at.

Safe: new tables, and new columns whose values for present rows are known. Undo: drop them.
"""

from alembic import op

from frontdesk.migrations.schema import protect

revision = "0005"
down_revision = "0004"

SQL = """
ALTER TABLE contacts
    ADD COLUMN blocked_at   timestamptz,        -- NULL: not blocked
    ADD COLUMN blocked_by   text,
    ADD COLUMN block_reason text;
ALTER TABLE contact_fields
    ADD COLUMN learned_assurance smallint CHECK (learned_assurance BETWEEN 0 AND 3);  -- NULL: written deliberately
ALTER TABLE contact_emails
    ADD COLUMN email_key         text     GENERATED ALWAYS AS (lower(email)) STORED,  -- equal for equal addresses
    ADD COLUMN provenance        text     NOT NULL DEFAULT 'member'
               CHECK (provenance IN ('member', 'api', 'import', 'signed', 'channel', 'claimed')),
    ADD COLUMN learned_assurance smallint CHECK (learned_assurance BETWEEN 0 AND 3);
ALTER TABLE contact_phones
    ADD COLUMN provenance        text     NOT NULL DEFAULT 'member'
               CHECK (provenance IN ('member', 'api', 'import', 'signed', 'channel', 'claimed')),
    ADD COLUMN learned_assurance smallint CHECK (learned_assurance BETWEEN 0 AND 3);
ALTER TABLE organizations
    ADD COLUMN phone_region text CHECK (phone_region ~ '^[A-Z]{2}$');  -- of numbers without a country code; NULL: refused
CREATE INDEX contact_emails_by_key ON contact_emails (organization_id, email_key);
CREATE INDEX contact_phones_by_number ON contact_phones (organization_id, phone);
CREATE TABLE attribute_definitions (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid        NOT NULL,
    key             text        NOT NULL CHECK (key <> ''),     -- the name in the JSON of a card
    name            text        NOT NULL CHECK (name <> ''),    -- what people read
    kind            text        NOT NULL CHECK (kind IN ('text', 'number', 'date', 'boolean', 'list', 'url')),
    choices         text[],                                     -- NULL: any value of that kind
    is_required     boolean     NOT NULL DEFAULT false,
    is_unique       boolean     NOT NULL DEFAULT false,
    may_know_from   smallint    DEFAULT 3 CHECK (may_know_from BETWEEN 0 AND 3),  -- NULL: never
    position        integer     NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, key)
);
CREATE TABLE attribute_values (     -- of unique attributes only: who holds which value
    organization_id uuid NOT NULL,
    definition_id   uuid NOT NULL,
    value_key       text NOT NULL,
    contact_id      uuid NOT NULL,
    PRIMARY KEY (organization_id, definition_id, value_key),
    FOREIGN KEY (organization_id, definition_id) REFERENCES attribute_definitions (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX attribute_values_of_contact ON attribute_values (organization_id, contact_id);
CREATE TABLE field_rules (
    organization_id uuid     NOT NULL REFERENCES organizations ON DELETE CASCADE,
    field           text     NOT NULL CHECK (field IN ('name', 'language', 'time_zone', 'emails', 'phones')),
    may_know_from   smallint CHECK (may_know_from BETWEEN 0 AND 3),  -- NULL: never
    PRIMARY KEY (organization_id, field)
);
CREATE TABLE contact_labels (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid        NOT NULL,
    name            text        NOT NULL CHECK (name <> ''),
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name)
);
CREATE TABLE labelled_contacts (
    organization_id uuid        NOT NULL,
    contact_id      uuid        NOT NULL,
    label_id        uuid        NOT NULL,
    provenance      text        NOT NULL CHECK (provenance IN ('member', 'api', 'import')),
    set_by          text        NOT NULL DEFAULT '',
    set_at          timestamptz NOT NULL,
    PRIMARY KEY (organization_id, contact_id, label_id),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, label_id) REFERENCES contact_labels (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX labelled_contacts_of_label ON labelled_contacts (organization_id, label_id, contact_id);
CREATE TABLE notes (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    contact_id      uuid        NOT NULL,
    author_id       uuid        NOT NULL,
    author_name     text        NOT NULL DEFAULT '',
    body            text        NOT NULL CHECK (body <> ''),
    version         integer     NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX notes_of_contact ON notes (organization_id, contact_id, id);
"""

# Row-level security is forced, so that not even the owner reads the rows of all organizations: one after the other.
FILL = """
DO $$
DECLARE organization uuid;
BEGIN
    FOR organization IN SELECT DISTINCT organization_id FROM directory UNION SELECT organization_id FROM memberships LOOP
        PERFORM set_config('app.organization_id', organization::text, true);
        UPDATE contact_fields
           SET learned_assurance = CASE provenance WHEN 'signed' THEN 3 WHEN 'channel' THEN 2 WHEN 'claimed' THEN 1 END;
        UPDATE contact_emails e SET provenance = f.provenance, learned_assurance = f.learned_assurance
          FROM contact_fields f
         WHERE f.organization_id = e.organization_id AND f.contact_id = e.contact_id AND f.field = 'emails';
        UPDATE contact_phones p SET provenance = f.provenance, learned_assurance = f.learned_assurance
          FROM contact_fields f
         WHERE f.organization_id = p.organization_id AND f.contact_id = p.contact_id AND f.field = 'phones';
    END LOOP;
END $$;
"""

PERSONAL = {
    "attribute_definitions": "no",
    "attribute_values": "deleted",
    "field_rules": "no",
    "contact_labels": "no",
    "labelled_contacts": "deleted",
    "notes": "deleted",
}


def upgrade() -> None:
    op.execute(SQL)
    for table, personal in PERSONAL.items():
        protect(table, personal=personal)
    op.execute(FILL)
