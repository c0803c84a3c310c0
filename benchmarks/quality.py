"""How well search finds FAQs from keywords and from other words, and what it does with questions that are off topic.

Run `python benchmarks/quality.py [folder]` (default: benchmarks/data). The folder has `faq_testset.json`, a list of
FAQs with `lang` (`en`, `zh-Hant`), `question`, `answer`, `paraphrases` and `keyword_query`, and `off_topic.json`, which
maps each language to questions that no FAQ answers.

Each language alone in its organization, then both in one (`mixed`). One half chooses (FAQs and off-topic questions at
even places), the other reports. For each embedding model that is installed: the model alone, the words alone, weights
of both, the floor that the choosing half asks for, and what the product does now. Prints a table, then JSON on the last
line.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean
from typing import Any

import frontdesk.knowledge.search as searching
from frontdesk.access.model import All
from frontdesk.bootstrap import open_database, open_services
from frontdesk.core.db import Addresses
from frontdesk.core.ids import DocumentId, OrganizationId
from frontdesk.core.services import Services
from frontdesk.knowledge.actions import create_knowledge_base
from frontdesk.knowledge.embedding import open_embedder
from frontdesk.knowledge.model import FaqText
from frontdesk.knowledge.scoring import FOUND_THRESHOLD, VECTOR_WEIGHT, find_floor
from frontdesk.knowledge.search import Hit, Question, prepare_question
from frontdesk.knowledge.writing import create_faq
from frontdesk.organizations.actions import create_organization
from frontdesk.organizations.model import system_caller
from frontdesk.settings import Settings

DATA = Path(__file__).parent / "data"
LANGUAGES = ("en", "zh-Hant")
WEIGHTS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.0)
ALLOWED = {"en": 0, "zh-Hant": 1}  # off-topic questions of the choosing half that may be answered all the same


@dataclass(frozen=True)
class Asked:
    """A question and the FAQ that answers it; off topic: none."""

    question: Question
    answer: DocumentId | None
    half: int  # 0: chosen by, 1: reported on


@dataclass
class World:
    """The FAQs of some languages in one organization, and the questions of each."""

    organization: OrganizationId
    questions: dict[str, list[Asked]] = field(default_factory=dict)  # by "language kind"


Answers = Sequence[tuple[Asked, tuple[Hit, ...]]]


def main() -> None:
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    rows = json.loads((source / "faq_testset.json").read_text())
    off_topic = json.loads((source / "off_topic.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        settings = Settings(data=Path(folder) / "data")
        with open_database(settings) as addresses:
            print(json.dumps(asyncio.run(run(settings, addresses, rows, off_topic))))


async def run(
    settings: Settings, addresses: Addresses, rows: Sequence[Mapping[str, Any]], off_topic: Mapping[str, Sequence[str]]
) -> dict[str, object]:
    figures: dict[str, object] = {}
    async with open_services(settings, addresses) as opened:
        for model in opened.embedder.models:
            services = replace(opened, embedder=open_embedder(model))
            print(f"\n{model}")
            worlds = [await load(services, [name], rows, off_topic) for name in LANGUAGES]
            worlds.append(await load(services, LANGUAGES, rows, off_topic))
            figures[model] = {
                "weights": await report_weights(services, worlds),
                "floors": await report_floors(services, worlds[:2]),
                "product": await report_product(services, worlds),
            }
    return figures


async def load(
    services: Services,
    languages: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    off_topic: Mapping[str, Sequence[str]],
) -> World:
    name = "+".join(languages)
    model = services.embedder.model
    organization, _ = await create_organization(
        services.db, name=name, owner_email=f"{name.lower()}@{model}.example", owner_name="O", password="x" * 12
    )
    caller = system_caller(organization)
    async with services.db.begin(organization) as tx:
        base = await create_knowledge_base(tx, caller, {"name": name}, embedding_model=model)
    world = World(organization)

    async def add(language: str, kind: str, text: str, answer: DocumentId | None, place: int) -> None:
        asked = Asked(await prepare_question(services.embedder, text), answer, place % 2)
        world.questions.setdefault(f"{language} {kind}", []).append(asked)

    for language in languages:
        for place, row in enumerate(row for row in rows if row["lang"] == language):
            faq, _ = await create_faq(services, caller, base.id, FaqText(row["question"], row["answer"]))
            for text in row["paraphrases"]:
                await add(language, "other words", text, faq.id, place)
            await add(language, "keywords", row["keyword_query"], faq.id, place)
        for place, text in enumerate(off_topic[language]):
            await add(language, "off topic", text, None, place)
    return world


async def ask(services: Services, world: World, kind: str) -> Answers:
    async with services.db.begin(world.organization) as tx:
        return [
            (asked, (await searching.search(tx, All(), asked.question)).hits)
            for name, questions in world.questions.items()
            if name == kind
            for asked in questions
        ]


def share(matches: Sequence[bool]) -> float:
    return round(100 * mean(matches), 1)


def recall(answers: Answers, first: int, half: int | None) -> float:
    return share(
        [
            any(hit.document_id == asked.answer for hit in hits[:first])
            for asked, hits in answers
            if half in {None, asked.half}
        ]
    )


def languages_of(world: World) -> list[str]:
    return [kind.removesuffix(" off topic") for kind in world.questions if kind.endswith("off topic")]


def describe(world: World, language: str) -> str:
    return language if len(languages_of(world)) == 1 else f"{language} (mixed)"


async def report_weights(services: Services, worlds: Sequence[World]) -> dict[str, list[float]]:
    """Recall by weight: 1.0 is the model alone, 0.0 the words alone."""
    print("recall@1/@5 in percent                     choosing half                     reporting half")
    table: dict[str, list[float]] = {}
    for weight in WEIGHTS:
        searching.VECTOR_WEIGHT = weight
        for world in worlds:
            for language in languages_of(world):
                words = await ask(services, world, f"{language} other words")
                keywords = await ask(services, world, f"{language} keywords")
                cells = [[recall(kind, k, half) for kind in (words, keywords) for k in (1, 5)] for half in (0, 1)]
                texts = (
                    f"other words {one[0]:5}/{one[1]:5}  keywords {one[2]:5}/{one[3]:5}".ljust(46) for one in cells
                )
                print(f"weight {weight:3}  {describe(world, language):16}", "  ".join(texts))
                table[f"{weight} {describe(world, language)}"] = [figure for cell in cells for figure in cell]
    searching.VECTOR_WEIGHT = VECTOR_WEIGHT
    return table


async def report_floors(services: Services, worlds: Sequence[World]) -> dict[str, float]:
    """The floor at which the choosing half's off-topic questions fall below the threshold, with the present weight."""
    floors: dict[str, float] = {}
    for world in worlds:
        for language in languages_of(world):
            answers = await ask(services, world, f"{language} off topic")
            scores = sorted((hits[0].score for asked, hits in answers if asked.half == 0), reverse=True)
            question = answers[0][0].question
            floor = find_floor(question.model, question.language)
            worst = floor + (1 - floor) * scores[ALLOWED[language]] / VECTOR_WEIGHT
            wanted = FOUND_THRESHOLD / VECTOR_WEIGHT
            floors[language] = round((worst - wanted) / (1 - wanted), 3)
            print(f"floor {language:8} wanted {floors[language]:6}, now {floor}")
    return floors


