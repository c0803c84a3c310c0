"""Filters of contacts as conditions on `contacts c`. Every value is a parameter; only words of this module are SQL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from frontdesk.access.queries import HELD
from frontdesk.contacts import label_queries
from frontdesk.contacts.condition_sql import Parameters, compile_attribute, values_of
from frontdesk.contacts.filters import Condition, FieldKind, Group, Op, is_day, read_moment
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, ContactLabelId, InboxId
from frontdesk.identities import filter_queries as queries
from frontdesk.identities.queries import resolve_contact_id

_COLUMNS: Final[Mapping[str, str]] = {"name": "c.name", "language": "coalesce(c.language, '')"}
_TIMES: Final[Mapping[str, str]] = {"created": "c.created_at", "updated": "c.updated_at", "last_seen": "c.last_seen_at"}
# Where the values of a field are, as `v.<column>`; and the column of `c` in which the index looks first.
_TABLES: Final[Mapping[str, tuple[str, str, str]]] = {
    "source_id": ("identities", "source_id", "c.search_ids"),
    "email": ("contact_emails", "email", "c.search_personal"),
    "phone": ("contact_phones", "phone", "c.search_personal"),
}
_IDS: Final[Mapping[str, tuple[str, str]]] = {
    "inbox": ("contact_inboxes", "inbox_id"),
    "profile": (HELD, "profile_id"),
    "label": ("labelled_contacts", "label_id"),
}
PERSONAL_FIELDS: Final = frozenset({"email", "phone"})
_TRIGRAM: Final = 3
_NATIONAL: Final = 7  # digits from which on a leading zero is that of a national number


@dataclass(frozen=True, slots=True)
class Compiler:
    """What a filter means to one caller now."""

    params: Parameters
    now: datetime
    personal: Sequence[InboxId] | None  # inboxes in which e-mails and phones may be seen; None: in all
    found: "Found"

    def compile(self, group: Group) -> str:
        """Return the condition on `contacts c`; it is never NULL."""
        if not group.conditions:
            return "true" if group.operator == "and" else "false"
        parts = [
            self.compile(one) if isinstance(one, Group) else _compile_condition(self, one) for one in group.conditions
        ]
        return "(" + f" {group.operator.upper()} ".join(parts) + ")"

    def only_personal(self, sql: str) -> str:
        """Return `sql` for the contacts whose e-mails and phones may be seen, and false for all others."""
        if self.personal is None:
            return sql
        own = _exists("contact_inboxes", f"v.inbox_id = ANY({self.params.add(list(self.personal))}::uuid[])")
        return f"({sql} AND {own})"


@dataclass(frozen=True, slots=True)
class Found:
    """What must be looked up before a filter is compiled."""

    labels: Mapping[str, Sequence[ContactLabelId]]  # by what the filter calls them: an id, or a name
    labelled: Mapping[str, list[ContactId]]  # by a word that is searched for: contacts with a label named so
    large_labels: Mapping[str, list[ContactLabelId]]  # labels named so that too many contacts have to list them
    contact_ids: Mapping[str, ContactId]  # searched texts that are ids, and whom they name today


def is_personal(group: Group) -> bool:
    """Tell whether a filter says something of e-mails or phones."""
    return any(one.field in PERSONAL_FIELDS for one in group.walk())


async def look_up(tx: Tx, group: Group) -> Found:
    """Find what the filter names: labels by id or name, contacts by id, also the id of one that was merged away."""
    texts = [one.value for one in group.walk() if one.kind is FieldKind.SEARCH]
    ids = {text: parsed for text in texts if (parsed := _read_id(text)) is not None}
    contact_ids = {text: await resolve_contact_id(tx, ContactId(one)) for text, one in ids.items()}
    said = {text for one in group.walk() if one.kind is FieldKind.LABEL for text in values_of(one)}
    labels = await label_queries.find_labels_called(tx, said) if said else {}
    words = {word for text in texts for word in text.split() if not is_short(word)}
    with_labels = await queries.find_labels_with(tx, words) if words else {}
    labelled: dict[str, list[ContactId]] = {}
    for word, named in with_labels.items():
        if (contacts := await queries.find_labelled(tx, named)) is not None:
            labelled[word] = contacts
    large = {word: named for word, named in with_labels.items() if word not in labelled}
    return Found(labels, labelled, large, contact_ids)


def pattern(params: Parameters, text: str) -> str:
    """Return SQL for the text as it stands in the searched columns, safe within LIKE."""
    return f"search_pattern({params.add(text)}::text)"


def _compile_condition(compiler: Compiler, one: Condition) -> str:
    sql = _COMPILED[one.kind](compiler, one)
    return compiler.only_personal(sql) if one.field in PERSONAL_FIELDS else sql


def _compile_search(compiler: Compiler, one: Condition) -> str:
    return search(compiler, one.value)


def _compile_kind(_: Compiler, one: Condition) -> str:
    return f"c.search_ids {'<>' if (one.value == 'known') is (one.op is Op.EQUALS) else '='} ''"


def _compile_flag(_: Compiler, one: Condition) -> str:
    return f"c.blocked_at IS {'NOT ' if one.value is (one.op is Op.EQUALS) else ''}NULL"


def _compile_text(compiler: Compiler, one: Condition) -> str:
    return _compile_listed(compiler, one) if one.field in _TABLES else _compile_column(compiler, one)


# --- search ---


def search(compiler: Compiler, text: str) -> str:
    """Return the condition that each word of `text` is in name, attributes, source ids, or e-mails and phones."""
    found = [" AND ".join(_search_word(compiler, word) for word in text.split()) or "true"]
    digits = _digits(text)
    if digits.startswith("0") and len(digits) >= _NATIONAL:
        digits = digits.lstrip("0")  # as people write it in their own country
    if digits and digits != text:
        found.append(compiler.only_personal(f"c.search_personal LIKE {_anywhere(compiler, digits)}"))
    if text in compiler.found.contact_ids:
        found.append(f"c.id = {compiler.params.add(compiler.found.contact_ids[text])}")
    return f"({' OR '.join(found)})"


def _search_word(compiler: Compiler, word: str) -> str:
    wanted = _word(compiler, word) if is_short(word) else _anywhere(compiler, word)
    personal = compiler.only_personal(f"c.search_personal LIKE {wanted}")
    found = [f"c.search LIKE {wanted}", f"c.search_ids LIKE {wanted}", personal]
    if labelled := compiler.found.labelled.get(word):
        found.append(f"c.id = ANY({compiler.params.add(labelled)}::uuid[])")
    if labels := compiler.found.large_labels.get(word):
        found.append(_exists("labelled_contacts", f"v.label_id = ANY({compiler.params.add(labels)}::uuid[])"))
    return f"({' OR '.join(found)})"


def is_short(word: str) -> bool:
    """Tell whether a word is too short for the index: it is then looked for where words begin.

    A single character of Chinese, Japanese or Korean is long enough, and what has no letter or digit begins no word.
    """
    letters = [letter for letter in word if letter.isalnum()]
    return bool(letters) and len(word) < _TRIGRAM and all(letter < "\u3040" for letter in letters)


# --- plain fields ---


def _compile_column(compiler: Compiler, one: Condition) -> str:
    column = _COLUMNS[one.field]
    if one.op in {Op.IS_SET, Op.IS_NOT_SET}:
        return f"{column} {'<>' if one.op is Op.IS_SET else '='} ''"
    if one.op in {Op.CONTAINS, Op.STARTS_WITH}:
        like = _like(compiler, one, column)
        begins = one.op is Op.STARTS_WITH
        return f"({_within(compiler, one, 'c.search', begins=begins)} AND {like})" if one.field == "name" else like
    values = f"ANY({compiler.params.add(values_of(one))}::text[])"
    return f"NOT ({column} = {values})" if one.op is Op.NOT_EQUALS else f"{column} = {values}"


def _compile_listed(compiler: Compiler, one: Condition) -> str:
    table, column, searched = _TABLES[one.field]
    if one.op in {Op.IS_SET, Op.IS_NOT_SET}:
        return _exists(table, "true", negated=one.op is Op.IS_NOT_SET)
    if one.op in {Op.CONTAINS, Op.STARTS_WITH}:
        found = _exists(table, _like(compiler, one, f"v.{column}"))
        return f"({_within(compiler, one, searched, begins=one.op is Op.STARTS_WITH)} AND {found})"
    values: Sequence[str]
    if one.field == "email":
        values, column = [text.lower() for text in values_of(one)], "email_key"
    elif one.field == "phone":
        values = [_digits(text) or text for text in values_of(one)]
    else:
        values = values_of(one)
    equal = f"v.{column} = ANY({compiler.params.add(values)}::text[])"
    return _exists(table, equal, negated=one.op is Op.NOT_EQUALS)


def _compile_ids(compiler: Compiler, one: Condition) -> str:
    table, column = _IDS[one.field]
    if one.op in {Op.IS_SET, Op.IS_NOT_SET}:
        return _exists(table, "true", negated=one.op is Op.IS_NOT_SET)
    if one.field == "label":
        ids: list[UUID] = [label for text in values_of(one) for label in compiler.found.labels[text]]
    else:
        ids = [UUID(text) for text in values_of(one)]
    return _exists(table, f"v.{column} = ANY({compiler.params.add(ids)}::uuid[])", negated=one.op is Op.NOT_EQUALS)


def _compile_time(compiler: Compiler, one: Condition) -> str:
    column = _TIMES[one.field]
    if one.op in {Op.IS_SET, Op.IS_NOT_SET}:
        return f"{column} IS {'NOT ' if one.op is Op.IS_SET else ''}NULL"
    if one.op in {Op.OLDER_THAN, Op.WITHIN}:
        moment, sign = compiler.now - timedelta(days=one.value), "<" if one.op is Op.OLDER_THAN else ">="
    else:
        moment, sign = read_moment(one.value), "<" if one.op is Op.BEFORE else ">"
        if is_day(one.value) and one.op is Op.AFTER:
            moment, sign = moment + timedelta(days=1), ">="
    compared = f"{sign} {compiler.params.add(moment)}::timestamptz"
    if one.field != "last_seen":
        return f"{column} {compared}"
    return f"(c.seen_at {compared} AND c.last_seen_at IS NOT NULL)"  # seen_at is the same, and indexed


# --- attributes ---


def _compile_attribute(compiler: Compiler, one: Condition) -> str:
    value = f"(c.attributes -> {compiler.params.add(one.key)}::text)"
    if one.op in {Op.CONTAINS, Op.STARTS_WITH}:
        return _compile_attribute_text(compiler, one, value)
    return compile_attribute(compiler.params, one, value, now=compiler.now)


def _compile_attribute_text(compiler: Compiler, one: Condition, value: str) -> str:
    elements = f"jsonb_array_elements_text(CASE WHEN jsonb_typeof({value}) = 'array' THEN {value} ELSE '[]' END)"
    like = f"""
        CASE WHEN jsonb_typeof({value}) = 'string' THEN {_like(compiler, one, f"{value} #>> '{{}}'")}
             ELSE EXISTS (SELECT 1 FROM {elements} AS element WHERE {_like(compiler, one, "element")}) END
    """
    if any(letter in '"\\' or not letter.isprintable() for letter in one.value):
        return like  # in a list such letters stand escaped in what is searched
    return f"({_within(compiler, one, 'c.search')} AND {like})"


# ---


def _like(compiler: Compiler, one: Condition, value: str) -> str:
    start = "" if one.op is Op.STARTS_WITH else "'%%' || "
    return f"search_form({value}) LIKE {start}{pattern(compiler.params, one.value)} || '%%'"


def _within(compiler: Compiler, one: Condition, column: str, *, begins: bool = False) -> str:
    """Return what the index can tell: that the searched column has the value, where a word begins or anywhere."""
    return f"{column} LIKE {_word(compiler, one.value) if begins else _anywhere(compiler, one.value)}"


def _word(compiler: Compiler, text: str) -> str:
    return f"'%% ' || {pattern(compiler.params, text)} || '%%'"


def _anywhere(compiler: Compiler, text: str) -> str:
    return f"'%%' || {pattern(compiler.params, text)} || '%%'"


def _digits(text: str) -> str:
    """Return a phone number as it is kept, without what people write between the digits; empty when it is none."""
    plain = "".join(letter for letter in text if letter not in " ().-/")
    return plain if plain.isascii() and plain.removeprefix("+").isdecimal() else ""


def _read_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _exists(table: str, condition: str, *, negated: bool = False) -> str:
    found = f"SELECT 1 FROM {table} v WHERE v.organization_id = c.organization_id AND v.contact_id = c.id"
    return f"{'NOT ' if negated else ''}EXISTS ({found} AND {condition})"


_COMPILED: Final[Mapping[FieldKind, Callable[[Compiler, Condition], str]]] = {
    FieldKind.SEARCH: _compile_search,
    FieldKind.KIND: _compile_kind,
    FieldKind.FLAG: _compile_flag,
    FieldKind.TEXT: _compile_text,
    FieldKind.ID: _compile_ids,
    FieldKind.LABEL: _compile_ids,
    FieldKind.TIME: _compile_time,
    FieldKind.ATTRIBUTE: _compile_attribute,
}
