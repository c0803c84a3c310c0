"""Run PostgreSQL for as long as somebody uses it. A program of its own, started by `embedded.py`, never by people.

Needs the standard library alone, so that it starts in milliseconds and stays small. It belongs to nobody: no signal to
a process group and no death of the process that started it reaches it. What keeps it alive is the lock `users.lock`,
which the kernel releases even at `kill -9`. PostgreSQL, in turn, is shut down by the kernel if the guard is killed.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

POLL_SECONDS = 0.2
CRASH_LOOP_SECONDS = 1.0  # a server that did not even live that long is not started again
LOG_LIMIT_BYTES = 10 * 1024 * 1024
LOG_KEPT_BYTES = 1024 * 1024
PR_SET_PDEATHSIG = 1  # Source: prctl(2)


def main(data_dir: str, cluster: str, socket_dir: str, uid: str, gid: str, *command: str) -> int:
    """Run `command` until no process shares the lock `users.lock` any more; start it again when it crashes.

    A server that somebody shut down on purpose (exit status 0) stays down.
    """
    log = os.open(Path(data_dir) / "postgres.log", os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    os.fchown(log, int(uid), int(gid))
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    if os.fork():
        return 0  # nobody has to wait for the guard, and nobody is left with its remains
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # At a system stop everybody gets SIGTERM at once, and the app needs its database until it has finished.
        signal.signal(number, lambda *_: None)
    users = os.open(Path(data_dir) / "users.lock", os.O_RDWR)
    while True:
        lock = os.open(Path(data_dir) / "server.lock", os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX)  # after a crash the orphans of the last server need a moment to leave
        forget_stale_pid(Path(cluster) / "postmaster.pid")
        server = launch(command, lock, socket_dir, int(uid), int(gid))
        started_at = time.monotonic()
        while server.poll() is None:
            if is_alone(users):
                server.send_signal(signal.SIGINT)  # fast shutdown
                return server.wait()
            keep_small(log)
            time.sleep(POLL_SECONDS)
        if server.returncode == 0 or time.monotonic() - started_at < CRASH_LOOP_SECONDS:
            return server.returncode


def launch(command: tuple[str, ...], lock: int, socket_dir: str, uid: int, gid: int) -> subprocess.Popen[bytes]:
    """Start the server; it and all its children keep `lock`, which is thus free when none of them is left."""
    is_root = os.geteuid() == 0
    server = subprocess.Popen(  # noqa: S603 - the command comes from embedded.py
        command,
        pass_fds=(lock,),
        stdin=subprocess.DEVNULL,
        env={"LC_ALL": "C.UTF-8", "TMPDIR": socket_dir},
        user=uid if is_root else None,
        group=gid if is_root else None,
        extra_groups=[] if is_root else None,
        preexec_fn=bind_to_parent(os.getpid()),  # noqa: PLW1509 - safe: the guard has one thread
    )
    os.close(lock)
    return server


def forget_stale_pid(file: Path) -> None:
    """Remove the lock file of a dead PostgreSQL whose pid is a zombie or now belongs to another program.

    Both are usual in containers. PostgreSQL would take that pid for a running server and refuse to start; other stale
    files it handles itself. A PostgreSQL that somebody started by hand is left alone.
    """
    try:
        pid = int(file.read_text().partition("\n")[0])
        program = Path(f"/proc/{pid}/cmdline").read_text().partition("\0")[0]
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return
    if Path(program).name != "postgres":
        file.unlink()


def bind_to_parent(parent: int) -> Callable[[], None]:
    """Make a function that asks the kernel to shut the calling process down when `parent` dies.

    To be called after the change of user, which would cancel the request.
    """
    libc = ctypes.CDLL(None)

    def bind() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            os._exit(1)

    return bind


def is_alone(users: int) -> bool:
    """Whether no process uses the server; if so, newcomers now wait until the guard has left."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def keep_small(log: int) -> None:
    """Drop the beginning of the log when it has grown; a full disk is no reason to stop the server."""
    size = os.fstat(log).st_size
    if size > LOG_LIMIT_BYTES:
        with contextlib.suppress(OSError):
            tail = os.pread(log, LOG_KEPT_BYTES, size - LOG_KEPT_BYTES)
            os.ftruncate(log, 0)
            os.write(log, tail)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
