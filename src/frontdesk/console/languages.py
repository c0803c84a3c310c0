"""The languages of the console, and which of them a browser gets."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from babel import Locale, UnknownLocaleError, negotiate_locale
from babel.support import NullTranslations, Translations

LANGUAGES: Mapping[str, str] = MappingProxyType({"en": "English", "zh_Hant": "中文（繁體）"})
DEFAULT = "en"

_FOLDER = Path(str(resources.files("frontdesk") / "locale"))
_CHINESE = ("zh", "zh_TW", "zh_HK", "zh_MO", "zh_CN", "zh_SG", "zh_Hans", "zh_Hant")  # we write one Chinese


def choose_language(*, chosen: str | None, cookie: str | None, accept_language: str) -> str:
    """Return a key of LANGUAGES: what the member chose, else what this browser was told, else what it asks for."""
    for wanted in (chosen, cookie):
        if wanted in LANGUAGES:
            return str(wanted)
    available = {**dict.fromkeys(_CHINESE, "zh_Hant"), "en": "en"}
    found = negotiate_locale([tag.replace("-", "_") for tag in _by_preference(accept_language)], available)
    return available.get(found or "", DEFAULT)


@cache
def translations(language: str) -> NullTranslations:
    """Return the texts of `language`; a text without a translation is shown in English."""
    return Translations.load(_FOLDER, [language], "frontdesk")


def language_name(tag: str | None, *, shown_in: str) -> str:
    """Return what a language is called, such as "French" for `fr`; the tag itself when nobody knows it."""
    try:
        name = Locale.parse((tag or "").replace("-", "_")).get_display_name(shown_in)
    except (ValueError, UnknownLocaleError, TypeError):
        return tag or ""
    return name or tag or ""


def region_name(code: str, *, shown_in: str) -> str:
    """Return what a region is called, such as "Taiwan" for `TW`; the code itself when nobody knows it."""
    return str(Locale.parse(shown_in).territories.get(code, code))


def _by_preference(accept_language: str) -> list[str]:
    """Return the tags of an Accept-Language header, the most wanted first. Source: RFC 9110, section 12.5.4."""
    weighted = []
    for position, part in enumerate(accept_language.split(",")[:20]):
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            quality = 0.0
        weighted.append((-quality, position, tag.strip()))
    return [tag for quality, _, tag in sorted(weighted) if tag and quality < 0]
