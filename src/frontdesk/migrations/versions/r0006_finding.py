r"""contacts, lifecycle: text that is searched as it is stored, saved segments, and edits of many cards at once.

`search_form` is the one normal form: no accents, lower case, and every character of Chinese, Japanese and Korean three
times, so that a single one is a whole trigram ("張偉" is found by "張"). Columns hold it and patterns are made with it; a
query calls it on a value only to look again at what the index found. Safe: new tables and columns; the columns of present rows are filled here. Undo: drop them.
"""

from alembic import op

from frontdesk.migrations.schema import protect

revision = "0006"
down_revision = "0005"

SQL = r"""
CREATE FUNCTION search_form(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN
    regexp_replace(
        lower(normalize(regexp_replace(normalize($1, NFKD), '[\u0300-\u036f]', '', 'g'), NFC)),
        '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff])', '\1\1\1', 'g');
CREATE FUNCTION card_search(name text, attributes jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    ' ' || search_form(name || coalesce((SELECT string_agg(' ' || value, '' ORDER BY key)
                                           FROM jsonb_each_text(attributes)), ''));
CREATE FUNCTION search_pattern(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN
    replace(replace(replace(search_form($1), '\', '\\'), '%', '\%'), '_', '\_');  -- for LIKE: stands for itself
ALTER TABLE contacts
    ADD COLUMN search          text GENERATED ALWAYS AS (card_search(name, attributes)) STORED,
    ADD COLUMN sort_name       text COLLATE "C" GENERATED ALWAYS AS
               (CASE WHEN name = '' THEN U&'\+10FFFF' ELSE lower(name) END) STORED,  -- the nameless come last
    ADD COLUMN seen_at         timestamptz GENERATED ALWAYS AS (coalesce(last_seen_at, created_at)) STORED,
    ADD COLUMN search_ids      text NOT NULL DEFAULT '',  -- ' ' and the search form of each source id
    ADD COLUMN search_personal text NOT NULL DEFAULT '';  -- the same of e-mails and phones: personal
CREATE INDEX contacts_by_search ON contacts USING gin
    (organization_id, search gin_trgm_ops, search_ids gin_trgm_ops, search_personal gin_trgm_ops)
    WHERE deleted_at IS NULL;
CREATE INDEX contacts_by_attribute ON contacts USING gin (organization_id, attributes jsonb_path_ops)
    WHERE deleted_at IS NULL;
CREATE INDEX contacts_by_seen ON contacts (organization_id, seen_at, id) WHERE deleted_at IS NULL;
CREATE INDEX contacts_never_seen ON contacts (organization_id, seen_at, id)
    WHERE deleted_at IS NULL AND last_seen_at IS NULL;
CREATE INDEX contacts_by_sort_name ON contacts (organization_id, sort_name, id) WHERE deleted_at IS NULL;
CREATE INDEX contacts_by_updated ON contacts (organization_id, updated_at, id) WHERE deleted_at IS NULL;
DROP INDEX contacts_by_last_seen, contacts_by_name, contact_emails_by_email, contact_phones_by_phone, identities_by_source_id;
CREATE INDEX identities_of_source_id ON identities (organization_id, source_id);
CREATE TABLE segments (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid        NOT NULL,
    name            text        NOT NULL CHECK (name <> ''),
    filter          jsonb       NOT NULL,
    sort            text        NOT NULL DEFAULT 'lastSeen',
    columns         text[],     -- NULL: the usual ones
    owner_id        uuid,       -- the member who made it; NULL: an API key did
    is_shared       boolean     NOT NULL DEFAULT false,
    version         integer     NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE TABLE bulk_edits (
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id              uuid        NOT NULL,
    selection       jsonb       NOT NULL,
    change          jsonb       NOT NULL,
    state           text        NOT NULL CHECK (state IN ('running', 'done', 'failed', 'undoing', 'undone')),
    total_count     integer     NOT NULL,
    done_count      integer     NOT NULL DEFAULT 0,
    actor_kind      text        NOT NULL,
    actor_id        uuid        NOT NULL,
    actor_name      text        NOT NULL DEFAULT '',
    undoer_kind     text,       -- NULL: nobody undid it
    undoer_id       uuid,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE TABLE bulk_edit_rows (
    organization_id uuid     NOT NULL,
    bulk_edit_id    uuid     NOT NULL,
    contact_id      uuid     NOT NULL,
    outcome         text,    -- changed, unchanged, or the slug of why not; NULL: not done yet
    undo_outcome    text,    -- undone, changed-since, or the slug of why not; NULL: not undone
    old_values      jsonb    NOT NULL DEFAULT '{}',
    PRIMARY KEY (organization_id, bulk_edit_id, contact_id),
    FOREIGN KEY (organization_id, bulk_edit_id) REFERENCES bulk_edits (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX bulk_edit_rows_waiting ON bulk_edit_rows (organization_id, bulk_edit_id, contact_id) WHERE outcome IS NULL;
CREATE INDEX bulk_edit_rows_undoable ON bulk_edit_rows (organization_id, bulk_edit_id, contact_id)
    WHERE outcome = 'changed' AND undo_outcome IS NULL;
CREATE INDEX bulk_edit_rows_of_contact ON bulk_edit_rows (organization_id, contact_id);
"""

# Row-level security is forced, so that not even the owner reads the rows of all organizations: one after the other.
FILL = """
DO $$
DECLARE organization uuid;
BEGIN
    FOR organization IN SELECT DISTINCT organization_id FROM directory UNION SELECT organization_id FROM memberships LOOP
        PERFORM set_config('app.organization_id', organization::text, true);
        UPDATE contacts c SET
            search_ids = coalesce((SELECT string_agg(' ' || search_form(source_id), '' ORDER BY i.id) FROM identities i
                                    WHERE i.organization_id = c.organization_id AND i.contact_id = c.id), ''),
            search_personal = coalesce((SELECT string_agg(' ' || search_form(address), '' ORDER BY kind, position)
                                          FROM (SELECT 1 AS kind, position, email AS address FROM contact_emails e
                                                 WHERE e.organization_id = c.organization_id AND e.contact_id = c.id
                                                 UNION ALL
                                                SELECT 2, position, phone FROM contact_phones p
                                                 WHERE p.organization_id = c.organization_id AND p.contact_id = c.id
                                               ) AS addresses), '');
    END LOOP;
END $$;
"""

PERSONAL = {
    "segments": "no",
    "bulk_edits": "no",
    "bulk_edit_rows": "old values blanked, undo leaves the contact out",
}


def upgrade() -> None:
    op.execute(SQL)
    for table, personal in PERSONAL.items():
        protect(table, personal=personal)
    op.execute(FILL)
