"""What the product promises about access, read naively from the JSON: a second opinion that shares no code with ours.

Slow and plain on purpose: it asks each rule of each document. It knows the product's tables, not the product's modules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

TRUE = (True, 1, "true", "1")
IN_PLAIN = {
    "knowledgeBases": "knowledge_bases",
    "labelRelations": "label_relations",
    "knowledgeBaseId": "knowledge_base_id",
    "chatbotFileIds": "chatbot_file_ids",
    "faqIds": "faq_ids",
    "hasUserSelectedAll": "has_user_selected_all",
    "faqMode": "faq_mode",
    "appliesTo": "applies_to",
    "labelId": "label_id",
}


@dataclass(frozen=True)
class WorldDocument:
    """One document of the little world; ids are strings, as in the JSON."""

    id: str
    base: str
    kind: str  # "file" or "faq"
    labels: frozenset[str]
    state: str = "done"


@dataclass(frozen=True)
class Situation:
    """Everything that bears on one message, each layer as the JSON that somebody wrote."""

    bases: frozenset[str]  # of the assistant
    inbox: Any = None
    visitor_scope: Any = None
    member_scope: Any = None
    contact: Any = None
    profiles: tuple[tuple[Any, int], ...] = ()  # query metadata and minimum assurance
    profiles_mode: str = "replace"
    has_identity: bool = False
    assurance: int = 0  # 0 anonymous, 1 claimed, 2 channel, 3 signed
    claimed_profiles: tuple[tuple[Any, int], ...] = ()
    claim: Any = None
    message: Any = None
    page: Any = None


Verdict = Callable[[WorldDocument], bool]


def oracle_allows(raw: Any, document: WorldDocument, layer: str, *, vendor_faq_reading: bool = False) -> bool | None:
    """Say whether the query metadata of one layer opens `document`; None when the layer is absent."""
    verdict = oracle_of_layer(raw, layer, vendor_faq_reading=vendor_faq_reading)
    return None if verdict is None else verdict(document)


def oracle_reads(situation: Situation, document: WorldDocument) -> bool:
    """Say whether the message of `situation` may draw on `document`."""
    return oracle_of(situation)(document)


def oracle_of_layer(raw: Any, layer: str, *, vendor_faq_reading: bool = False) -> Verdict | None:
    """Return what `oracle_allows` says, to be asked about many documents."""
    if raw is None:
        return None
    said = _plain(raw)
    if said and "knowledge_bases" not in said and "label_relations" not in said:
        return None
    bases, outer = said.get("knowledge_bases") or [], said.get("label_relations")
    if layer in {"message", "page"} and not bases and not outer:
        return None

    def allows(document: WorldDocument) -> bool:
        return document.state == "done" and any(
            base["knowledge_base_id"] == document.base and _opens(base, outer, document, vendor_faq_reading)
            for base in bases
        )

    return allows


def oracle_of(situation: Situation) -> Verdict:
    """Return what `oracle_reads` says, to be asked about many documents."""
    narrowing = [
        oracle_of_layer(situation.inbox, "inbox"),
        oracle_of_layer(situation.claim, "message"),
        oracle_of_layer(situation.message, "message"),
        oracle_of_layer(situation.page, "page"),
    ]
    person = _person(situation)

    def reads(document: WorldDocument) -> bool:
        return (
            document.state == "done"
            and document.base in situation.bases
            and all(allows is None or allows(document) for allows in narrowing)
            and person(document)
        )

    return reads


def _person(situation: Situation) -> Verdict:
    proven = situation.assurance >= 2
    visitor = oracle_of_layer(situation.visitor_scope, "visitor_scope") or _closed
    member = oracle_of_layer(situation.member_scope, "member_scope") or _closed
    held = situation.profiles + (situation.claimed_profiles if situation.assurance == 3 else ())
    usable = [oracle_of_layer(raw, "profile") or _closed for raw, minimum in held if situation.assurance >= minimum]
    own = oracle_of_layer(situation.contact, "contact")
    adds = situation.profiles_mode == "add" and own is not None and not _is_closed(situation.contact)

    def reads(document: WorldDocument) -> bool:
        if own is None and not held:
            return member(document) if proven else visitor(document)
        by_profile = (own is None or adds) and any(allows(document) for allows in usable)
        mine = by_profile or (own is not None and own(document))
        return mine and (proven or not situation.has_identity or visitor(document))

    return reads


def _closed(_: WorldDocument) -> bool:
    return False


def _opens(base: Mapping[str, Any], outer: Any, document: WorldDocument, vendor_faq_reading: bool) -> bool:
    labels = base.get("label_relations") or outer
    everything = _is_true(base.get("has_user_selected_all"))
    files, faqs, mode = base.get("chatbot_file_ids"), base.get("faq_ids"), base.get("faq_mode")
    if document.kind == "file":
        listed = everything or _lists(files, document) or (not files and labels is not None)
        return listed and (labels is None or _fits(labels, document))
    if mode is not None:
        open_faq = mode == "all" or (mode == "listed" and _lists(faqs, document))
    elif everything or faqs is None or (faqs == [] and vendor_faq_reading):
        open_faq = True
    else:
        open_faq = _lists(faqs, document)
    narrowed = labels is not None and labels.get("applies_to") == "all"
    return open_faq and (not narrowed or _fits(labels, document))


def _fits(condition: Mapping[str, Any], document: WorldDocument) -> bool:
    if "label_id" in condition:
        return condition["label_id"] in document.labels
    fits = [_fits(one, document) for one in condition["conditions"]]
    return bool(fits) and (all(fits) if condition["operator"] == "AND" else any(fits))


def _lists(ids: Any, document: WorldDocument) -> bool:
    return document.id in (ids or [])


def _is_true(value: Any) -> bool:
    return (value.lower() if isinstance(value, str) else value) in TRUE


def _is_closed(raw: Any) -> bool:
    """True when no document whatever could be opened by `raw`: tried with ones that have every label named in it."""
    allows = oracle_of_layer(raw, "contact") or _closed
    labels = frozenset(_named_labels(_plain(raw)))
    for base in _plain(raw).get("knowledge_bases") or []:
        ids = ["any", *(base.get("chatbot_file_ids") or []), *(base.get("faq_ids") or [])]
        home = base["knowledge_base_id"]
        if any(allows(WorldDocument(one, home, kind, labels)) for one in ids for kind in ("file", "faq")):
            return False
    return True


def _named_labels(value: Any) -> list[str]:
    if isinstance(value, list):
        return [label for one in value for label in _named_labels(one)]
    if not isinstance(value, dict):
        return []
    here = [value["label_id"]] if "label_id" in value else []
    return here + [label for one in value.values() for label in _named_labels(one)]


def _plain(value: Any, key: str = "") -> Any:
    """Write keys in one spelling, and ids in small letters."""
    if isinstance(value, dict):
        return {IN_PLAIN.get(k, k): _plain(inner, IN_PLAIN.get(k, k)) for k, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, key) for inner in value]
    return value.lower() if isinstance(value, str) and key.endswith(("_id", "_ids")) else value
