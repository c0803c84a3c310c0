"""Pairs of worlds that differ only in documents that the asker may not see, and what the asker receives in each."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from frontdesk.access.model import Label, Scope
from frontdesk.core.ids import KnowledgeBaseId, LabelId
from frontdesk.knowledge.chunk_queries import list_chunks
from frontdesk.knowledge.handlers import on_document_added
from frontdesk.knowledge.model import Document
from frontdesk.knowledge.search import list_permitted
from frontdesk.knowledge.writing import FaqChanges, edit_chunk, update_faq
from knowledge.conftest import Library

OPEN_FAQS = (
    ("How long does standard shipping take?", "Standard delivery takes three to five business days."),
    ("How much is the delivery fee?", "Orders under 990 pay a flat fee of 80."),
    ("Can I return what I bought?", "Within seven days, unopened, with the invoice."),
    ("Where is my package?", "Open My Orders and choose Tracking."),
    ("標準配送要多久？", "標準配送需要三到五個工作天。"),
    ("可以退貨嗎？", "七天內未拆封可以退貨。"),
)
OPEN_FILE = "The lounge opens at six.\n\n" + "Members receive a card by mail. " * 30 + "\n\nThe garden closes at dusk."
QUESTIONS = (
    "When will my parcel arrive?",
    "delivery fee",
    "return without the invoice",
    "lounge garden card",
    "zyzzyva",
    "何時會送到？",
    "退貨",
    "How do I win at chess?",
)
LIMITS = (3, 12)


@dataclass
class World:
    """Documents that the asker sees, and others, which change."""

    library: Library
    base: KnowledgeBaseId
    other_base: KnowledgeBaseId
    open: LabelId
    closed: LabelId
    visible: list[Document] = field(default_factory=list)
    invisible: list[Document] = field(default_factory=list)

    @property
    def scope(self) -> Scope:
        return Label(self.open)

    async def write(self, question: str, answer: str, *, to: KnowledgeBaseId | None = None) -> None:
        """Add an invisible FAQ."""
        labels = [self.closed] if to is None else []
        self.invisible.append(await self.library.write_faq(to or self.base, question, answer, labels))


async def make_world(library: Library, order: Sequence[int] | None = None) -> World:
    """A world with the open documents, written in this order, and one that is closed."""
    base, other = await library.make_base(), await library.make_base("Other")
    world = World(
        library, base, other, await library.make_label(base, "open"), await library.make_label(base, "closed")
    )
    for place in order or range(len(OPEN_FAQS)):
        world.visible.append(await library.write_faq(base, *OPEN_FAQS[place], [world.open]))
    world.visible.append(await library.read_file(base, OPEN_FILE.encode(), "house.txt", [world.open]))
    await world.write("What is the secret?", "There is none.")
    return world


async def receive(world: World) -> bytes:
    """Every byte that the asker could receive: hits with ids and exact scores, order, counts, lists."""
    received = []
    for text in QUESTIONS:
        question = await world.library.prepare(text)
        received += [repr(await world.library.ask(world.scope, question, limit=limit)) for limit in LIMITS]
    async with world.library.services.db.begin(world.library.caller.organization_id) as tx:
        received.append(repr(await list_permitted(tx, world.scope, limit=100, offset=0)))
    return "\n".join(received).encode()


# --- what happens to documents that the asker does not see ---


async def copy_verbatim(world: World, luck: random.Random) -> None:
    await world.write(*luck.choice(OPEN_FAQS))


async def write_near_duplicate(world: World, luck: random.Random) -> None:
    question, answer = luck.choice(OPEN_FAQS)
    await world.write(f"{question} {luck.choice(['Really?', '請問', 'delivery'])}", f"{answer} {luck.random()}")


async def write_the_question_itself(world: World, luck: random.Random) -> None:
    question = luck.choice(QUESTIONS)
    await world.write(question, f"{question} " * luck.randint(1, 20))


async def write_rare_terms(world: World, luck: random.Random) -> None:
    await world.write("zyzzyva", " ".join(["zyzzyva", "chess", "garden", "工作天"] * luck.randint(1, 30)))


async def write_elsewhere(world: World, luck: random.Random) -> None:
    await world.write(*luck.choice(OPEN_FAQS), to=world.other_base)


async def add_huge_file(world: World, luck: random.Random) -> None:
    words = ["delivery", "fee", "return", "lounge", "garden", "card", "zyzzyva", "配送", "退貨"]
    text = "\n\n".join(" ".join(luck.choices(words, k=100)) for _ in range(20))
    world.invisible.append(await world.library.read_file(world.base, text.encode(), "huge.txt", [world.closed]))


async def edit(world: World, luck: random.Random) -> None:
    faqs = [document for document in world.invisible if document.kind == "faq"]
    document = luck.choice(faqs)
    changes = FaqChanges(answer=f"{luck.choice(OPEN_FAQS)[1]} {luck.random()}")
    library = world.library
    await update_faq(library.services, library.caller, document.knowledge_base_id, document.id, changes)


async def relabel(world: World, luck: random.Random) -> None:
    document = luck.choice([one for one in world.invisible if one.knowledge_base_id == world.base])
    await world.library.relabel(document, luck.choice([[], [world.closed]]))


async def delete(world: World, luck: random.Random) -> None:
    if len(world.invisible) > 1:
        document = luck.choice(world.invisible[1:])
        world.invisible.remove(document)
        await world.library.delete(document)


async def cut_anew(world: World, luck: random.Random) -> None:
    """Edit a passage of a closed file by hand."""
    files = [document for document in world.invisible if document.kind == "file"]
    if not files:
        await add_huge_file(world, luck)
        return
    library, file = world.library, luck.choice(files)
    async with library.services.db.begin(library.caller.organization_id) as tx:
        chunks, _ = await list_chunks(tx, file.knowledge_base_id, file.id, limit=50, offset=0)
    text = f"{luck.choice(OPEN_FAQS)[1]} delivery fee"
    await edit_chunk(library.services, library.caller, file.knowledge_base_id, luck.choice(chunks).id, text)


async def add_unread_file(world: World, luck: random.Random) -> None:
    """A file with the open label is invisible until it was read, and when it failed."""
    file = await world.library.add_file(world.base, b"%PDF-1.4 broken", "broken.pdf", [world.open])
    if luck.random() < 0.5:
        await on_document_added(world.library.services, world.library.caller.organization_id, file.id)


Change = Callable[[World, random.Random], Awaitable[None]]
CHANGES: tuple[Change, ...] = (
    copy_verbatim,
    write_near_duplicate,
    write_the_question_itself,
    write_rare_terms,
    write_elsewhere,
    add_huge_file,
    edit,
    relabel,
    delete,
    cut_anew,
    add_unread_file,
)
