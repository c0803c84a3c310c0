"""Bodies of the API about imports and exports."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias
from uuid import UUID

from pydantic import Field

from frontdesk.core.wire import PageOf, Time, WireModel
from frontdesk.lifecycle.export_queries import Export
from frontdesk.lifecycle.import_model import Import
from frontdesk.lifecycle.import_queries import ImportRow

FormatName: TypeAlias = Literal["csv", "xlsx", "ndjson", "vcard"]
OutcomeName: TypeAlias = Literal["created", "updated", "merged", "unchanged", "conflict", "error"]


class ColumnUseBody(WireModel):
    """What a column says; `realm` for source ids of another realm than the members'."""

    column: str
    target: str = "ignore"
    realm: UUID | None = None

    def to_raw(self) -> dict[str, Any]:
        """Return what `parse_mapping` reads."""
        realm = {} if self.realm is None else {"realm": str(self.realm)}
        return {"column": self.column, "target": self.target, **realm}


class OptionsBody(WireModel):
    """How a file is read, and what is let through."""

    encoding: str | None = Field(None, description="Such as big5; found out unless it is said.")
    delimiter: str | None = Field(None, description="Found out unless it is said.")
    separator: str = Field(";", description="Between the entries of a list in one cell.")
    allow_erased: bool = Field(default=False, description="Let people come back who were erased.")

    def to_raw(self) -> dict[str, Any]:
        """Return what `parse_options` reads."""
        raw = {
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "separator": self.separator,
            "allowErased": self.allow_erased,
        }
        return {key: value for key, value in raw.items() if value is not None}


class CreateImportBody(WireModel):
    """A file that was uploaded for this; without a mapping columns are recognized by their names."""

    file: str
    format: FormatName | None = None
    mapping: Sequence[ColumnUseBody] | None = None
    options: OptionsBody | None = None


class ChangeImportBody(WireModel):
    """What the columns mean, or what is let through; absent keys stay as they are."""

    mapping: Sequence[ColumnUseBody] | None = None
    options: OptionsBody | None = None


class ImportBody(WireModel):
    """An import. `counts` are those of the check or run that was last, and add up to `doneCount`."""

    id: UUID
    filename: str
    format: FormatName
    size: int
    columns: Sequence[str]
    samples: Sequence[Sequence[str]]
    mapping: Sequence[ColumnUseBody]
    options: OptionsBody
    state: Literal["uploaded", "checking", "checked", "running", "done", "failed", "cancelled", "undoing", "undone"]
    total_count: int | None
    done_count: int
    counts: dict[str, int]
    checked: dict[str, int] | None
    undone: dict[str, int]
    failure: str | None
    started_by: str
    created_at: Time
    updated_at: Time
    finished_at: Time | None


class ImportPage(PageOf):
    """One page of imports."""

    results: Sequence[ImportBody]


class ImportRowBody(WireModel):
    """What became of a row. A `code` of a row that was imported is a remark."""

    row: int
    outcome: OutcomeName
    code: str | None
    field: str | None
    detail: str | None
    contact: UUID | None


class ImportRowPage(WireModel):
    """Rows in the order of the file; ask for the next ones with `after`, the last row of these."""

    results: Sequence[ImportRowBody]
    after: int | None


class CreateExportBody(WireModel):
    """What to export: `{"ids": […]}` or `{"filters": {…}}`. Without columns: all that the caller may see."""

    selection: dict[str, Any]
    format: FormatName = "csv"
    columns: Sequence[str] | None = Field(None, max_length=500)


class ExportBody(WireModel):
    """An export; it is its maker's alone."""

    id: UUID
    format: FormatName
    columns: Sequence[str]
    state: Literal["running", "done", "failed", "gone"]
    row_count: int
    failure: str | None
    created_at: Time
    updated_at: Time
    expires_at: Time
    downloaded_at: Time | None


class ExportPage(PageOf):
    """One page of exports."""

    results: Sequence[ExportBody]


class LinkBody(WireModel):
    """Where the file is downloaded, once, within the seconds, by whoever asked for the link."""

    url: str
    expires_in: int


def render_import(one: Import) -> ImportBody:
    """Return the body of an import."""
    options = one.options
    return ImportBody(
        id=one.id,
        filename=one.filename,
        format=one.format,
        size=one.size_bytes,
        columns=one.columns,
        samples=one.samples,
        mapping=[ColumnUseBody.model_validate(use) for use in one.mapping],
        options=OptionsBody.model_validate(options),
        state=one.state.value,
        total_count=one.total_count,
        done_count=one.done_count,
        counts=one.counts,
        checked=one.checked,
        undone=one.undone,
        failure=one.failure,
        started_by=one.actor_name,
        created_at=one.created_at,
        updated_at=one.updated_at,
        finished_at=one.finished_at,
    )


def render_row(row: ImportRow) -> ImportRowBody:
    """Return the body of a row."""
    return ImportRowBody(
        row=row.row_number,
        outcome=row.outcome.value,
        code=row.code,
        field=row.field,
        detail=row.detail,
        contact=row.contact_id,
    )


def render_export(one: Export) -> ExportBody:
    """Return the body of an export."""
    return ExportBody(
        id=one.id,
        format=one.format,
        columns=one.columns,
        state=one.state,
        row_count=one.row_count,
        failure=one.failure,
        created_at=one.created_at,
        updated_at=one.updated_at,
        expires_at=one.expires_at,
        downloaded_at=one.downloaded_at,
    )
