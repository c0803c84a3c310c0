"""What the product promises about access, read naively from the JSON: a second opinion that shares no code with ours.

Slow and plain on purpose: it asks each rule of each document. It knows the product's tables, not the product's modules.
"""

from collections.abc import Mapping
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


def oracle_allows(raw: Any, document: WorldDocument, layer: str, *, vendor_faq_reading: bool = False) -> bool | None:
    """Say whether the query metadata of one layer opens `document`; None when the layer is absent."""
    if raw is None:
        return None
    said = _plain(raw)
    if said and "knowledge_bases" not in said and "label_relations" not in said:
        return None
    bases, outer = said.get("knowledge_bases") or [], said.get("label_relations")
    if layer in {"message", "page"} and not bases and not outer:
        return None
    own = [base for base in map(_plain, bases) if base["knowledge_base_id"].lower() == document.base]
    return document.state == "done" and any(_opens(base, outer, document, vendor_faq_reading) for base in own)


def oracle_reads(situation: Situation, document: WorldDocument) -> bool:
    """Say whether the message of `situation` may draw on `document`."""
    narrowing = [
        (situation.inbox, "inbox"),
        (situation.claim, "message"),
        (situation.message, "message"),
        (situation.page, "page"),
    ]
    return (
        document.state == "done"
        and document.base in situation.bases
        and all(oracle_allows(raw, document, layer) is not False for raw, layer in narrowing)
        and _person_reads(situation, document)
    )


def _person_reads(situation: Situation, document: WorldDocument) -> bool:
    proven = situation.assurance >= 2
    visitor = bool(oracle_allows(situation.visitor_scope, document, "visitor_scope"))
    member = bool(oracle_allows(situation.member_scope, document, "member_scope"))
    profiles = situation.profiles + (situation.claimed_profiles if situation.assurance == 3 else ())
    by_profile = any(
        oracle_allows(raw, document, "profile") for raw, minimum in profiles if situation.assurance >= minimum
    )
    own = oracle_allows(situation.contact, document, "contact")
    if own is None and not profiles:
        return member if proven else visitor
    if own is None:
        mine = by_profile
    elif situation.profiles_mode == "add" and not _is_closed(situation.contact):
        mine = own or by_profile
    else:
        mine = own
    return mine and (visitor or proven or not situation.has_identity)


def _opens(base: Mapping[str, Any], outer: Any, document: WorldDocument, vendor_faq_reading: bool) -> bool:
    labels = base.get("label_relations") or outer
    everything = _is_true(base.get("has_user_selected_all"))
    files, faqs, mode = base.get("chatbot_file_ids"), base.get("faq_ids"), base.get("faq_mode")
    if document.kind == "file":
        listed = everything or _lists(files, document) or (not files and labels is not None)
        return listed and (labels is None or _fits(_plain(labels), document))
    if mode is not None:
        open_faq = mode == "all" or (mode == "listed" and _lists(faqs, document))
    elif everything or faqs is None or (faqs == [] and vendor_faq_reading):
        open_faq = True
    else:
        open_faq = _lists(faqs, document)
    narrowed = labels is not None and _plain(labels).get("applies_to") == "all"
    return open_faq and (not narrowed or _fits(_plain(labels), document))


def _fits(condition: Mapping[str, Any], document: WorldDocument) -> bool:
    if "label_id" in condition:
        return condition["label_id"].lower() in document.labels
    fits = [_fits(_plain(one), document) for one in condition["conditions"]]
    return bool(fits) and (all(fits) if condition["operator"] == "AND" else any(fits))


def _lists(ids: Any, document: WorldDocument) -> bool:
    return document.id in [one.lower() for one in ids or []]


def _is_true(value: Any) -> bool:
    return (value.lower() if isinstance(value, str) else value) in TRUE


def _is_closed(raw: Any) -> bool:
    """True when no document whatever could be opened by `raw`: tried with one that has every label named in it."""
    labels = frozenset(_named_labels(raw))
    for base in map(_plain, _plain(raw).get("knowledge_bases") or []):
        ids = ["any", *(base.get("chatbot_file_ids") or []), *(base.get("faq_ids") or [])]
        wishes = [
            WorldDocument(one.lower(), base["knowledge_base_id"].lower(), kind, labels)
            for one in ids
            for kind in ("file", "faq")
        ]
        if any(oracle_allows(raw, wish, "contact") for wish in wishes):
            return False
    return True


def _named_labels(value: Any) -> list[str]:
    if isinstance(value, list):
        return [label for one in value for label in _named_labels(one)]
    if not isinstance(value, dict):
        return []
    here = [value[key].lower() for key in ("label_id", "labelId") if key in value]
    return here + [label for one in value.values() for label in _named_labels(one)]


def _plain(value: Mapping[str, Any]) -> Mapping[str, Any]:
    if IN_PLAIN.keys().isdisjoint(value):
        return value
    return {IN_PLAIN.get(key, key): inner for key, inner in value.items()}
