"""What the SQL of a scope looks like: parameters only, few of them, and no larger than what was written."""

from typing import Any
from uuid import UUID

import pytest

from frontdesk.access.model import All, Document, Kind, KnowledgeBase, Label, Layer, Nothing, all_of, any_of
from frontdesk.access.parse import parse_query_metadata
from frontdesk.access.sql import compile_predicate
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId

IDS = [UUID(int=number) for number in range(1, 101)]


def test_ids_travel_as_parameters():
    """No id ever stands in the statement."""
    scope = all_of(
        KnowledgeBase(KnowledgeBaseId(IDS[0])),
        Kind("file"),
        any_of(Document(DocumentId(IDS[1])), Label(LabelId(IDS[2]))),
    )
    sql, params = compile_predicate(scope, prefix="person")
    assert sql == (
        "(d.state = 'done' AND (d.knowledge_base_id = ANY(%(person_0)s::uuid[]) AND d.kind = 'file' AND "
        "(d.id = ANY(%(person_1)s::uuid[]) OR EXISTS (SELECT 1 FROM document_labels dl WHERE dl.organization_id = "
        "d.organization_id AND dl.document_id = d.id AND dl.label_id = ANY(%(person_2)s::uuid[])))))"
    )
    assert params == {"person_0": [IDS[0]], "person_1": [IDS[1]], "person_2": [IDS[2]]}


def test_alternatives_of_one_sort_are_one_question():
    """A hundred listed documents are one parameter, and so are a hundred labels or bases."""
    scopes = (
        [Document(DocumentId(one)) for one in IDS],
        [Label(LabelId(one)) for one in IDS],
        [KnowledgeBase(KnowledgeBaseId(one)) for one in IDS],
    )
    for parts in scopes:
        sql, params = compile_predicate(any_of(*parts))
        assert sql.count("ANY") == 1
        assert params == {"scope_0": IDS}


def test_a_base_that_is_open_whole_is_one_question():
    """Its files and its FAQs together are the base: there is no third kind."""
    raw = {"knowledge_bases": [{"knowledge_base_id": str(IDS[0]), "has_user_selected_all": True}]}
    assert parse_query_metadata(raw, layer=Layer.INBOX).scope == KnowledgeBase(KnowledgeBaseId(IDS[0]))


def test_all_and_nothing_are_constants():
    """Even All asks for documents that are done."""
    assert compile_predicate(All()) == ("(d.state = 'done' AND TRUE)", {})
    assert compile_predicate(Nothing()) == ("(d.state = 'done' AND FALSE)", {})


def test_a_prefix_that_is_not_a_name_is_a_mistake_of_the_programmer():
    """It becomes part of the statement."""
    with pytest.raises(ValueError, match="p; DROP"):
        compile_predicate(All(), prefix="p; DROP")


def test_the_statement_grows_with_what_was_written():
    """An outer relation over many bases is stated once: a page cannot send a small body that becomes a huge statement."""

    def size(bases: int, labels: int) -> int:
        raw: dict[str, Any] = {
            "knowledge_bases": [{"knowledge_base_id": str(one)} for one in IDS[:bases]],
            "label_relations": {"operator": "AND", "conditions": [{"label_id": str(one)} for one in IDS[:labels]]},
        }
        scope = parse_query_metadata(raw, layer=Layer.PAGE).scope
        assert scope is not None
        return len(compile_predicate(scope)[0])

    assert size(100, 100) < 1.1 * (size(100, 1) + size(1, 100))
