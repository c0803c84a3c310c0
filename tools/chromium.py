"""Make a Chromium for the browser tests available and print the path of its executable.

Debian's package is used: the installed one, or installed now when we are root, or unpacked into `.cache/chromium`
without touching the system when we are an ordinary user. Two small fonts come along, so that screenshots show Latin
and Chinese text alike everywhere.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

INSTALLED = Path("/usr/bin/chromium")
PACKAGES = ("chromium", "fonts-liberation", "fonts-wqy-microhei")
CACHE = Path(__file__).resolve().parent.parent / ".cache"

WRAPPER = """\
#!/bin/sh
# Debian's Chromium, unpacked beside this script by tools/chromium.py.
here=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH="{libraries}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
export FONTCONFIG_FILE="$here/fonts.conf"
export XDG_DATA_DIRS="$here/root/usr/share:${{XDG_DATA_DIRS:-/usr/local/share:/usr/share}}"
exec "$here/root/usr/lib/chromium/chromium" "$@"
"""

FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{folder}/root/usr/share/fonts</dir>
  <cachedir>{folder}/fonts</cachedir>
</fontconfig>
"""


def main() -> None:
    """Print the path of a Chromium that runs; exit with a sentence when none can be had."""
    wrapper = CACHE / "chromium" / "chromium"
    if INSTALLED.exists():
        print(INSTALLED)
    elif os.geteuid() == 0:
        install()
        print(INSTALLED)
    else:
        if not wrapper.exists():
            unpack(CACHE / "chromium")
        print(wrapper)


def install() -> None:
    """Install Debian's packages into the system. May be repeated."""
    if _run("apt-get", *_quiet_install(), check=False):
        return
    _run("apt-get", "-q", "update")
    _run("apt-get", *_quiet_install())


def unpack(folder: Path) -> None:
    """Fill `folder` with Chromium, what it needs beyond the installed packages, and a wrapper script that starts it.

    The folder appears when it is complete, so an interrupted run is simply repeated.
    """
    unfinished = folder.with_name("chromium.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / "root").mkdir(parents=True)
    apt = _own_apt(CACHE / "apt")
    _run("apt-get", *apt, "-q", "update")
    packages = _missing_packages(apt)
    (unfinished / "debs").mkdir()
    _run("apt-get", *apt, "-q", "download", *packages, cwd=unfinished / "debs")
    for package in sorted((unfinished / "debs").glob("*.deb")):
        _run("dpkg-deb", "-x", str(package), str(unfinished / "root"))
    shutil.rmtree(unfinished / "debs")
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
    _write_wrapper(folder)


def _own_apt(folder: Path) -> list[str]:
    """Return options that let an ordinary user fetch package lists: apt keeps its state in `folder`."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    values = {
        "Dir::State": folder / "state",
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": folder / "cache",
        "Debug::NoLocking": "true",
    }
    return [part for name, value in values.items() for part in ("-o", f"{name}={value}")]


def _missing_packages(apt: list[str]) -> list[str]:
    """Name what apt would install to have PACKAGES, in this machine's state."""
    plan = subprocess.run(
        ["apt-get", *apt, "-s", "-q", "install", "--no-install-recommends", *PACKAGES],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if plan.returncode:
        sys.exit(f"apt-get cannot plan the installation of {' '.join(PACKAGES)}:\n{plan.stderr}")
    return [line.split()[1] for line in plan.stdout.splitlines() if line.startswith("Inst ")]


def _write_wrapper(folder: Path) -> None:
    """Write the script last: its presence says that the folder is complete."""
    libraries = [
        f"$here/{path.relative_to(folder)}"
        for pattern in ("usr/lib/*-linux-gnu*", "lib/*-linux-gnu*", "usr/lib/*-linux-gnu*/*")
        for path in sorted((folder / "root").glob(pattern))
        if path.is_dir() and any(path.glob("*.so*"))
    ]
    (folder / "fonts.conf").write_text(FONTS.format(folder=folder))
    script = folder / "chromium.new"
    script.write_text(WRAPPER.format(libraries=":".join(libraries)))
    script.chmod(0o755)
    script.rename(folder / "chromium")


def _quiet_install() -> list[str]:
    return ["-q", "-y", "install", "--no-install-recommends", *PACKAGES]


def _run(*command: str, cwd: Path | None = None, check: bool = True) -> bool:
    """Run `command` with its output on standard error; say whether it succeeded, or exit if it had to."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    code = subprocess.run(command, check=False, cwd=cwd, env=environment, stdout=sys.stderr).returncode
    if code and check:
        sys.exit(f"{' '.join(command[:1])} failed with status {code}; a Chromium is needed for the browser tests.")
    return code == 0


if __name__ == "__main__":
    main()
