"""The small pure pieces that screens are made of."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

import frontdesk
from frontdesk.console import attributes, conditions, marks, times
from frontdesk.console.audit import tell
from frontdesk.console.languages import LANGUAGES, choose_language, language_name, translations
from frontdesk.console.live import may_hear
from frontdesk.console.pages import inside
from frontdesk.console.wording import TITLES
from frontdesk.core.errors import FrontdeskError, InvalidRequest
from frontdesk.core.ids import OrganizationId, new_id
from frontdesk.core.live import Event
from frontdesk.organizations.model import Caller, CallerKind, Grant, Right
from frontdesk.organizations.records import AuditEntry

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
CODE = Path(frontdesk.__file__).parent


def entry(action, payload):
    return AuditEntry(
        id=new_id(),
        at=NOW,
        actor_kind="member",
        actor_id=None,
        actor_name="Olga",
        action=action,
        object_kind="contact",
        object_id=None,
        contact_id=None,
        payload=payload,
    )


names = st.text(min_size=1).filter(lambda text: text == text.strip())


@given(st.dictionaries(names, json_values, max_size=5))
def test_attributes_that_nobody_touches_stay_what_they_are(card):
    """Through the form and back: types, digits in texts, quotes, everything."""
    assert attributes.changes({}, attributes.as_text(card)) == card


def test_an_attribute_that_is_there_twice_is_refused():
    """Neither of the two is silently lost."""
    with pytest.raises(InvalidRequest):
        attributes.changes({}, [("level", "1"), (" level ", "2")])


@given(json_values.filter(lambda value: isinstance(value, dict) and value), st.data())
def test_a_pointer_finds_its_line(value, data):
    """The marked line is the one in which the named part begins."""
    pointer, part = "", value
    while isinstance(part, dict | list) and part and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(list(part) if isinstance(part, dict) else list(range(len(part)))))
        pointer += "/" + str(key).replace("~", "~0").replace("/", "~1")
        part = part[key]
    lines = conditions.mark_lines(value, {pointer})
    marked = [line for line in lines if line.is_marked]
    assert len(marked) == 1
    if pointer:
        first_line = conditions.write_field(part).splitlines()[0] if isinstance(part, dict) else ""
        assert first_line in marked[0].text


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=20), "now"),
        (timedelta(minutes=4), "4 min ago"),
        (timedelta(hours=2, minutes=50), "2 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=6), "6 days ago"),
        (timedelta(days=8), "16 Nov"),
        (timedelta(days=400), "20 Oct 2025"),
        (timedelta(minutes=-5), "in 5 min"),
    ],
)
def test_near_times_are_told_by_their_distance(ago, text):
    """Others by their date, with the year only when it is another one."""
    assert times.distance(NOW - ago, now=NOW, texts=translations("en"), language="en") == text


def test_every_language_has_its_dates():
    """A language that is added needs patterns, too."""
    for language in LANGUAGES:
        assert "24" in times.day(NOW, now=NOW, language=language)
        assert times.exact(NOW, language=language).endswith("12:00 UTC")


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("Ann Zhang", "AZ"),
        ("張偉民 Zhang Weimin", "張"),
        ("ann", "A"),
        ("Ann van der Berg", "AB"),
        ("", ""),
        ("🙂", ""),
        ("Ann 張", "A"),
    ],
)
def test_signs_of_people(name, sign):
    """One Chinese character, or up to two letters."""
    assert marks.initials(name) == sign


def test_short_ids_come_from_the_random_end():
    """Two contacts of the same second are told apart."""
    assert marks.short_id(UUID("01a20ff2-83dc-76f9-9326-5b3f08647695")) == "7695"


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example",
        "//evil.example",
        "/console//x",
        "/console/\\x",
        "/consolation",
        "",
        "/console/\n",
        "javascript:alert(1)",
    ],
)
def test_addresses_from_outside_stay_inside(path):
    """Whatever is not plainly ours becomes the first page."""
    assert inside(path) == "/console"


def test_our_addresses_are_kept():
    """With their queries, also when a query has slashes."""
    for path in ("/console", "/console/contacts?q=a//b", "/console/contacts/1/access"):
        assert inside(path) == path


def test_the_member_decides_the_language():
    """Then the browser's memory, then what it asks for, in that order; an unknown choice counts for nothing."""
    assert choose_language(chosen="en", cookie="zh_Hant", accept_language="zh") == "en"
    assert choose_language(chosen=None, cookie="zh_Hant", accept_language="en") == "zh_Hant"
    assert choose_language(chosen="xx", cookie="", accept_language="fr, zh-HK;q=0.3") == "zh_Hant"
    assert choose_language(chosen=None, cookie=None, accept_language=";;q=,,") == "en"


def test_languages_have_names_in_the_language_of_the_reader():
    """An unknown tag is shown as it is."""
    assert language_name("ja", shown_in="en") == "Japanese"
    assert language_name("x-unknown", shown_in="en") == "x-unknown"
    assert language_name(None, shown_in="en") == ""


def test_an_open_page_hears_of_what_its_member_may_view():
    """And of no other topic, not even that something happened."""
    grant = Grant(frozenset({Right.CONTACTS_VIEW}))
    caller = Caller(CallerKind.MEMBER, new_id(), "Mia", OrganizationId(new_id()), (grant,))
    heard = {
        topic for topic in ("contact", "conversation", "document", "other") if may_hear(caller, Event(topic, new_id()))
    }
    assert heard == {"contact"}


def list_errors(base: type[FrontdeskError] = FrontdeskError) -> set[type[FrontdeskError]]:
    return {base}.union(*(list_errors(one) for one in base.__subclasses__())) - {FrontdeskError}


def test_every_recorded_action_is_told_in_words():
    """An action that is written anywhere in the code has a sentence of its own."""
    written = re.compile(r"""(?:audit\.record\(\s*tx,\s*[\w.()]+,\s*|action=)"([a-z_]+\.[a-z_]+)\"""")
    actions = {found for path in CODE.rglob("*.py") for found in written.findall(path.read_text())}
    assert len(actions) > 40
    assert {action for action in actions if tell(entry(action, {}), {}).text == action} == set()


def test_ids_are_not_told_when_they_have_names():
    """What an import wrote into an entry: identities by their source ids, labels by name, no id of the import."""
    label = str(new_id())
    payload = {"import": str(new_id()), "labels": [label], "identities": [{"realm": str(new_id()), "source_id": "M-1"}]}
    told = tell(entry("contact.updated", payload), {label: "Gold"})
    assert [detail.after for detail in told.details] == ["Gold", "M-1"]
    nameless = {"id": "01a210fe-a758-7624-9d26-f03f2d4c146a", "name": ""}
    merged = tell(entry("contact.merged", {"merged": [nameless]}), {})
    assert [detail.after for detail in merged.details] == ["· 146A"]


def test_titles_of_errors_are_translated():
    """Whatever a domain raises is told in the language of the reader."""
    titles = {error.title for error in list_errors() if error.__module__.startswith("frontdesk.")}
    assert titles <= set(TITLES)
    for language in LANGUAGES.keys() - {"en"}:
        assert [title for title in titles if translations(language).gettext(title) == title] == []
