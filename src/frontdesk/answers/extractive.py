"""Answers without a model: the best FAQ answer, or the best passages, with their sources."""

from collections.abc import Iterator, Sequence

from frontdesk.answers.model import Source
from frontdesk.knowledge.repeats import drop_repeats
from frontdesk.knowledge.scoring import FOUND_THRESHOLD
from frontdesk.knowledge.search import Hit

_NEARLY_AS_GOOD = 0.92  # of the best score: a second passage is worth reading
_MOST_PASSAGES = 2
_MOST_SOURCES = 6


def choose_hits(hits: Sequence[Hit]) -> Sequence[Hit]:
    """Return the hits worth giving to a model, each thing said once; none when even the best is off the question."""
    return drop_repeats(hits)[:_MOST_SOURCES] if hits and hits[0].score >= FOUND_THRESHOLD else ()


def choose_passages(hits: Sequence[Hit]) -> Sequence[Hit]:
    """Return the one or two hits that answer by themselves. A FAQ answers alone: somebody wrote it to."""
    if not hits or hits[0].kind == "faq":
        return hits[:1]
    near = [hit for hit in hits if hit.kind == "file" and hit.score >= hits[0].score * _NEARLY_AS_GOOD]
    return near[:_MOST_PASSAGES]


def number(hits: Sequence[Hit]) -> tuple[Source, ...]:
    """Give each hit the number by which it is cited."""
    return tuple(Source(position, hit) for position, hit in enumerate(hits, start=1))


def render_passages(sources: Sequence[Source]) -> str:
    """Join the passages, each followed by its number in brackets."""
    return "\n\n".join(f"{source.hit.text.strip()} [{source.number}]" for source in sources)


def in_pieces(text: str, length: int = 48) -> Iterator[str]:
    """Cut text for a stream, so that a reader sees it grow."""
    yield from (text[start : start + length] for start in range(0, len(text), length))
