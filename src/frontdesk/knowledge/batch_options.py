"""What is said about a batch, parsed once and kept as JSON: how labels are treated, and what an edit changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from frontdesk.core.errors import InvalidRequest
from frontdesk.core.inputs import check_json
from frontdesk.knowledge.batch_model import LabelChange, MetadataChange, Wish
from frontdesk.knowledge.document_actions import MAX_METADATA_BYTES
from frontdesk.knowledge.model import LabelWish

MAX_LABELS: Final = 100

_KEYS: Final = frozenset({"unknownLabels", "labels", "metadata", "delete"})


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """`makes_labels`: labels that a file names and that there are not are made; else they are told as remarks."""

    makes_labels: bool = False
    labels: LabelChange | None = None
    metadata: MetadataChange | None = None
    deletes: bool = False

    def to_wish(self) -> Wish:
        """Return what is wanted of every document of an edit."""
        return Wish(0, labels=self.labels, metadata=self.metadata, deletes=self.deletes)


def parse_options(raw: Mapping[str, Any]) -> BatchOptions:
    """Return the options. Raises InvalidRequest, which points into `/options`."""
    for key in raw:
        if key not in _KEYS:
            raise InvalidRequest("There is no such option.", pointer=f"/options/{key}")
    unknown = raw.get("unknownLabels", "ignore")
    if unknown not in ("create", "ignore"):
        raise InvalidRequest("Unknown labels are created or ignored.", pointer="/options/unknownLabels")
    deletes = raw.get("delete", False)
    if not isinstance(deletes, bool):
        raise InvalidRequest("This is true or false.", pointer="/options/delete")
    return BatchOptions(unknown == "create", _parse_labels(raw), _parse_metadata(raw), deletes)


def _parse_labels(raw: Mapping[str, Any]) -> LabelChange | None:
    said = raw.get("labels")
    if said is None:
        return None
    if not isinstance(said, Mapping) or said.get("how") not in ("set", "add", "remove"):
        raise InvalidRequest("Labels are set, added or removed.", pointer="/options/labels/how")
    given = said.get("labels")
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given) or len(given) > MAX_LABELS:
        raise InvalidRequest("Name labels by id or by name.", pointer="/options/labels/labels")
    return LabelChange(said["how"], tuple(LabelWish.parse(one) for one in given))


def _parse_metadata(raw: Mapping[str, Any]) -> MetadataChange | None:
    said = raw.get("metadata")
    if said is None:
        return None
    if not isinstance(said, Mapping) or said.get("how") not in ("set", "merge", "remove"):
        raise InvalidRequest("Metadata is set, merged or removed.", pointer="/options/metadata/how")
    values = said.get("values")
    if not isinstance(values, Mapping):
        raise InvalidRequest("Values are a JSON object; of `remove`, its keys.", pointer="/options/metadata/values")
    check_json(values, pointer="/options/metadata/values", max_bytes=MAX_METADATA_BYTES)
    return MetadataChange(said["how"], values)
