"""Law 12, of search: canary strings in invisible documents appear nowhere."""

from structlog.testing import capture_logs

from frontdesk.knowledge.search import list_permitted
from knowledge.worlds import make_world, receive

CANARY = "canary-7f3a-白尾海鵰"


async def test_canaries(library):
    """Whoever asks for the very words of a closed document gets none of them, in no field and in no log."""
    world = await make_world(library)
    with capture_logs() as logs:
        await world.write(f"What is {CANARY}?", f"{CANARY} is the code.")
        await world.library.read_file(world.base, f"{CANARY} opens the safe.".encode(), f"{CANARY}.txt", [world.closed])
        for question in (CANARY, f"What is {CANARY}?", "What opens the safe?"):
            assert CANARY not in repr(await library.ask(world.scope, question, limit=50))
        async with library.services.db.begin(library.caller.organization_id) as tx:
            assert CANARY not in repr(await list_permitted(tx, world.scope, limit=100, offset=0))
        assert CANARY.encode() not in await receive(world)
    assert CANARY not in repr(logs)
