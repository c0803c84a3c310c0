"""Why a document can be read, or not: the layer that decides, and in it the clause of the query metadata.

Whether it can be read is what the effective scope says, which an answer uses, too. This module only finds the words:
it goes through what was written, clause by clause, and names what opened the document or what closed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from frontdesk.access.clauses import BaseClause, LabelCondition, LabelRelation, Listed, QueryMetadata
from frontdesk.access.layers import EffectiveScope, Step, StepName
from frontdesk.access.model import Assurance, DocumentFacts, Scope, permits
from frontdesk.core.ids import DocumentId, LabelId, ProfileId

Reason: TypeAlias = Literal[
    # what opens
    "base-attached",  # the assistant has the knowledge base
    "not-restricted",  # the layer says nothing and so takes nothing away
    "whole-base",  # all of the base is ticked
    "file-listed",
    "faq-listed",
    "all-faqs",  # the base's FAQs are open as a whole
    "labels-met",  # it is open, and has the labels that are asked for
    # what closes
    "base-not-attached",
    "nothing-set",  # the layer says nothing, and so opens nothing
    "unreadable",  # what is stored cannot be read, which opens nothing
    "base-not-listed",
    "file-not-listed",
    "no-files",  # the base is listed without any file
    "faq-not-listed",
    "no-faqs",
    "labels-not-met",
    "no-conditions",  # a relation without conditions matches nothing
    "assurance-too-low",  # the session is not proven enough for the profile
]
OPENING: frozenset[Reason] = frozenset(
    ["base-attached", "not-restricted", "whole-base", "file-listed", "faq-listed", "all-faqs", "labels-met"]
)


@dataclass(frozen=True, slots=True)
class Written:
    """Query metadata of one layer as it is stored: what was understood of it, and what it means."""

    query: QueryMetadata | None
    scope: Scope | None  # None: the layer is absent
    is_broken: bool = False  # it could not be read


@dataclass(frozen=True, slots=True)
class WrittenProfile:
    """A profile in somebody's hands."""

    id: ProfileId
    name: str
    written: Written
    minimum_assurance: Assurance


@dataclass(frozen=True, slots=True)
class WrittenLayers:
    """What stands in each layer of one message."""

    inbox: Written
    visitor_scope: Written
    member_scope: Written
    contact: Written
    profiles: tuple[WrittenProfile, ...]  # assigned, and claimed by a proof that may claim
    assurance: Assurance
    claim: Written = Written(None, None)
    message: Written = Written(None, None)
    page: Written = Written(None, None)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one piece of query metadata says of a document.

    `pointer` is where (RFC 6901, from the root of that query metadata). Of `labels-not-met`, `labels` are those whose
    absence closes it: all of them are missing, and with `needs_all` every one is needed, else one would do.
    """

    reason: Reason
    pointer: str = ""
    labels: tuple[LabelId, ...] = ()
    needs_all: bool = True
    profile: WrittenProfile | None = None  # whose query metadata it is; None: the layer's own

    @property
    def is_open(self) -> bool:
        """True when it opens the document."""
        return self.reason in OPENING


@dataclass(frozen=True, slots=True)
class StepFinding:
    """What one step of the narrowing path says: open when one of its findings is, as within a step they are united."""

    name: StepName
    is_open: bool
    findings: tuple[Finding, ...]

    @property
    def decisive(self) -> Finding:
        """The finding that says most: what opened it, else the one that came closest to opening it."""
        return max(self.findings, key=lambda one: (one.is_open, one.reason != "base-not-listed", len(one.pointer)))


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether a document can be read, and who decided. `decided_by` is None when the document itself is not ready."""

    is_readable: bool
    is_ready: bool  # ingested; nothing else is ever read
    steps: tuple[StepFinding, ...]

    @property
    def decided_by(self) -> StepFinding | None:
        """The first step that closes it; of a readable one, the step of the person, who is the one that opens."""
        if self.is_ready and not self.is_readable:
            return next(step for step in self.steps if not step.is_open)
        return self.person if self.is_readable else None

    @property
    def person(self) -> StepFinding:
        """The step that says what this person may read."""
        return next(step for step in reversed(self.steps) if step.name in _PERSON)

    @property
    def is_unproven(self) -> bool:
        """True when a card with an access of its own reads no more than a visitor, as the session proves nobody."""
        return {"visitor_scope", self.person.name} <= {step.name for step in self.steps} and (
            self.person.name != "visitor_scope"
        )


_PERSON: frozenset[StepName] = frozenset(
    ["contact", "profiles", "contact_and_profiles", "visitor_scope", "member_scope"]
)


def explain(document: DocumentFacts, effective: EffectiveScope, written: WrittenLayers) -> Explanation:
    """Say whether `effective` opens `document`, and why. `written` is what the steps of `effective` were made from."""
    ready = replace(document, is_done=True)
    steps = tuple(
        StepFinding(step.name, permits(step.scope, ready), _explain_step(step, ready, written))
        for step in effective.steps
    )
    return Explanation(permits(effective.scope, document), document.is_done, steps)


def explain_written(written: Written, document: DocumentFacts, *, absent: Reason) -> Finding:
    """Say what one piece of query metadata means for a document; `absent` is what it means when it is not there."""
    if written.is_broken:
        return Finding("unreadable")
    if written.query is None:
        return Finding(absent)
    return _best(_explain_clauses(written.query, document))


