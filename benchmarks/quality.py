"""How well search finds FAQs from keywords and from other words, and what it does with questions that are off topic.

Run `python benchmarks/quality.py`. Each language is alone in its organization. Weights are chosen on one half of the
FAQs (those at even places) and reported on the other. Prints a table, then JSON on the last line.
"""

import asyncio
import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

import frontdesk.knowledge.search as searching
from frontdesk.access.model import All
from frontdesk.bootstrap import open_database, open_services
from frontdesk.core.db import Addresses
from frontdesk.core.ids import DocumentId, OrganizationId
from frontdesk.core.services import Services
from frontdesk.knowledge.actions import create_knowledge_base
from frontdesk.knowledge.model import FaqText
from frontdesk.knowledge.search import Hit, Question, prepare_question
from frontdesk.knowledge.writing import create_faq
from frontdesk.organizations.actions import create_organization
from frontdesk.organizations.model import system_caller
from frontdesk.settings import Settings

DATA = Path(__file__).parent / "data"
WEIGHTS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.0)
THRESHOLDS = (0.16, 0.18, 0.2, 0.22, 0.24)


@dataclass(frozen=True)
class Asked:
    """A question and the FAQ that answers it; off topic: none."""

    question: Question
    answer: DocumentId | None
    half: int  # 0: weights are chosen here, 1: and reported here


@dataclass
class Language:
    """The FAQs of one language, alone in their organization."""

    organization: OrganizationId
    paraphrases: list[Asked] = field(default_factory=list)
    keywords: list[Asked] = field(default_factory=list)
    off_topic: list[Asked] = field(default_factory=list)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        settings = Settings(data=Path(folder) / "data")
        with open_database(settings) as addresses:
            print(json.dumps(asyncio.run(run(settings, addresses))))


async def run(settings: Settings, addresses: Addresses) -> dict[str, object]:
    async with open_services(settings, addresses) as services:
        languages = {name: await load(services, name) for name in ("en", "zh-Hant")}
        ours = searching.VECTOR_WEIGHT
        chosen = await report_weights(services, languages)
        searching.VECTOR_WEIGHT = ours
        print(f"the thresholds below are with the product's weight: {ours}")
        return {"vector_weight": chosen, "thresholds": await report_thresholds(services, languages)}


async def load(services: Services, name: str) -> Language:
    organization, _ = await create_organization(
        services.db, name=name, owner_email=f"{name.lower()}@example.com", owner_name="O", password="x" * 12
    )
    caller = system_caller(organization)
    async with services.db.begin(organization) as tx:
        base = await create_knowledge_base(tx, caller, {"name": name}, embedding_model=services.embedder.model)
    language = Language(organization)
    rows = [row for row in json.loads((DATA / "faq_testset.json").read_text()) if row["lang"] == name]
    for place, row in enumerate(rows):
        faq, _ = await create_faq(services, caller, base.id, FaqText(row["question"], row["answer"]))
        for text in row["paraphrases"]:
            language.paraphrases.append(Asked(await prepare_question(services.embedder, text), faq.id, place % 2))
        keywords = await prepare_question(services.embedder, row["keyword_query"])
        language.keywords.append(Asked(keywords, faq.id, place % 2))
    for text in json.loads((DATA / "off_topic.json").read_text())[name]:
        language.off_topic.append(Asked(await prepare_question(services.embedder, text), None, 1))
    return language


async def ask(services: Services, language: Language, asked: list[Asked]) -> list[tuple[Asked, tuple[Hit, ...]]]:
    async with services.db.begin(language.organization) as tx:
        return [(one, (await searching.search(tx, All(), one.question)).hits) for one in asked]


def recall(answers: list[tuple[Asked, tuple[Hit, ...]]], first: int, half: int | None) -> float:
    found = [
        any(hit.document_id == asked.answer for hit in hits[:first])
        for asked, hits in answers
        if half in {None, asked.half}
    ]
    return round(100 * mean(found), 1)


async def report_weights(services: Services, languages: dict[str, Language]) -> float:
    print("recall@1/@5 in percent           choosing half               reporting half            all")
    merit: dict[float, float] = {}
    for weight in WEIGHTS:
        searching.VECTOR_WEIGHT = weight
        merit[weight] = 0.0
        for name, language in languages.items():
            paraphrases = await ask(services, language, language.paraphrases)
            keywords = await ask(services, language, language.keywords)
            cells = "   ".join(
                f"other words {recall(paraphrases, 1, half):5}/{recall(paraphrases, 5, half):5} "
                f"keywords {recall(keywords, 1, half):5}/{recall(keywords, 5, half):5}"
                for half in (0, 1, None)
            )
            print(f"vector weight {weight:4}  {name:8} {cells}")
            merit[weight] += recall(paraphrases, 5, 0) + recall(keywords, 1, 0) + recall(paraphrases, 1, 0) / 2
    chosen = max(WEIGHTS, key=lambda weight: merit[weight])
    print(f"chosen on the first half: {chosen}")
    return chosen


async def report_thresholds(services: Services, languages: dict[str, Language]) -> dict[str, list[float]]:
    table: dict[str, list[float]] = {}
    for name, language in languages.items():
        best = {
            kind: [hits[0].score for _, hits in await ask(services, language, asked)]
            for kind, asked in vars(language).items()
            if isinstance(asked, list)
        }
        for threshold in THRESHOLDS:
            kept = {kind: round(100 * mean(score >= threshold for score in scores), 1) for kind, scores in best.items()}
            rejected = round(100 - kept["off_topic"], 1)
            print(
                f"threshold {threshold:4} {name:8} off topic rejected {rejected:5} %, "
                f"other words kept {kept['paraphrases']:5} %, keywords kept {kept['keywords']:5} %"
            )
            table[f"{name} {threshold}"] = [rejected, kept["paraphrases"], kept["keywords"]]
    return table


if __name__ == "__main__":
    main()
