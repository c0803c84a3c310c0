"""What a save is told to look up and to say. Each warning's case is a row in `test_rows.py`."""

from uuid import UUID

from frontdesk.access.model import Layer
from frontdesk.access.parse import parse_query_metadata
from frontdesk.access.warnings import AccessWarning, Known, References, check_references, find_references
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId

BASE, OTHER_BASE = KnowledgeBaseId(UUID(int=1)), KnowledgeBaseId(UUID(int=2))
FILE, FAQ = DocumentId(UUID(int=3)), DocumentId(UUID(int=4))
OUTER, OWN, INNER = (LabelId(UUID(int=number)) for number in (5, 6, 7))


def nested(*conditions: object) -> dict[str, object]:
    return {"operator": "OR", "conditions": [*conditions]}


RAW = {
    "knowledge_bases": [
        {"knowledge_base_id": str(BASE), "chatbot_file_ids": [str(FILE)], "faq_ids": [str(FAQ)]},
        {
            "knowledge_base_id": str(OTHER_BASE),
            "label_relations": nested({"label_id": str(OWN)}, nested({"label_id": str(INNER)})),
        },
    ],
    "label_relations": nested({"label_id": str(OUTER)}),
}


def test_references_are_every_id_that_is_named():
    """Nested labels too, so that one look at the database is enough."""
    query = parse_query_metadata(RAW, layer=Layer.CONTACT).query
    assert query is not None
    assert find_references(query) == References(
        frozenset({BASE, OTHER_BASE}), frozenset({FILE, FAQ}), frozenset({OUTER, OWN, INNER})
    )


def test_query_metadata_about_what_exists_is_not_remarked():
    """No warning without a reason."""
    known = Known(
        {BASE, OTHER_BASE},
        {FILE: (BASE, "file"), FAQ: (BASE, "faq")},
        {OUTER: BASE, OWN: OTHER_BASE, INNER: OTHER_BASE},
        None,
    )
    parsed = parse_query_metadata(RAW, layer=Layer.CONTACT)
    assert parsed.query is not None
    assert (*parsed.warnings, *check_references(parsed.query, known)) == ()


def test_a_warning_names_the_ids_for_programs():
    """The screen can point at the label that closes the other base."""
    known = Known(
        {BASE, OTHER_BASE},
        {FILE: (BASE, "file"), FAQ: (BASE, "faq")},
        {OUTER: OTHER_BASE, OWN: OTHER_BASE, INNER: OTHER_BASE},
        None,
    )
    query = parse_query_metadata(RAW, layer=Layer.CONTACT).query
    assert query is not None
    assert check_references(query, known) == (
        AccessWarning(
            "label-of-another-base",
            "/knowledge_bases/0",
            "These labels belong to another knowledge base, so they close what they narrow in this one.",
            {"knowledge_base_id": str(BASE), "label_ids": [str(OUTER)]},
        ),
    )
