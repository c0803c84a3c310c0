"""Threat 19: canary strings in documents that the asker may not see appear on no channel, in no prompt, in no log."""

from structlog.testing import capture_logs
from tests.laws.conftest import model, stage, whole  # noqa: F401 -- fixtures
from tests.laws.stage import Stage, receive_all

from frontdesk.access.model import All

CANARY = "wadmalaw"
QUESTIONS = ("What opens the safe?", "Which code does the safe have?", "保險箱的密碼是什麼？")


async def test_s19_canaries(stage: Stage):  # noqa: F811 -- the fixture
    """In the question, answer, text, file name, label, base and passage: whoever asks for the content gets nothing."""
    library, base = stage.world.library, stage.world.base
    label = await library.make_label(base, f"label {CANARY}")
    await library.write_faq(base, "What opens the safe?", "A key opens the safe.", [stage.world.open])
    hidden = await library.make_base(f"Base {CANARY}")
    with capture_logs() as logs:
        await library.write_faq(base, f"What opens the safe, {CANARY}?", f"The code of the safe is {CANARY}.", [label])
        await library.write_faq(hidden, "What opens the safe?", f"The code is {CANARY}.")
        await library.read_file(base, f"The safe opens with {CANARY}. 保險箱的密碼 {CANARY}".encode(), f"{CANARY}.txt")
        received = await receive_all(stage, QUESTIONS)
    found = await library.ask(All(), f"What opens the safe, {CANARY}?", limit=50)
    assert repr(found).lower().count(CANARY) >= 5  # they are there to be found
    assert "A key" in received["prompts"].decode()
    assert [name for name, said in received.items() if CANARY.encode() in said.lower()] == []
    assert CANARY not in repr(logs).lower()
