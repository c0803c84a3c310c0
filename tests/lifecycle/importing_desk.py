"""A desk at which contacts are imported: files in, and what became of their rows."""

import io
from dataclasses import dataclass
from typing import IO

from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.core.uploads import (
    describe_upload_file,
    issue_upload,
    record_upload,
    store_upload_file,
)
from frontdesk.lifecycle import importing
from frontdesk.lifecycle.import_handlers import on_export_started, on_import_started
from frontdesk.lifecycle.import_model import Import, Outcome
from frontdesk.lifecycle.import_queries import ImportRow, list_rows
from frontdesk.lifecycle.importing import NewImport
from frontdesk.organizations.model import Caller


@dataclass(frozen=True)
class Desk:
    """Imports on behalf of `caller`; what a worker would do is done at once."""

    services: Services
    organization: OrganizationId
    caller: Caller

    async def upload(self, content: bytes | IO[bytes], filename: str = "contacts.csv") -> str:
        async with self.services.db.begin(self.organization) as tx:
            form = await issue_upload(
                tx, caller=self.caller.reference, purpose="contact-import", filename=filename, max_bytes=10**9
            )
        file = io.BytesIO(content) if isinstance(content, bytes) else content
        stored = describe_upload_file(form, file)
        await store_upload_file(self.services.files, form.key, file)
        async with self.services.db.begin(self.organization) as tx:
            await record_upload(tx, stored)
        return form.key

    async def bring(self, content: bytes | IO[bytes], filename: str = "contacts.csv", **wanted: object) -> Import:
        key = await self.upload(content, filename)
        return await importing.create_import(self.services, self.caller, NewImport(key, **wanted))

    async def check(self, one: Import) -> Import:
        async with self.services.db.begin(self.organization) as tx:
            await importing.start_check(tx, self.caller, one.id)
        return await self.work(one)

    async def run(self, one: Import) -> Import:
        async with self.services.db.begin(self.organization) as tx:
            await importing.start_run(tx, self.caller, one.id)
        return await self.work(one)

    async def undo(self, one: Import) -> Import:
        async with self.services.db.begin(self.organization) as tx:
            await importing.start_undo(tx, self.caller, one.id)
        return await self.work(one)

    async def work(self, one: Import) -> Import:
        await on_import_started(self.services, self.organization, one.id)
        return await self.look(one)

    async def look(self, one: Import) -> Import:
        async with self.services.db.begin(self.organization) as tx:
            return await importing.access_import(tx, self.caller, one.id)

    async def rows(self, one: Import, *, is_dry: bool = False) -> list[ImportRow]:
        async with self.services.db.begin(self.organization) as tx:
            return await list_rows(tx, one.id, is_dry=is_dry, outcomes=list(Outcome), after=0, limit=10_000)


async def work_for(services: Services, organization: OrganizationId) -> None:
    """Do at once what the worker would do for the imports and exports that wait."""
    async with services.db.begin(organization) as tx:
        imports = await tx.fetch(
            "SELECT id FROM imports WHERE organization_id = %(o)s AND state IN ('checking', 'running', 'undoing')",
            {"o": organization},
        )
        exports = await tx.fetch(
            "SELECT id FROM exports WHERE organization_id = %(o)s AND state = 'running'", {"o": organization}
        )
    for (import_id,) in imports:
        await on_import_started(services, organization, import_id)
    for (export_id,) in exports:
        await on_export_started(services, organization, export_id)


async def checksum(desk: Desk) -> dict[str, str]:
    """A checksum of each table of the card file, without version and updated_at."""
    sums = {}
    async with desk.services.db.begin(desk.organization) as tx:
        for table, order in CARD_FILE.items():
            row = "to_jsonb(t) - '{version,updated_at}'::text[]"
            sql = f"""
                SELECT md5(coalesce(string_agg(({row})::text, ',' ORDER BY {order}), ''))
                  FROM {table} t WHERE organization_id = %(organization)s
            """
            sums[table] = await tx.fetch_value(sql, {"organization": desk.organization})
    return sums


CARD_FILE = {
    "contacts": "id",
    "contact_emails": "contact_id, position",
    "contact_phones": "contact_id, position",
    "contact_fields": "contact_id, field",
    "contact_inboxes": "contact_id, inbox_id",
    "identities": "id",
    "labelled_contacts": "contact_id, label_id",
    "profile_assignments": "contact_id, profile_id",
    "attribute_values": "definition_id, value_key",
    "attribute_definitions": "id",
    "contact_labels": "id",
}
