"""From a row of a file to what is wanted of a document. Needs no database."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from frontdesk.core.cells import split_list, to_text, unescape_formula
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import DocumentId
from frontdesk.core.inputs import check_json, clean_text
from frontdesk.core.sheets import Fault, SourceRow
from frontdesk.knowledge.batch_model import BatchKind, LabelChange, MetadataChange, Wish
from frontdesk.knowledge.document_actions import MAX_METADATA_BYTES
from frontdesk.knowledge.model import LabelWish
from frontdesk.knowledge.writing import MAX_ANSWER, MAX_QUESTION

IGNORE: Final = "ignore"
TARGETS: Final = {
    BatchKind.FAQS: ("id", "question", "answer", "labels", "metadata", IGNORE),
    BatchKind.LABELS: ("id", "labels", "metadata", IGNORE),
}

_ESCAPED_IN: Final = frozenset({"csv", "xlsx"})  # the formats whose export escapes formulas
_MAX_LABELS: Final = 100
_WORDS: Final = {
    "id": "id faqid documentid 編號 编号",
    "question": "question questions q title 問題 问题 題目 题目 提問 提问 標題 标题",
    "answer": "answer answers a reply content 答案 回答 回覆 回复 解答 內容 内容",
    "labels": "labels label tags tag category categories 標籤 标签 分類 分类 類別 类别",
    "metadata": "metadata rawuserdefinemetadata 中繼資料 元数据 元資料",
}
_TARGET_OF: Final = {word: target for target, words in _WORDS.items() for word in words.split()}


class _Broken(Exception):
    def __init__(self, code: str, field: str | None, detail: str) -> None:
        super().__init__(detail)
        self.fault = Fault(code, field, detail)


def propose_mapping(kind: BatchKind, columns: Sequence[str]) -> dict[str, str]:
    """Guess from its name, in English or Chinese, what each column says; the first of a kind counts."""
    taken: set[str] = set()
    mapping = {}
    for column in columns:
        folded = unicodedata.normalize("NFKC", column).casefold()
        target = _TARGET_OF.get("".join(letter for letter in folded if letter.isalnum()), IGNORE)
        if target in taken or target not in TARGETS[kind]:
            target = IGNORE
        taken.add(target)
        mapping[column] = target
    return mapping


def check_mapping(kind: BatchKind, columns: Sequence[str], raw: Mapping[str, str]) -> dict[str, str]:
    """Return what every column says; those that `raw` does not name are ignored. Raises InvalidRequest."""
    for column, target in raw.items():
        if column not in columns:
            raise InvalidRequest("The file has no such column.", pointer="/mapping")
        if target not in TARGETS[kind]:
            raise InvalidRequest("There is no such target.", pointer="/mapping")
    said = [target for target in raw.values() if target != IGNORE]
    if len(set(said)) != len(said):
        raise InvalidRequest("Two columns cannot both say the same.", pointer="/mapping")
    return {column: raw.get(column, IGNORE) for column in columns}


def needs_columns(kind: BatchKind, mapping: Mapping[str, str]) -> str | None:
    """Return what no column says although every row must; None when all is there."""
    wanted = {"id"} if kind is BatchKind.LABELS else set() if "id" in mapping.values() else {"question", "answer"}
    return next(iter(sorted(wanted - set(mapping.values()))), None)


class SheetParser:
    """Reads the rows of one file. A cell that is empty says nothing, but in a label sheet: no labels."""

    def __init__(self, kind: BatchKind, mapping: Mapping[str, str], columns: Sequence[str], file_format: str) -> None:
        self._kind = kind
        self._unescapes = file_format in _ESCAPED_IN
        self._at = {mapping[column]: index for index, column in enumerate(columns) if mapping[column] != IGNORE}

    def parse(self, row: SourceRow) -> Wish | Fault:
        """Return what the row wants, or why that cannot be done."""
        if row.fault is not None:
            return row.fault
        try:
            document_id = self._read_id(row)
            wish = Wish(
                number=row.number,
                document_id=document_id,
                question=self._read_text(row, "question", MAX_QUESTION),
                answer=self._read_text(row, "answer", MAX_ANSWER),
                labels=self._read_labels(row),
                metadata=self._read_metadata(row),
            )
        except _Broken as broken:
            return broken.fault
        if document_id is None:
            if self._kind is BatchKind.LABELS:
                return Fault("empty", "id", "The row names no document.")
            for field in ("question", "answer"):
                if getattr(wish, field) is None:
                    return Fault("empty", field, f"The {field} is empty.")
        return wish

    def _cell(self, row: SourceRow, target: str) -> Any:  # noqa: ANN401 -- a cell
        cell = row.cells[self._at[target]] if target in self._at else None
        return unescape_formula(cell) if self._unescapes and isinstance(cell, str) else cell

    def _read_id(self, row: SourceRow) -> DocumentId | None:
        text = to_text(self._cell(row, "id")).strip()
        try:
            return DocumentId(UUID(text)) if text else None
        except ValueError as error:
            raise _Broken("invalid-id", "id", "An id is a UUID; leave it empty for a new FAQ.") from error

    def _read_text(self, row: SourceRow, target: str, max_length: int) -> str | None:
        try:
            text = clean_text(to_text(self._cell(row, target)), pointer=target, max_length=max_length)
        except InvalidRequest as error:
            code = "too-long" if len(to_text(self._cell(row, target)).strip()) > max_length else "invalid-value"
            raise _Broken(code, target, error.detail) from error
        return text or None

    def _read_labels(self, row: SourceRow) -> LabelChange | None:
        cell = self._cell(row, "labels")
        if "labels" not in self._at or (cell in (None, "", []) and self._kind is BatchKind.FAQS):
            return None
        try:
            given = cell if isinstance(cell, list) else split_list(to_text(cell), also=",，、；\n")
        except ValueError as error:
            raise _Broken("invalid-value", "labels", "A quotation mark in this list is not closed.") from error
        names = list(dict.fromkeys(name for one in given if (name := to_text(one).strip())))
        if len(names) > _MAX_LABELS:
            raise _Broken("too-long", "labels", f"More than {_MAX_LABELS} labels.")
        return LabelChange("set", tuple(LabelWish(None, name) for name in names))

    def _read_metadata(self, row: SourceRow) -> MetadataChange | None:
        cell = self._cell(row, "metadata")
        if cell is None or cell == "":
            return None
        try:
            value = json.loads(cell) if isinstance(cell, str) else cell
            if not isinstance(value, dict):
                raise _Broken("invalid-value", "metadata", "Metadata is a JSON object.")
            check_json(value, pointer="metadata", max_bytes=MAX_METADATA_BYTES)
        except InvalidRequest as error:
            raise _Broken("invalid-value", "metadata", error.detail) from error
        except (ValueError, RecursionError) as error:
            raise _Broken("invalid-value", "metadata", "This is not JSON.") from error
        return MetadataChange("set", value)
