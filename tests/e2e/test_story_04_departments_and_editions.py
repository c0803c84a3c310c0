"""Story 4: one question, and what a department or an edition is answered."""

import asyncio

import pytest

from e2e_shop import ask, enter
from frontdesk.access.queries import list_assigned
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.queries import find_owners

PRICES = "May I see the price list of the AP-400?"
SETTINGS = "Where are the advanced settings of the app?"
ANSWERS = {
    "huang": (PRICES, "7,350"),
    "tsai": (PRICES, "9,800"),
    "hsu": (PRICES, "18,900"),
    "kuo": (SETTINGS, "audit log"),
    "yeh": (SETTINGS, "purifiers of your home"),
    "lai": (SETTINGS, "Trial edition"),
}


async def answers_for(desk, chromium, person: str) -> tuple[str, str]:
    """What somebody is answered to their question, and to the one of the others."""
    question, _ = ANSWERS[person]
    context = await chromium.new_context(locale="en-GB")
    frame = await enter(await context.new_page(), desk.url, person=person)
    answers = await ask(frame, question), await ask(frame, SETTINGS if question == PRICES else PRICES)
    await context.close()
    return answers


async def test_story_04_each_is_answered_as_their_department_or_edition_is(desk, chromium):
    """Six people ask two questions: each reads what the template opens to their value, and nothing of the others."""
    found = await asyncio.gather(*(answers_for(desk, chromium, person) for person in ANSWERS))
    for (own, elsewhere), (_, expected) in zip(found, ANSWERS.values(), strict=True):
        assert expected in own
        foreign = {said for _, said in ANSWERS.values()} - {expected}
        assert not [said for said in foreign if said in own + elsewhere]


@pytest.mark.parametrize(
    ("source_id", "profile"),
    [("E-1042", "Employees"), ("D-7014", "Distributors"), ("M-100655", "Customers"), ("P-3003", "Trial edition")],
)
async def test_story_04_the_profile_came_by_a_rule(desk, source_id, profile):
    """Nobody gave it: the card says the department or the edition, and the rule of the template does the rest."""
    async with desk.services.db.begin(desk.organization_id) as tx:
        realm = await tx.fetch_value("SELECT id FROM realms WHERE is_default")
        key = IdentityKey(realm, source_id)
        owner = (await find_owners(tx, [key]))[key]
        held = await list_assigned(tx, owner)
    assert [(one.profile.name, one.provenance) for one in held] == [(profile, "rule")]
