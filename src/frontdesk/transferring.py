"""`frontdesk import` and `frontdesk export`: contacts in and out of files, on the operator's own machine."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID

from frontdesk.core.errors import NotFound
from frontdesk.core.ids import OrganizationId, new_id
from frontdesk.core.services import Services
from frontdesk.core.sheets import UnreadableFile
from frontdesk.core.text import utc_now
from frontdesk.core.uploads import UploadForm, describe_upload_file, store_upload_file
from frontdesk.identities.selecting import Selection
from frontdesk.lifecycle import exporting, importing
from frontdesk.lifecycle.import_error_file import stream_errors
from frontdesk.lifecycle.import_errors import ImportUnreadable
from frontdesk.lifecycle.import_formats import ImportFormat
from frontdesk.lifecycle.import_model import Import, ImportState
from frontdesk.lifecycle.import_running import Work, work_through
from frontdesk.lifecycle.importing import NewImport
from frontdesk.organizations.model import system_caller
from frontdesk.organizations.queries.organizations import find_organization, list_organization_ids

EXTENSIONS: Final[Mapping[str, ImportFormat]] = {
    "xlsx": "xlsx",
    "ndjson": "ndjson",
    "jsonl": "ndjson",
    "vcf": "vcard",
}


async def find_by_name(services: Services, wanted: str) -> OrganizationId:
    """Return the organization with this id or name. Raises NotFound."""
    async with services.db.begin_bootstrap() as tx:
        ids = await list_organization_ids(tx)
    with suppress(ValueError):
        if OrganizationId(UUID(wanted)) in ids:
            return OrganizationId(UUID(wanted))
    found = []
    for organization_id in ids:
        async with services.db.begin(organization_id) as tx:
            organization = await find_organization(tx)
            if organization is not None and organization.name == wanted:
                found.append(organization_id)
    if len(found) != 1:
        raise NotFound("There is no organization with this id, or not exactly one of this name.")
    return found[0]


async def import_file(
    services: Services, organization_id: OrganizationId, path: Path, *, is_dry: bool, tell: Callable[[str], object]
) -> Import:
    """Check a file, and import it unless `is_dry`; return how it went. `tell` is given lines for people.

    Raises ImportUnreadable.
    """
    caller, key = system_caller(organization_id), f"{organization_id}/imports/{new_id()}"
    form = UploadForm(organization_id, key, "contact-import", path.name, 0, utc_now())
    with path.open("rb") as file:
        stored = await asyncio.to_thread(describe_upload_file, form, file)
        await store_upload_file(services.files, key, file)
    try:
        one = await importing.begin_import(services, caller, stored, NewImport(key))
    except UnreadableFile as error:
        await services.files.delete(key)
        raise ImportUnreadable(str(error)) from error
    for use in one.mapping:
        tell(f"{use['column']} → {use['target']}")
    async with services.db.begin(organization_id) as tx:
        await (importing.start_check if is_dry else importing.start_run)(tx, caller, one.id)
    await work_through(Work(services, organization_id, one.id, ImportState.CHECKING if is_dry else ImportState.RUNNING))
    async with services.db.begin(organization_id) as tx:
        done = await importing.access_import(tx, caller, one.id)
    tell(f"{done.state}: {done.done_count} rows")
    for outcome, count in sorted(done.counts.items()):
        tell(f"  {outcome}: {count}")
    return done


async def write_errors(services: Services, organization_id: OrganizationId, done: Import, path: Path) -> None:
    """Write the rows that were not imported into a file."""
    with path.open("wb") as file:
        async for piece in stream_errors(services, organization_id, done, is_dry=importing.shows_check(done)):
            file.write(piece)


async def export_file(services: Services, organization_id: OrganizationId, path: Path) -> int:
    """Write all contacts into a file, in the format that its name says (else CSV); return how many.

    Raises NotFound when it could not be written.
    """
    caller = system_caller(organization_id)
    file_format = EXTENSIONS.get(path.suffix.removeprefix(".").lower(), "csv")
    async with services.db.begin(organization_id) as tx:
        one = await exporting.start_export(tx, caller, Selection(), file_format)
    await exporting.write_export(services, organization_id, one.id)
    async with services.db.begin(organization_id) as tx:
        done = await exporting.access_export(tx, caller, one.id)
    if done.file_key is None:
        raise NotFound(done.failure or "")
    with path.open("wb") as file:
        async for piece in services.files.stream(done.file_key):
            file.write(piece)
    return done.row_count
