"""From text to passages that search can find. Done before a transaction: it takes milliseconds a passage."""

import hashlib
from collections import Counter
from typing import Final

from frontdesk.core.embedding import Embedder
from frontdesk.knowledge.model import FaqText, Passage
from frontdesk.knowledge.parsing import RawPassage
from frontdesk.knowledge.text import count_terms, guess_language

QUESTION_WEIGHT: Final = 2  # a term of a FAQ's question counts as often as this many in its answer


async def prepare_passage(embedder: Embedder, raw: RawPassage) -> Passage:
    """Make a passage of a file ready for search."""
    return Passage(
        text=raw.text,
        page_number=raw.page_number,
        language=guess_language(raw.text),
        terms=count_terms(raw.text),
        vector=await embedder.embed(raw.text),
        model=embedder.model,
    )


async def prepare_faq(embedder: Embedder, faq: FaqText) -> Passage:
    """Make a FAQ ready for search: question and answer are one passage, the question's words weigh more."""
    text = f"{faq.question}\n{faq.answer}"
    terms: Counter[str] = count_terms(faq.answer)
    for term, count in count_terms(faq.question).items():
        terms[term] += count * QUESTION_WEIGHT
    return Passage(
        text=text,
        page_number=None,
        language=guess_language(text),
        terms=terms,
        vector=await embedder.embed(text),
        model=embedder.model,
    )


def content_key(title: str, position: int, text: str) -> bytes:
    """Return what orders passages of equal score: their content alone, never when or beside what they were stored."""
    digest = hashlib.sha256()
    for part in (title, str(position), text):
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.digest()
