"""The database schema, as hand-written SQL in Alembic revisions. `schema.py` holds what every table repeats."""
