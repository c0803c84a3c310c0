"""Foreign files that could do harm are read in a process of their own, which has no secrets, no network and limits.

`run_confined` starts it; the program itself calls the others before it looks at the file.
"""

import asyncio
import ctypes
import os
import resource
import sys
from typing import BinaryIO, Final

_NOBODY: Final = 65534
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000  # Source: unshare(2)


async def run_confined(module: str, *arguments: str, given: BinaryIO, answered: BinaryIO, seconds: int) -> int | None:
    """Run a program of ours with `given` as its input and `answered` as its output; return its exit status.

    Raises TimeoutError when it takes longer than `seconds` by the clock; it is over then, too.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", module),
        *arguments,
        stdin=given,
        stdout=answered,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "2"},
        cwd="/",
        start_new_session=True,  # Ctrl-C is for us alone: whoever is cancelled ends it
    )
    try:
        return await asyncio.wait_for(process.wait(), seconds)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def leave_network() -> None:
    """Cut this process off from every network, where the system lets it; it must not have a second thread yet."""
    libc = ctypes.CDLL(None)
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def limit(*, cpu_seconds: int, memory_bytes: int, output_bytes: int) -> None:
    """Take no more than this from now on. `memory_bytes` is address space."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))  # SIGXCPU tells it from other ends
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_FSIZE: output_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 64,
    }
    for kind, value in limits.items():
        resource.setrlimit(kind, (value, value))


def become_nobody() -> None:
    """Give up what root may do; call it after the last import, whose files nobody may not be let to read."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
