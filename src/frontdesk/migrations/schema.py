"""What every table of the schema repeats: who may use it, and how erasing a person treats it."""

from alembic import op


def protect(table: str, *, personal: str, key: str = "organization_id") -> None:
    """Let only the own organization see rows of `table`, and declare how erase treats it.

    Row-level security is forced, so that not even the owner reads across organizations. `personal` is read by the
    test that compares the schema with the erase step.
    """
    mine = f"{key} = nullif(current_setting('app.organization_id', true), '')::uuid"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organization ON {table} USING ({mine})")
    share(table, personal=personal)


def share(table: str, *, personal: str) -> None:
    """Open `table` to the app and to maintenance; for tables read before an organization is known."""
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO frontdesk_app, frontdesk_maintenance")
    op.execute(f"COMMENT ON TABLE {table} IS 'personal: {personal}'")
