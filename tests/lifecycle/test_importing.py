"""Importing contacts: what becomes of each row, counts that add up, and nothing half-written."""

import pytest
from tests.lifecycle.importing_desk import Desk

from frontdesk.lifecycle.import_model import ImportState, Outcome


@pytest.fixture
def desk(services, organization, owner) -> Desk:
    return Desk(services, organization, owner)


def outcomes(rows):
    return [(row.row_number, row.outcome, row.code) for row in rows]


async def test_a_dry_run_says_of_every_row_what_the_run_then_does(desk):
    """The same code decides, so the same becomes of each row; the counts add up to the rows of the file."""
    content = "姓名,E-mail,會員編號\n張偉,zhang@shop.tw,M-1\n,,M-2\nNo Mail,not-an-address,M-3\n張偉,,M-1\n王小明,,\n"
    one = await desk.bring(content.encode())
    assert [use["target"] for use in one.mapping] == ["name", "emails", "sourceId"]
    checked = await desk.check(one)
    assert checked.state is ImportState.CHECKED
    assert checked.checked == {"created": 3, "merged": 1, "error": 1}
    dry = await desk.rows(one, is_dry=True)
    done = await desk.run(one)
    assert (done.state, done.failure) == (ImportState.DONE, None)
    assert done.counts == checked.checked and done.total_count == done.done_count == 5
    rows = await desk.rows(one)
    assert outcomes(rows) == outcomes(dry)
    assert outcomes(rows)[2] == (4, Outcome.ERROR, "invalid-value")
