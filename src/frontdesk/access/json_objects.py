"""Strict reading of the JSON objects in query metadata: both spellings of a key, misspelt keys, pointers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from frontdesk.access.errors import InvalidQueryMetadata

QUERY_KEYS: Final = frozenset({"knowledge_bases", "label_relations"})
BASE_KEYS: Final = frozenset(
    {"knowledge_base_id", "chatbot_file_ids", "faq_ids", "has_user_selected_all", "faq_mode", "label_relations"}
)
RELATION_KEYS: Final = frozenset({"operator", "conditions", "applies_to"})
CONDITION_KEYS: Final = RELATION_KEYS | {"label_id"}

_TYPO_DISTANCE = 2


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word.capitalize() for word in rest)


_SPELLINGS: Final = {
    spelling: key for key in QUERY_KEYS | BASE_KEYS | CONDITION_KEYS for spelling in (key, _camel(key))
}


@dataclass(frozen=True, slots=True)
class Placed:
    """A JSON value and where it stood (a JSON pointer, in the spelling that was sent)."""

    value: object
    pointer: str


@dataclass(frozen=True, slots=True)
class JsonObject:
    """The known keys of a JSON object under their snake_case names, null among them."""

    fields: Mapping[str, Placed]
    is_foreign: bool  # it has keys, and none of them is known
    pointer: str

    def get(self, key: str) -> Placed | None:
        """Return the value of `key`; None when it is absent or null, which mean the same."""
        placed = self.fields.get(key)
        return None if placed is None or placed.value is None else placed

    def require(self, key: str) -> Placed:
        """Return the value of `key`; raises InvalidQueryMetadata when it is absent or null."""
        placed = self.get(key)
        if placed is None:
            raise InvalidQueryMetadata(f'"{key}" is required here.', pointer=self.pointer)
        return placed


def read_object(raw: Placed, keys: frozenset[str]) -> JsonObject:
    """Read `raw` as an object that may have `keys` in either spelling; other keys are left out.

    Raises InvalidQueryMetadata for anything but an object, for a key that is almost one of `keys` or that belongs
    elsewhere in query metadata (ignoring it could open what it meant to close), and for two spellings that disagree.
    """
    if not isinstance(raw.value, dict):
        raise InvalidQueryMetadata("An object is expected here.", pointer=raw.pointer)
    fields: dict[str, Placed] = {}
    for spelling, value in raw.value.items():
        key = _recognise(spelling, keys, raw.pointer)
        if key is None:
            continue
        placed = Placed(value, f"{raw.pointer}/{spelling}")
        if key in fields and not _is_equal(fields[key].value, value):
            raise InvalidQueryMetadata(f'"{key}" is given in two spellings that differ.', pointer=placed.pointer)
        fields[key] = placed
    return JsonObject(fields, is_foreign=bool(raw.value) and not fields, pointer=raw.pointer)


def read_list(raw: Placed) -> list[Placed]:
    """Return the items of a JSON list; raises InvalidQueryMetadata for anything else."""
    if not isinstance(raw.value, list):
        raise InvalidQueryMetadata("A list is expected here.", pointer=raw.pointer)
    return [Placed(item, f"{raw.pointer}/{index}") for index, item in enumerate(raw.value)]


def _recognise(spelling: object, keys: frozenset[str], pointer: str) -> str | None:
    """Return the known key behind `spelling`; None for a foreign one."""
    if not isinstance(spelling, str):
        raise InvalidQueryMetadata("Keys are strings.", pointer=pointer)
    key = _SPELLINGS.get(spelling)
    if key in keys:
        return key
    place = f"{pointer}/{spelling.replace('~', '~0').replace('/', '~1')}"
    if key is not None:
        raise InvalidQueryMetadata(f'"{key}" does not belong here.', pointer=place)
    for known in sorted(keys):
        if _is_near(_fold(spelling), _fold(known)):
            raise InvalidQueryMetadata(f'Unknown key; "{known}" is probably meant.', pointer=place)
    return None


def _fold(key: str) -> str:
    """Drop what separates spellings (case, underscores, hyphens), so that no difference in these hides a typo."""
    return "".join(letter for letter in key.casefold() if letter.isalnum())


def _is_near(one: str, other: str) -> bool:
    """Say whether at most two letters must be inserted, dropped or exchanged to turn `one` into `other`."""
    if abs(len(one) - len(other)) > _TYPO_DISTANCE:
        return False
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, start=1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(other, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right))
    return row[-1] <= _TYPO_DISTANCE


def _is_equal(one: object, other: object) -> bool:
    try:
        return one == other
    except RecursionError:  # nested so deeply that nobody means it
        return False
