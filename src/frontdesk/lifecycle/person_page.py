"""The page that is read first in the export of one person: opens offline, runs nothing, in two languages."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final

from frontdesk.core.text import dump_json
from frontdesk.lifecycle.person_queries import Names, Thread

_CHINESE: Final = {
    "Everything about one person": "一位聯絡人的全部資料",
    "Made": "製作時間",
    "by": "製作者",
    "Contact ID": "聯絡人 ID",
    "Name": "姓名",
    "Language": "語言",
    "Time zone": "時區",
    "E-mail": "電子郵件",
    "Phone": "電話",
    "Attributes": "屬性",
    "Query metadata": "查詢中繼資料",
    "Created": "建立時間",
    "Last seen": "最後出現",
    "Card": "卡片",
    "Merged card": "已合併的卡片",
    "Identities": "身分",
    "Platforms": "平台",
    "Labels": "標籤",
    "Notes": "備註",
    "Access profiles": "存取設定檔",
    "Memory": "記憶",
    "Conversations": "對話",
    "Files in this archive": "此壓縮檔中的檔案",
    "All of it, for programs": "全部資料（供程式讀取）",
    "What was done, and by whom": "操作紀錄",
    "What each answer was based on": "每則回答的依據",
    "none": "無",
    "More conversations are on platforms that you may not see:": "您無權檢視的平台上還有其他對話：",
}
_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1d2433}"
    "h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid #d5dae3}"
    "th{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0;font-weight:600;white-space:nowrap}"
    "td{padding:.2rem 0;overflow-wrap:anywhere}li{overflow-wrap:anywhere}pre{white-space:pre-wrap}"
)
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"

Parts = Mapping[str, Sequence[Mapping[str, Any]]]


def render_page(
    parts: Parts,
    names: Names,
    threads: Sequence[tuple[Thread, str]],
    *,
    hidden: int,
    language: str,
    made_by: str,
    now: datetime,
    others: Iterable[str],
) -> str:
    """Return the page. `threads` come with the name of their file; `hidden` are conversations that are left out."""
    say = _speaker(language)
    sections = [
        *_cards(parts, say),
        _section(say("Identities"), _list(_identity(row, names) for row in parts["identities"])),
        _section(say("Platforms"), _list(names.inboxes.get(row["inbox_id"], "") for row in parts["inboxes"])),
        _section(say("Labels"), _list(names.labels.get(row["label_id"], "") for row in parts["labels"])),
        _section(say("Notes"), _list(f"{_day(row['created_at'])} {row['body']}" for row in parts["notes"])),
        _section(
            say("Access profiles"), _list(names.profiles.get(row["profile_id"], "") for row in parts["accessProfiles"])
        ),
        _section(say("Memory"), _list(row["text"] for row in (*parts["memorySummaries"], *parts["memoryFacts"]))),
        _section(say("Conversations"), _threads(threads, names, hidden, say)),
        _section(say("Files in this archive"), _files(others, say)),
    ]
    about = _table([(say("Made"), now.isoformat(timespec="minutes")), (say("by"), made_by)])
    title = escape(say("Everything about one person"))
    body = "".join(text.replace("><", ">\n<", 1) for text in sections)
    return (
        f'<!doctype html>\n<html lang="{"zh-Hant" if language == "zh" else "en"}">\n<head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><meta name="referrer" content="no-referrer">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body><h1>{title}</h1>\n{about}\n{body}</body></html>\n"
    )


class _speaker:  # noqa: N801 -- a function with a language
    """Says a word in the language of the reader."""

    def __init__(self, language: str) -> None:
        self._words: Mapping[str, str] = _CHINESE if language == "zh" else {}

    def __call__(self, word: str) -> str:
        return self._words.get(word, word)


def _cards(parts: Parts, say: _speaker) -> Iterator[str]:
    for index, card in enumerate(sorted(parts["cards"], key=lambda card: bool(card["deleted_at"]))):
        own = [row for row in parts["emails"] if row["contact_id"] == card["id"]]
        phones = [row for row in parts["phones"] if row["contact_id"] == card["id"]]
        yield _section(
            say("Merged card" if index else "Card"),
            _table(
                [
                    (say("Contact ID"), card["id"]),
                    (say("Name"), card["name"]),
                    (say("E-mail"), ", ".join(row["email"] for row in own)),
                    (say("Phone"), ", ".join(row["phone"] for row in phones)),
                    (say("Language"), card["language"]),
                    (say("Time zone"), card["time_zone"]),
                    *((f"{say('Attributes')}: {key}", _plain(value)) for key, value in card["attributes"].items()),
                    (say("Query metadata"), _plain(card["query_metadata"])),
                    (say("Created"), card["created_at"]),
                    (say("Last seen"), card["last_seen_at"]),
                ]
            ),
        )


def _threads(threads: Sequence[tuple[Thread, str]], names: Names, hidden: int, say: _speaker) -> str:
    items = [
        _link(filename, f"{_day(thread.row['created_at'])} {names.inboxes.get(str(thread.inbox_id), '')}")
        + " "
        + escape(thread.row["title"])
        for thread, filename in threads
    ]
    text = f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>" if items else f"<p>{escape(say('none'))}</p>"
    more = say("More conversations are on platforms that you may not see:")
    return text + (f"<p>{escape(more)} {hidden}</p>" if hidden else "")


def _files(others: Iterable[str], say: _speaker) -> str:
    words = {
        "data.json": "All of it, for programs",
        "audit.json": "What was done, and by whom",
        "answers.json": "What each answer was based on",
    }
    items = (f"<li>{_link(name, name)} {escape(say(words[name]))}</li>" for name in others)
    return f"<ul>{''.join(items)}</ul>"


def _identity(row: Mapping[str, Any], names: Names) -> str:
    return f"{row['source_id']} ({names.realms.get(row['realm_id'], '')})"


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>{content}\n"


def _table(rows: Iterable[tuple[str, object]]) -> str:
    cells = (f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in rows if value)
    return f"<table>{''.join(cells)}</table>"


def _list(items: Iterable[str]) -> str:
    texts = [f"<li>{escape(item)}</li>" for item in items]
    return f"<ul>{''.join(texts)}</ul>" if texts else "<p>–</p>"


def _link(name: str, text: str) -> str:
    return f'<a href="{escape(name, quote=True)}">{escape(text)}</a>'


def _plain(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else dump_json(value)


def _day(text: str | None) -> str:
    return (text or "")[:10]
