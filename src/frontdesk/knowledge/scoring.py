"""What a score is made of. The figures behind the numbers: docs/decisions/0013-scores-that-mean-the-same.md."""

from collections.abc import Mapping
from typing import Final

from frontdesk.knowledge.text import Language

VECTOR_WEIGHT: float = 0.8  # of the score; the rest is the text leg's
FOUND_THRESHOLD: Final = 0.2  # below this score a passage is not about the question
OTHER_LANGUAGE: Final = 0.1  # taken from the score of a passage in another language: it shares no terms by nature

USE_MODEL: Final = "use-multilingual-v3"  # 16 languages, 512 dimensions
E5_MODEL: Final = "multilingual-e5-small-q4"  # some 100 languages, 384 dimensions

# What two texts that have nothing to do with each other have in common, by model and the question's language.
FLOORS: Final[Mapping[str, Mapping[Language, float]]] = {
    USE_MODEL: {"en": 0.02, "zh": 0.08},
    E5_MODEL: {"en": 0.775, "zh": 0.78},
}


def find_floor(model: str, language: Language) -> float:
    """Return the similarity that counts as none, so that a score means the same whichever model compared; below 1."""
    return FLOORS.get(model, {}).get(language, 0.0)
