"""The embedded PostgreSQL, with real servers. When run as root, so does the product, and the server must not."""

import contextlib
import itertools
import os
import pwd
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from frontdesk.core.embedded import EmbeddedError, EmbeddedServer, default_data_dir, run_embedded

APP = """
import sys
from pathlib import Path
from frontdesk.core.embedded import run_embedded
with run_embedded(Path(sys.argv[1])):
    print("up", flush=True)
    sys.stdin.readline()
"""
WRITER = """
import sys
from pathlib import Path
import psycopg
from frontdesk.core.embedded import run_embedded
with run_embedded(Path(sys.argv[1])) as server, psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
    print("up", flush=True)
    while True:
        print(connection.execute("INSERT INTO written DEFAULT VALUES RETURNING number").fetchone()[0], flush=True)
"""
IS_ROOT = os.geteuid() == 0


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A new folder that everybody may enter; what pytest makes is closed to other users."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A data folder that most tests share, so that only the first one waits for initdb."""
    with open_folder() as folder:
        yield folder / "data"


@pytest.fixture
def fresh() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@contextlib.contextmanager
def app(data_dir: Path, program: str = APP, *, wait: bool = True) -> Iterator[subprocess.Popen[str]]:
    """Another process of the product; it leaves in an orderly way when its input ends."""
    command = [sys.executable, "-c", program, str(data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        try:
            if wait:
                assert process.stdout.readline() == "up\n"
            yield process
        finally:
            process.stdin.close()


def query(server: EmbeddedServer, sql: str) -> str:
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return str(cursor.fetchone()[0]) if cursor.description else ""


def postmaster(data_dir: Path) -> int | None:
    """Pid of the running server; None when there is none."""
    with contextlib.suppress(FileNotFoundError):
        pid = int((data_dir / "pgdata-18" / "postmaster.pid").read_text().split()[0])
        if Path(f"/proc/{pid}/comm").read_text() == "postgres\n":
            return pid
    return None


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().split()[3])


def soon(condition: Callable[[], object], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_serves_and_stops(home):
    """From nothing to a database with vectors and trigrams of Chinese words; nothing runs afterwards."""
    with run_embedded(home) as server:
        query(server, "CREATE DATABASE frontdesk")
        query(server, "CREATE EXTENSION vector; CREATE EXTENSION pg_trgm")
        assert query(server, "SELECT '[1,2]'::vector <-> '[1,2]'") == "0.0"
        assert query(server, "SELECT cardinality(show_trgm('會員'))") == "3"
        query(server, "CREATE ROLE ann LOGIN PASSWORD 'a b''c'")
        with psycopg.connect(server.dsn("ann", "a b'c")) as connection:
            assert connection.info.dbname == "frontdesk"
    assert postmaster(home) is None


def test_only_people_with_the_password_come_in(home):
    """The socket is private, the password is in a private file and in no log line, and nothing listens on TCP."""
    with run_embedded(home) as server:
        assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE((home / "postgres.password").stat().st_mode) == 0o600
        assert (home / "postgres.password").read_text() not in repr(server)
        assert (
            query(server, "SELECT string_agg(type || auth_method, ',') FROM pg_hba_file_rules") == "localscram-sha-256"
        )
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(server.dsn("postgres", "guess", "postgres"))
        links = {str(link.readlink()) for link in Path(f"/proc/{postmaster(home)}/fd").iterdir()}
        tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
        inodes = {line.split()[9] for table in tables if table.exists() for line in table.read_text().splitlines()[1:]}
        assert not links & {f"socket:[{inode}]" for inode in inodes}
        assert any(link.startswith("socket:") for link in links)


def test_the_server_is_not_root(home):
    """As root the server is an unprivileged user, without groups, and our folder stays closed to others."""
    with run_embedded(home) as server:
        uid = Path(f"/proc/{postmaster(home)}").stat().st_uid
        assert uid == (home / "pgdata-18").stat().st_uid
        assert uid != 0
        assert IS_ROOT or uid == os.geteuid()
        groups = query(server, "SELECT pg_read_file('/proc/self/status')").partition("Groups:")[2].partition("\n")[0]
        assert not IS_ROOT or not groups.split()
    assert home.stat().st_uid == os.geteuid()
    assert stat.S_IMODE(home.stat().st_mode) & 0o027 == 0


def test_as_root_the_folders_owner_runs_the_server(home):
    """Root may use somebody's folder without taking it away from them; the data follow the folder to its new owner."""
    before = home.stat()
    os.chown(home, pwd.getpwnam("daemon").pw_uid if IS_ROOT else -1, -1)
    with run_embedded(home) as server:
        assert query(server, "SELECT 1") == "1"
        assert Path(f"/proc/{postmaster(home)}").stat().st_uid == home.stat().st_uid
    needed = ("pgdata-18", "pgdata-18/PG_VERSION", "postgres.password", "postgres.log", "users.lock", "guard.lock")
    assert {(home / name).stat().st_uid for name in needed} == {home.stat().st_uid}
    os.chown(home, before.st_uid, before.st_gid)


def test_two_processes_share_one_server(home):
    """The second process joins; the server outlives the one that started it and leaves with the last."""
    with contextlib.ExitStack() as second:
        with app(home):
            first = postmaster(home)
            server = second.enter_context(run_embedded(home))
        assert postmaster(home) == first
        assert query(server, "SELECT 1") == "1"
    assert postmaster(home) is None


def test_simultaneous_starts_make_one_server(home):
    """Whoever comes first starts it, the others wait for it."""
    with contextlib.ExitStack() as stack:
        apps = [stack.enter_context(app(home, wait=False)) for _ in range(4)]
        assert [process.stdout.readline() for process in apps] == ["up\n"] * 4
        assert (home / "postgres.log").read_text().splitlines()[-1].endswith("ready to accept connections")
    assert postmaster(home) is None


def test_a_killed_app_takes_the_server_along_and_loses_no_row(home):
    """`kill -9` of the last user stops the server within two seconds; what was committed is there at the next start."""
    with run_embedded(home) as server:
        query(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    with app(home) as process:
        process.kill()
        assert soon(lambda: postmaster(home) is None, seconds=2)
    with run_embedded(home) as server:
        assert query(server, "SELECT answer FROM kept") == "42"


def test_a_killed_server_comes_back(home):
    """`kill -9` of PostgreSQL: the guard starts it again, and committed rows are there."""
    with run_embedded(home) as server:
        query(server, "CREATE TABLE survived AS SELECT 7 AS answer")
        time.sleep(1.2)  # what dies within the first second is not tried again
        killed = postmaster(home)
        os.kill(killed, signal.SIGKILL)
        assert soon(lambda: postmaster(home) not in (None, killed))
        assert soon(lambda: "\nready" in (home / "pgdata-18" / "postmaster.pid").read_text())
        assert query(server, "SELECT answer FROM survived") == "7"


def test_a_killed_guard_takes_the_server_along(home):
    """No server is left without a guard, and the next process starts a new one at once."""
    with run_embedded(home) as server:
        guard = parent_of(postmaster(home))
        orphan = postmaster(home)
        os.kill(guard, signal.SIGKILL)
        with run_embedded(home):
            assert postmaster(home) != orphan
            assert query(server, "SELECT 1") == "1"


def test_a_stop_of_the_system_leaves_the_app_its_database(home):
    """SIGTERM to the guard changes nothing: the server is stopped when its last user has left."""
    with run_embedded(home) as server:
        guard = parent_of(postmaster(home))
        os.kill(guard, signal.SIGTERM)
        time.sleep(0.5)
        assert query(server, "SELECT 1") == "1"
    assert postmaster(home) is None


def test_a_stale_pid_of_another_program_does_not_matter(home):
    """After a container's restart, the pid in the lock file of PostgreSQL may be anybody's."""
    user = (home / "pgdata-18").stat().st_uid if IS_ROOT else None
    with subprocess.Popen(["/bin/sleep", "60"], user=user) as other, contextlib.ExitStack() as last:
        last.callback(other.kill)
        (home / "pgdata-18" / "postmaster.pid").write_text(f"{other.pid}\n/nowhere\n1\n5432\n\n\n\nready\n")
        with run_embedded(home) as server:
            assert query(server, "SELECT 1") == "1"


def test_a_kill_during_initdb_leaves_nothing_half_made(fresh):
    """The database folder appears only when it is complete; the next start begins anew."""
    with app(fresh, wait=False) as process:
        assert soon((fresh / "initdb.tmp" / "base").exists)
        process.kill()
    assert not (fresh / "pgdata-18").exists()
    with run_embedded(fresh) as server:
        assert query(server, "SHOW data_checksums") == "on"
    assert not (fresh / "initdb.tmp").exists()


@pytest.mark.parametrize("folder", ["pgdata-17", "pgdata-18"])
def test_data_of_another_version_is_refused(fresh, folder):
    """Both versions and the remedy are named, and no empty database is put beside the data."""
    (fresh / folder).mkdir()
    (fresh / folder / "PG_VERSION").write_text("17\n")
    with (
        pytest.raises(EmbeddedError, match=r"PostgreSQL 17 and this is 18: dump it .* or set DATABASE_URL\.$"),
        run_embedded(fresh),
    ):
        pass
    assert not list(fresh.glob("*/base"))


def test_a_folder_that_cannot_be_written_is_named(fresh):
    """One sentence with the remedy instead of an OSError."""
    (fresh / "file").touch()
    with pytest.raises(EmbeddedError, match=rf"{fresh}/file .* FRONTDESK_DATA\.$"), run_embedded(fresh / "file"):
        pass


def test_folders_above_stay_as_they_are(fresh):
    """A folder above that is closed to the unprivileged user is not opened: root gets one sentence with the remedy."""
    closed = fresh / "closed"
    closed.mkdir(mode=0o700)
    before = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in (closed, fresh)]
    expected = (
        pytest.raises(EmbeddedError, match=r"may not enter .* FRONTDESK_DATA") if IS_ROOT else contextlib.nullcontext()
    )
    with expected, run_embedded(closed / "data") as server:
        assert query(server, "SELECT 1") == "1"
    assert [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in (closed, fresh)] == before


def test_a_moved_folder_works_even_where_its_path_cannot_be_a_socket_address(home, fresh, monkeypatch):
    """The data are not bound to their place; a path too long, or with a comma, gets a short private folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(fresh))
    for name in ("far" * 30, "comma,"):
        far = home.rename(fresh / name)
        with run_embedded(far) as server:
            assert query(server, "SELECT 1") == "1"
            assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
            assert sorted(fresh.iterdir()) == sorted([far, server.socket_dir])  # what earlier starts made is gone
        far.rename(home)
    with run_embedded(home) as server:
        assert server.socket_dir == home / "run"
    assert not list(fresh.iterdir())


def test_a_failed_start_says_why(home):
    """The last lines of the log are in the error, at once."""
    settings = home / "pgdata-18" / "postgresql.conf"
    right = settings.read_text()
    settings.write_text(right + "nonsense = on\n")
    with pytest.raises(EmbeddedError, match=r'unrecognized configuration parameter "nonsense"'), run_embedded(home):
        pass
    settings.write_text(right)


def test_a_wrong_or_missing_password_file_is_named(home):
    """Whoever lost the password is told which file to restore, without waiting."""
    file = home / "postgres.password"
    right = file.read_text()
    file.write_text("wrong")
    with pytest.raises(EmbeddedError, match="is not the password of"), run_embedded(home):
        pass
    file.unlink()
    with pytest.raises(EmbeddedError, match="is missing: restore it"), run_embedded(home):
        pass
    file.write_text(right)


def test_the_default_folder_follows_the_system(monkeypatch):
    """As root below /var/lib, else in the user's data folder; a relative XDG_DATA_HOME counts for nothing."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_dir() == Path("/var/lib/frontdesk")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/x")
    assert default_data_dir() == Path("/x/frontdesk")
    monkeypatch.setenv("XDG_DATA_HOME", "x")
    assert default_data_dir() == Path.home() / ".local/share/frontdesk"


@pytest.mark.long
def test_no_committed_row_is_lost_however_everything_is_killed(home):
    """Fifteen rounds of `kill -9` of app, guard and server, in every order, amid a stream of inserts."""
    with run_embedded(home) as server:
        query(server, "CREATE TABLE written (number bigserial)")
    acknowledged = 0
    for number in range(15):
        with app(home, WRITER) as process:
            time.sleep(0.1 + number / 20)
            server_pid = postmaster(home)
            guard = parent_of(server_pid)
            orders = list(itertools.permutations([process.pid, guard, server_pid]))
            for victim in orders[number % len(orders)]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
            acknowledged = max([acknowledged, *(int(line) for line in process.stdout.read().splitlines())])
        with run_embedded(home) as server:
            assert int(query(server, "SELECT max(number) FROM written")) >= acknowledged > number
