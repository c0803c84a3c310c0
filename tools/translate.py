"""Compile the translations, or with --check tell which texts of the interface have none.

`--update` collects the texts of code and templates into the catalogues first.
"""

import subprocess
import sys
from pathlib import Path

from babel.messages.pofile import read_po

ROOT = Path(__file__).parent.parent
LOCALE = ROOT / "src/frontdesk/locale"
BABEL = [sys.executable, "-m", "babel.messages.frontend"]


def compile_all() -> None:
    """Write the .mo files. A catalogue without a header, as `update` leaves it, counts as fuzzy for Babel."""
    subprocess.run([*BABEL, "-q", "compile", "--use-fuzzy", "-d", str(LOCALE), "-D", "frontdesk"], check=True)


def collect() -> Path:
    """Collect all texts into a template and return it."""
    template = ROOT / ".cache/frontdesk.pot"
    template.parent.mkdir(exist_ok=True)
    mapping = ROOT / "tools/babel.cfg"
    options = ["-F", str(mapping), "-o", str(template), "--no-location", "--omit-header"]
    command = [*BABEL, "-q", "extract", *options, "src"]
    subprocess.run(command, check=True, cwd=ROOT)
    return template


def update() -> None:
    """Bring new texts into each catalogue; texts that are gone are dropped."""
    template = collect()
    command = [*BABEL, "-q", "update", "-i", str(template), "-d", str(LOCALE), "-D", "frontdesk"]
    subprocess.run([*command, "--no-fuzzy-matching", "--ignore-obsolete", "--omit-header"], check=True)


def untranslated() -> list[str]:
    """Return "language: text" for each text that a catalogue lacks."""
    with collect().open("rb") as file:
        wanted = {message.id for message in read_po(file) if message.id}
    missing = []
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/frontdesk.po")):
        with path.open("rb") as file:
            known = {message.id for message in read_po(file) if any(message.string)}
        missing += [f"{path.parent.parent.name}: {text}" for text in sorted(map(str, wanted - known))]
    return missing


if __name__ == "__main__":
    if "--update" in sys.argv:
        update()
    if "--check" in sys.argv:
        missing = untranslated()
        print("\n".join(missing))
        sys.exit(1 if missing else 0)
    compile_all()
