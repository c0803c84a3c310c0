"""`frontdesk import` and `frontdesk export`."""

import pytest
from tests.conftest import new_organization

from frontdesk.core.errors import NotFound
from frontdesk.core.ids import new_id
from frontdesk.lifecycle.import_errors import ImportUnreadable
from frontdesk.transferring import export_file, find_by_name, import_file, write_errors


async def test_contacts_come_in_and_out_of_files(services, db, tmp_path):
    """By the name of the organization; a dry run writes nothing; what is not imported stands in the file of errors."""
    name = f"Shop {new_id().hex[-8:]}"
    organization = await new_organization(db, name)
    assert await find_by_name(services, name) == await find_by_name(services, str(organization)) == organization
    path, errors, out, told = tmp_path / "in.csv", tmp_path / "errors.csv", tmp_path / "out.csv", []
    path.write_text("name,member no\nAnn,M-1\nBob,0\n")
    checked = await import_file(services, organization, path, is_dry=True, tell=told.append)
    assert (checked.counts, await export_file(services, organization, out)) == ({"created": 1, "error": 1}, 0)
    assert told == ["name → name", "member no → sourceId", "checked: 2 rows", "  created: 1", "  error: 1"]
    done = await import_file(services, organization, path, is_dry=False, tell=told.append)
    await write_errors(services, organization, done, errors)
    assert errors.read_text(encoding="utf-8-sig").splitlines()[1].startswith("3,invalid-source-id,sourceId,")
    assert await export_file(services, organization, out) == 1
    assert ",Ann," in out.read_text(encoding="utf-8-sig")


async def test_what_is_missing_is_said(services, organization, tmp_path):
    """An unknown organization and an unreadable file are one sentence each."""
    with pytest.raises(NotFound):
        await find_by_name(services, f"Nobody {new_id()}")
    (tmp_path / "in.xlsx").write_bytes(b"PK no workbook")
    with pytest.raises(ImportUnreadable):
        await import_file(services, organization, tmp_path / "in.xlsx", is_dry=False, tell=print)
