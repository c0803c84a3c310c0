"""Alembic's entry: one connection as the owner, a transaction for each revision, lock and statement timeouts."""

import psycopg
from alembic import context
from sqlalchemy import create_engine, pool, text

config = context.config
engine = create_engine(
    "postgresql+psycopg://",
    poolclass=pool.NullPool,
    creator=lambda: psycopg.connect(config.attributes["conninfo"]),
)
with engine.connect() as connection:
    connection.execute(text("SET lock_timeout = '4s'; SET statement_timeout = '10min'"))
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
