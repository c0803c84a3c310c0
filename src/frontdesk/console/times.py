"""Times as people read them: near ones by their distance, others by their date.

The server knows no time zone of the reader, so it writes UTC and says so; the console's script writes the same texts
in the browser's time zone.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from babel.dates import format_datetime
from babel.support import NullTranslations

_DAYS_COUNTED = 7  # what is further away is told by its date


@dataclass(frozen=True, slots=True)
class _Patterns:
    day: str
    date: str
    exact: str


_PATTERNS = {
    "en": _Patterns("d MMM", "d MMM y", "d MMM y, HH:mm"),
    "zh_Hant": _Patterns("M月d日", "y年M月d日", "y年M月d日 HH:mm"),
}


def distance(at: datetime, *, now: datetime, texts: NullTranslations, language: str) -> str:
    """Return "now", "4 min ago", "2 h ago", "in 5 days" or, beyond a week, the day."""
    minutes = int(abs((now - at).total_seconds()) // 60)
    hours, days = minutes // 60, minutes // (24 * 60)
    if minutes < 1:
        return texts.gettext("now")
    if days >= _DAYS_COUNTED:
        return day(at, now=now, language=language)
    counted = _past(texts, minutes, hours, days) if at <= now else _future(texts, minutes, hours, days)
    return counted % {"n": days or hours or minutes}


def brief(at: datetime, *, now: datetime, texts: NullTranslations, language: str) -> str:
    """Return "now", "4 min", "2 h", "5 d" or, beyond a week, the day: for past times in a narrow list."""
    minutes = int(max((now - at).total_seconds(), 0) // 60)
    hours, days = minutes // 60, minutes // (24 * 60)
    if minutes < 1:
        return texts.gettext("now")
    if days >= _DAYS_COUNTED:
        return day(at, now=now, language=language)
    if days:
        return texts.gettext("%(n)d d") % {"n": days}
    return (texts.gettext("%(n)d h") if hours else texts.gettext("%(n)d min")) % {"n": hours or minutes}


def day(at: datetime, *, now: datetime, language: str) -> str:
    """Return the day, with its year only when it is another than now's."""
    patterns = _PATTERNS[language]
    return format_datetime(at.astimezone(UTC), patterns.day if at.year == now.year else patterns.date, locale=language)


def exact(at: datetime, *, language: str) -> str:
    """Return date and time to the minute, with the time zone, which is UTC."""
    return f"{format_datetime(at.astimezone(UTC), _PATTERNS[language].exact, locale=language)} UTC"


def clock(at: datetime) -> str:
    """Return the time of day in UTC, to the minute."""
    return f"{at.astimezone(UTC):%H:%M}"


def _past(texts: NullTranslations, minutes: int, hours: int, days: int) -> str:
    if days:
        return texts.ngettext("%(n)d day ago", "%(n)d days ago", days)
    if hours:
        return texts.ngettext("%(n)d h ago", "%(n)d h ago", hours)
    return texts.ngettext("%(n)d min ago", "%(n)d min ago", minutes)


def _future(texts: NullTranslations, minutes: int, hours: int, days: int) -> str:
    if days:
        return texts.ngettext("in %(n)d day", "in %(n)d days", days)
    if hours:
        return texts.ngettext("in %(n)d h", "in %(n)d h", hours)
    return texts.ngettext("in %(n)d min", "in %(n)d min", minutes)
