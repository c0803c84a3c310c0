"""Limits on attempts."""

from datetime import timedelta

import pytest

from frontdesk.core.db import Database
from frontdesk.core.errors import TooManyRequests
from frontdesk.core.text import utc_now
from frontdesk.organizations.throttle import WINDOW, Limit, count_attempt, take_back


async def test_a_limit_frees_itself_attempt_by_attempt(db: Database):
    """At the limit the wait is until the oldest attempt leaves the window, and not a second longer."""
    limits, start = [Limit("test", "slow", 3), Limit("test", "wide", 100)], utc_now()
    async with db.begin_bootstrap() as tx:
        for minute in range(3):
            await count_attempt(tx, limits, start + timedelta(minutes=minute))
        with pytest.raises(TooManyRequests) as refused:
            await count_attempt(tx, limits, start + timedelta(minutes=5))
        assert refused.value.facts["retry_after"] == 600
        await count_attempt(tx, limits, start + WINDOW)
        with pytest.raises(TooManyRequests):
            await count_attempt(tx, limits, start + WINDOW)


async def test_what_is_taken_back_does_not_count(db: Database):
    """An attempt that was none of a guesser leaves room for another; others stay counted."""
    limits, start = [Limit("test", "back", 2)], utc_now()
    async with db.begin_bootstrap() as tx:
        await count_attempt(tx, limits, start)
        await count_attempt(tx, limits, start + timedelta(seconds=1))
        await take_back(tx, limits, start)
        await count_attempt(tx, limits, start + timedelta(seconds=2))
        with pytest.raises(TooManyRequests):
            await count_attempt(tx, limits, start + timedelta(seconds=3))


async def test_old_attempts_are_forgotten(db: Database):
    """The table holds a quarter of an hour, whoever comes next."""
    start = utc_now() - timedelta(days=1)
    async with db.begin_bootstrap() as tx:
        await count_attempt(tx, [Limit("test", "old", 5)], start)
        await count_attempt(tx, [Limit("test", "new", 5)], utc_now())
        assert await tx.fetch_value("SELECT count(*) FROM throttle_attempts WHERE at = %(at)s", {"at": start}) == 0
