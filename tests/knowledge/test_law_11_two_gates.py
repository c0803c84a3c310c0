"""Law 11: with either gate removed the other still yields no invisible row, and the alarm fires."""

import pytest
from prometheus_client import REGISTRY

from frontdesk.access.model import All
from frontdesk.knowledge import search as searching
from frontdesk.knowledge.errors import ScopeLeak
from knowledge.worlds import make_world


def alarms() -> float:
    return REGISTRY.get_sample_value("frontdesk_scope_leaks_total") or 0.0


async def test_without_the_first_gate(library, monkeypatch):
    """The last check refuses the answer as a whole and counts what it held back."""
    world, compile_scope, before = await make_world(library), searching._compile, alarms()
    monkeypatch.setattr(searching, "_compile", lambda tx, _, language: compile_scope(tx, All(), language))
    with pytest.raises(ScopeLeak):
        await library.ask(world.scope, "What is the secret?")
    assert alarms() == before + 1


async def test_without_the_second_gate(library, monkeypatch):
    """The first gate alone lets nothing invisible near."""
    world, read, before = await make_world(library), searching._read, alarms()
    monkeypatch.setattr(searching, "_read", lambda tx, _, scores: read(tx, All(), scores))
    result = await library.ask(world.scope, "What is the secret?")
    assert {hit.document_id for hit in result.hits} <= {document.id for document in world.visible}
    assert result.hits
    assert alarms() == before


async def test_access_taken_away_in_the_middle_is_no_bug(library, monkeypatch):
    """A document that is closed between the two gates is searched for no more, without an alarm and without a trace."""
    world, rank, before = await make_world(library), searching._rank, alarms()
    lost = world.visible[0]

    async def rank_then_close(*arguments):
        ranked = await rank(*arguments)
        await library.relabel(lost, [])
        return ranked

    monkeypatch.setattr(searching, "_rank", rank_then_close)
    result = await library.ask(world.scope, "How long does standard shipping take?")
    assert lost.id not in {hit.document_id for hit in result.hits}
    assert result.permitted_count == len(world.visible) - 1
    assert alarms() == before


async def test_a_connection_carries_no_organization_over(library, other_library):
    """The same connections serve two organizations in turn; neither sees the other's documents."""
    first, second = await make_world(library), await make_world(other_library)
    for _ in range(5):
        one = await library.ask(All(), "delivery fee", limit=50)
        two = await other_library.ask(All(), "delivery fee", limit=50)
        assert {hit.knowledge_base_id for hit in one.hits} == {first.base}
        assert {hit.knowledge_base_id for hit in two.hits} == {second.base}
