"""Answers as HTML: paragraphs, lists, bold, and the numbers of what is cited. Everything else is shown as written."""

import re
from collections.abc import Iterator
from itertools import groupby

from markupsafe import Markup, escape

_ITEM = re.compile(r"\s*(?:[-*•]|(?P<number>\d{1,3})[.)])\s+(?P<text>.*)")
_BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_LISTS = {"ol": Markup("<ol>{}</ol>"), "ul": Markup("<ul>{}</ul>")}
_CITED = re.compile(r"\s?\[(\d{1,2})\]")


def render_answer(text: str) -> Markup:
    """Return the text as HTML in which only tags of ours stand."""
    return Markup("").join(_render_blocks(text))


def _render_blocks(text: str) -> Iterator[Markup]:
    for kind, group in groupby(text.strip().splitlines(), _kind_of):
        lines = list(group)
        if kind == "text":
            yield Markup("<p>{}</p>").format(Markup("<br>").join(map(_render_line, lines)))
        elif kind != "gap":
            items = [_ITEM.fullmatch(line) for line in lines]
            inside = Markup("").join(Markup("<li>{}</li>").format(_render_line(i["text"])) for i in items if i)
            yield _LISTS[kind].format(inside)


def _kind_of(line: str) -> str:
    if not line.strip():
        return "gap"
    item = _ITEM.fullmatch(line)
    if item is None:
        return "text"
    return "ol" if item["number"] else "ul"


def _render_line(line: str) -> Markup:
    html = str(escape(line.strip()))  # before anything of ours is put in
    html = _BOLD.sub(r"<b>\1</b>", html)
    return Markup(_CITED.sub(r"<sup>\1</sup>", html))  # noqa: S704 -- escaped above
