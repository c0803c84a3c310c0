"""Law 10: what is taken away is shown no more, from the first flush after the commit; what is given is there at once."""

import asyncio
import random

import pytest
from tests.laws.revoking import (
    OF_API,
    OF_CLAIMS,
    WAYS,
    Wire,
    ask,
    begin_race,
    delete,
    empty_profile,
    run_race,
    take_profile,
)
from tests.laws.stage import Stage

from frontdesk.contacts.access_actions import assign_profile
from frontdesk.core.db import Tx

RACES_OF_A_TEST = 50
OUTGOING = """
    SELECT count(*) FROM messages m JOIN conversations c ON c.id = m.conversation_id
     WHERE c.contact_id = %(contact)s AND m.type = 'outgoing'
"""


async def nothing() -> None:
    """Take nothing away."""


async def until_somebody_waits(tx: Tx) -> None:
    """Wait until another transaction waits for a lock of this one."""
    for _ in range(200):
        if await tx.fetch_value("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"):
            return
        await asyncio.sleep(0.05)
    pytest.fail("nobody waits")


async def race(stage: Stage, luck: random.Random) -> bool:
    """Run one race of any kind; return whether it was taken away before the end."""
    speaks = luck.random() < 0.4
    match luck.choice(["chat", "chat", "api", "claim"]):
        case "api":
            return await run_race(stage, luck, luck.choice(OF_API), by_api=True, speaks=speaks)
        case "claim":
            return await run_race(stage, luck, luck.choice(OF_CLAIMS), claimed=True, speaks=speaks)
        case _:
            return await run_race(stage, luck, luck.choice(WAYS), speaks=speaks)


@pytest.mark.parametrize("speaks", [False, True])
async def test_law_10_every_way_of_taking_away(stage: Stage, record_property, speaks: bool):
    """In the chat, in the middle of an answer that is read out or comes from a model; most come before its end."""
    luck = random.Random(speaks)  # noqa: S311 -- examples, not secrets
    caught = [await run_race(stage, luck, way, speaks=speaks) for way in WAYS]
    assert sum(caught) >= len(WAYS) // 3
    record_property("revocation races", len(caught))


async def test_law_10_a_profile_that_a_proof_claimed(stage: Stage, record_property):
    """What came with a signed proof is taken away like what stands on the card."""
    luck = random.Random(1)  # noqa: S311 -- examples, not secrets
    caught = [await run_race(stage, luck, way, claimed=True) for way in OF_CLAIMS]
    assert any(caught)
    record_property("revocation races", len(caught))


@pytest.mark.parametrize("speaks", [False, True])
async def test_law_10_in_a_streamed_completion(stage: Stage, record_property, speaks: bool):
    """By the API, in several ways; most come before the end, else this would show nothing."""
    luck = random.Random(2)  # noqa: S311 -- examples, not secrets
    caught = [await run_race(stage, luck, way, by_api=True, speaks=speaks) for way in OF_API[:6]]
    assert sum(caught) >= 2
    record_property("revocation races", len(caught))


async def test_law_10_what_is_given_is_there_at_the_next_message(stage: Stage):
    """A profile that is given counts from the next message on, in the conversation that goes on."""
    given = await begin_race(stage, stage.inboxes[0], claimed=False)
    browser = stage.browser()
    browser.token = given.token
    async with stage.services.db.begin(stage.organization_id) as tx:
        await take_profile(tx, given)
    assert given.canary not in str(await browser.ask(given.question, key=given.key))
    async with stage.services.db.begin(stage.organization_id) as tx:
        await assign_profile(tx, stage.caller, given.contact, given.profile)
    assert given.canary in str(await browser.ask(given.question, key=given.key))


async def test_law_10_taken_away_after_the_last_word(stage: Stage):
    """All is said and nothing is stored yet: it is not stored, and the reader is told otherwise."""
    asked = await begin_race(stage, stage.inboxes[0], claimed=False)
    whole = Wire(stage.app, 10_000, nothing)
    await ask(asked, whole, by_api=True)
    async with stage.services.db.begin(stage.organization_id) as tx:
        await delete(tx, asked)
    last_word = len(whole.before) - 2  # after it comes what is stored
    assert await run_race(stage, random.Random(3), take_profile, by_api=True, moment=last_word)  # noqa: S311


async def test_law_10_a_slow_reader(stage: Stage):
    """While the reader is slow the answer goes on; what waits for the reader is not shown once it is taken away."""
    race = await begin_race(stage, stage.inboxes[0], claimed=False)

    async def take() -> None:
        async with stage.services.db.begin(stage.organization_id) as tx:
            while not await tx.fetch_value(OUTGOING, {"contact": race.contact}):  # noqa: ASYNC110 -- of another task
                await asyncio.sleep(0.02)
        async with stage.services.db.begin(stage.organization_id) as tx:
            await take_profile(tx, race)

    wire = Wire(stage.app, 1, take)
    await ask(race, wire, by_api=False)
    assert wire.after
    assert not [part for part in wire.after if b"event: delta" in part]
    assert race.canary.encode() not in b"".join(wire.after[:-1])


async def test_law_10_taken_away_while_the_answer_is_stored(stage: Stage):
    """Who takes it away first is waited for; the answer that was about to be stored is not."""
    race = await begin_race(stage, stage.inboxes[0], claimed=False)
    async with stage.services.db.begin(stage.organization_id) as tx:
        await empty_profile(tx, race)  # not committed, so the answer does not see it yet, and its card is not locked
        asked = asyncio.create_task(stage.complete(race.question, message={"sender": str(race.contact)}))
        await until_somebody_waits(tx)
    said = (await asked).json()
    assert race.canary not in str(said)


async def test_law_10_citations_are_checked_at_every_read(stage: Stage):
    """The thread keeps what was said; what it cites is shown for as long as it may be read."""
    race = await begin_race(stage, stage.inboxes[0], claimed=False)
    browser = stage.browser()
    browser.token = race.token
    said = await browser.ask(race.question, key=race.key)
    assert race.canary in str(said["citations"])
    thread = (await stage.get(f"contacts/{race.contact}/conversations")).json()["results"][0]["id"]
    async with stage.services.db.begin(stage.organization_id) as tx:
        await take_profile(tx, race)
    url = browser.url(f"conversations/{thread}/messages")
    messages = (await stage.client.get(url, headers=browser.headers)).json()["messages"]
    assert [message["citations"] for message in messages] == [[], []]


@pytest.mark.laws
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(20))
async def test_law_10_many_races(stage: Stage, record_property, seed: int):
    """Fifty races of all kinds: no stale word and no stale citation."""
    luck = random.Random(seed)  # noqa: S311 -- examples, not secrets
    caught = [await race(stage, luck) for _ in range(RACES_OF_A_TEST)]
    assert sum(caught) >= RACES_OF_A_TEST // 4
    record_property("revocation races", RACES_OF_A_TEST)
