"""Passwords: what one must be like, and how one is kept and checked."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from pwdlib import PasswordHash

from frontdesk.core.errors import InvalidRequest

T = TypeVar("T")

_SHORTEST, _LONGEST = 10, 1000
_AT_ONCE = 2  # one hash takes 64 MiB of memory


async def hash_password(password: str, *, email: str) -> str:
    """Return what the database keeps. Raises InvalidRequest when `password` breaks a rule.

    Slow on purpose, so call it outside of a transaction.
    """
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise InvalidRequest(f"A password has {_SHORTEST} to {_LONGEST} characters.", pointer="/password")
    if password.strip().lower() == email:
        raise InvalidRequest("The e-mail cannot be the password.", pointer="/password")
    return await _in_thread(lambda: _hasher().hash(_to_bytes(password)))


async def verify_password(password: str, stored: str | None) -> bool:
    """Tell whether `password` is the one behind `stored`. None takes the same time, and is False."""
    if stored is None:
        await _in_thread(lambda: bool(_hasher().hash(_to_bytes(password))))
        return False
    return await _in_thread(lambda: _hasher().verify(_to_bytes(password), stored))


def _to_bytes(password: str) -> bytes:
    # Keyboards differ in how they compose a character; the person typed the same one.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


async def _in_thread(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_threads(), work)


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="passwords")
