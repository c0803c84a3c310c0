"""access: rules that give access profiles, and who has a profile by which rule.

What a rule gives stands in a table of its own, beside what somebody gave: a contact may have one profile both ways, and
what the rule gave goes with the rule.
Safe: only new tables. Undo: drop them.
"""

from alembic import op

from frontdesk.migrations.schema import protect

revision = "0013"
down_revision = "0012"

SQL = """
CREATE TABLE profile_rules (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    profile_id      uuid        NOT NULL,
    filter          jsonb       NOT NULL,
    version         integer     NOT NULL DEFAULT 1,
    made_by         text        NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    is_settled      boolean     NOT NULL,             -- false: contacts after `checked_to` are still to be looked at
    checked_to      uuid,                             -- NULL: from the first contact on
    checked_count   bigint      NOT NULL DEFAULT 0,
    total_count     bigint      NOT NULL DEFAULT 0,   -- of contacts, when it was last written
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, profile_id, id),
    FOREIGN KEY (organization_id, profile_id) REFERENCES access_profiles (organization_id, id)
);
CREATE TABLE rule_assignments (
    organization_id uuid        NOT NULL,
    contact_id      uuid        NOT NULL,
    rule_id         uuid        NOT NULL,
    profile_id      uuid        NOT NULL,
    assigned_at     timestamptz NOT NULL,
    PRIMARY KEY (organization_id, contact_id, rule_id),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, profile_id, rule_id)
        REFERENCES profile_rules (organization_id, profile_id, id) ON DELETE CASCADE
);
CREATE INDEX rule_assignments_of_profile ON rule_assignments (organization_id, profile_id, rule_id, contact_id);
"""

PERSONAL = {"profile_rules": "no", "rule_assignments": "deleted"}


def upgrade() -> None:
    """Make the tables."""
    op.execute(SQL)
    for table, personal in PERSONAL.items():
        protect(table, personal=personal)