async def report_product(services: Services, worlds: Sequence[World]) -> dict[str, dict[str, float]]:
    """What the product does now: all questions, then the reporting half alone. `right`: the answer is the first."""
    table: dict[str, dict[str, float]] = {}
    for world in worlds:
        for language in languages_of(world):
            found = {
                kind: await ask(services, world, f"{language} {kind}")
                for kind in ("off topic", "other words", "keywords")
            }
            for half in (None, 1):
                words = [one for one in found["other words"] if half in {None, one[0].half}]
                off = [one for one in found["off topic"] if half in {None, one[0].half}]
                row = {
                    "recall@1": recall(words, 1, None),
                    "recall@5": recall(words, 5, None),
                    "keywords@5": recall(found["keywords"], 5, half),
                    "rejected": share([not is_said(hits) for _, hits in off]),
                    "said": share([is_said(hits) for _, hits in words]),
                    "right": share([is_said(hits) and hits[0].document_id == asked.answer for asked, hits in words]),
                    "keywords said": share([is_said(hits) for _, hits in found["keywords"]]),
                }
                name = f"{describe(world, language)}{'' if half is None else ', reporting half'}"
                print(f"{name:32}", "  ".join(f"{key} {value:5}" for key, value in row.items()))
                table[name] = row
    return table


def is_said(hits: Sequence[Hit]) -> bool:
    """Whether an assistant without a model answers, and does not say that it found nothing."""
    return bool(hits) and hits[0].score >= FOUND_THRESHOLD


if __name__ == "__main__":
    main()
