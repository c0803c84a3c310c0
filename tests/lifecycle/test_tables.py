"""No table that names a contact is forgotten by a merge, or by an erasure."""

import psycopg
import pytest

from frontdesk.core.db import Addresses
from frontdesk.lifecycle.tables import TABLES

_NAMING = """
    SELECT c.table_name, c.column_name FROM information_schema.columns c
     WHERE c.table_schema = 'public'
       AND (c.column_name = 'contact_id' OR c.column_name LIKE '%\\_contact\\_id' OR c.column_name = 'survivor_id')
     UNION
    SELECT k.conrelid::regclass::text, a.attname FROM pg_constraint k
      JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[2]
     WHERE k.contype = 'f' AND k.confrelid = 'contacts'::regclass
"""
_TOLD_BY_ANOTHER = {
    ("contacts", "id"),
    ("messages", "sender_id"),
}  # the card itself; the sender is told by `sender_kind`


@pytest.fixture
def named(addresses: Addresses) -> set[tuple[str, str]]:
    """The columns of the schema that name a contact."""
    with psycopg.connect(addresses.owner, autocommit=True) as connection:
        return {(table, column) for table, column in connection.execute(_NAMING).fetchall()} | _TOLD_BY_ANOTHER


def test_every_table_that_names_a_contact_is_decided_upon(named):
    """A new table fails here until somebody says what a merge and an erasure do with it."""
    assert {(table.name, column) for table in TABLES for column in table.columns} == named


def test_each_table_is_decided_upon_once_and_with_a_reason():
    """The registry has no second opinion."""
    assert len({table.name for table in TABLES}) == len(TABLES)
    assert all(table.why.endswith(".") for table in TABLES)