def _explain_step(step: Step, document: DocumentFacts, written: WrittenLayers) -> tuple[Finding, ...]:
    if step.name == "assistant":
        return (Finding("base-attached" if permits(step.scope, document) else "base-not-attached"),)
    if step.name == "profiles":
        return _explain_profiles(document, written) or (Finding("nothing-set"),)
    if step.name == "contact_and_profiles":
        own = explain_written(written.contact, document, absent="nothing-set")
        return (own, *_explain_profiles(document, written))
    layers: dict[StepName, tuple[Written, Reason]] = {
        "inbox": (written.inbox, "not-restricted"),
        "contact": (written.contact, "nothing-set"),
        "visitor_scope": (written.visitor_scope, "nothing-set"),
        "member_scope": (written.member_scope, "nothing-set"),
        "claim": (written.claim, "not-restricted"),
        "message": (written.message, "not-restricted"),
        "page": (written.page, "not-restricted"),
    }
    layer, absent = layers[step.name]
    return (explain_written(layer, document, absent=absent),)


def _explain_profiles(document: DocumentFacts, written: WrittenLayers) -> tuple[Finding, ...]:
    return tuple(
        replace(
            explain_written(profile.written, document, absent="nothing-set")
            if written.assurance >= profile.minimum_assurance
            else Finding("assurance-too-low"),
            profile=profile,
        )
        for profile in written.profiles
    )


# --- clauses ---


def _explain_clauses(query: QueryMetadata, document: DocumentFacts) -> Sequence[Finding]:
    own = [clause for clause in query.clauses if clause.base == document.knowledge_base_id]
    if not own:
        return [Finding("base-not-listed", _list_pointer(query))]
    return [_explain_clause(clause, query.relation_for(clause), document) for clause in own]


def _explain_clause(clause: BaseClause, relation: LabelRelation | None, document: DocumentFacts) -> Finding:
    finding = _explain_file(clause, relation, document) if document.kind == "file" else _explain_faq(clause, document)
    narrows = relation is not None and (document.kind == "file" or relation.applies_to == "all")
    if not finding.is_open or relation is None or not narrows:
        return finding
    return _explain_labels(relation, document.labels) or Finding("labels-met", relation.pointer)


def _explain_file(clause: BaseClause, relation: LabelRelation | None, document: DocumentFacts) -> Finding:
    if clause.selects_all:
        return Finding("whole-base", clause.pointer)
    if clause.files and clause.files.ids:
        is_listed, pointer = _look_up(clause.files, document.id, clause)
        return Finding("file-listed" if is_listed else "file-not-listed", pointer)
    if relation is not None:
        return Finding("labels-met", relation.pointer)
    return Finding("no-files", clause.pointer)


def _explain_faq(clause: BaseClause, document: DocumentFacts) -> Finding:
    match clause.faq_mode:
        case "all":
            return Finding("all-faqs", clause.pointer)
        case "none":
            return Finding("no-faqs", clause.pointer)
        case "listed":
            is_listed, pointer = _look_up(clause.faqs, document.id, clause)
            return Finding("faq-listed" if is_listed else "faq-not-listed", pointer)


def _look_up(listed: Listed[DocumentId] | None, one: DocumentId, clause: BaseClause) -> tuple[bool, str]:
    """Return whether the id is listed, and where: the id itself, else the list, else the clause without one."""
    if listed is None:
        return False, clause.pointer
    if one in listed.ids:
        return True, f"{listed.pointer}/{listed.ids.index(one)}"
    return False, listed.pointer


def _explain_labels(relation: LabelRelation, labels: frozenset[LabelId]) -> Finding | None:
    """Return what of `relation` is not met; None when it is met."""
    if _is_met(relation, labels):
        return None
    if not relation.conditions:
        return Finding("no-conditions", relation.pointer)
    unmet = [condition for condition in relation.conditions if not _is_met(condition, labels)]
    nested = unmet[0]
    if len(unmet) == 1 and isinstance(nested, LabelRelation):
        return _explain_labels(nested, labels)
    missing = dict.fromkeys(label for condition in unmet for label in _missing(condition, labels))
    return Finding("labels-not-met", relation.pointer, tuple(missing), relation.operator == "AND")


def _is_met(condition: LabelCondition | LabelRelation, labels: frozenset[LabelId]) -> bool:
    if isinstance(condition, LabelCondition):
        return condition.label in labels
    if not condition.conditions:
        return False
    join = all if condition.operator == "AND" else any
    return join(_is_met(part, labels) for part in condition.conditions)


def _missing(condition: LabelCondition | LabelRelation, labels: frozenset[LabelId]) -> Sequence[LabelId]:
    if isinstance(condition, LabelCondition):
        return [] if condition.label in labels else [condition.label]
    return [label for part in condition.conditions for label in _missing(part, labels)]


def _best(findings: Sequence[Finding]) -> Finding:
    """Of several clauses about one base the first that opens, else the first."""
    return next((one for one in findings if one.is_open), findings[0])


def _list_pointer(query: QueryMetadata) -> str:
    """Return where the bases are listed, in the spelling that was sent; the root when none is."""
    return query.clauses[0].pointer.rpartition("/")[0] if query.clauses else ""
