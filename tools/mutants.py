"""Break the source on purpose, one way at a time, and demand that a named test notices: `make test-mutants`.

Each mutant is made in a copy of the source; the copy without any must pass all the named tests. It fails when a mutant
survives, and when one can no longer be made because the text that it changes is gone.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
COPIED: Final = ("src", "tests", "benchmarks", "pyproject.toml", "docs", "frontend")
LAW_10: Final = "tests/laws/test_law_10_revocation_races.py"
GATES: Final = "tests/knowledge/test_law_11_two_gates.py"


@dataclass(frozen=True, slots=True)
class Mutant:
    """`changes` are texts of `file` that occur once, and what stands there instead."""

    name: str
    file: str
    changes: tuple[tuple[str, str], ...]
    test: str


SEARCH: Final = "knowledge/search.py"
_ALL: Final = (
    "from frontdesk.access.model import DocumentKind, Scope",
    "from frontdesk.access.model import All, DocumentKind, Scope",
)
MUTANTS: Final = (
    Mutant(
        "without the first gate",
        SEARCH,
        (_ALL, ("permitted = await _compile(tx, scope,", "permitted = await _compile(tx, All(),")),
        "tests/knowledge/test_law_05_layers_only_narrow.py::test_layers",
    ),
    Mutant(
        "without the second gate",
        SEARCH,
        (_ALL, ("hits = await _read(tx, scope, scores)", "hits = await _read(tx, All(), scores)")),
        f"{GATES}::test_access_taken_away_in_the_middle_is_no_bug",
    ),
    Mutant(
        "the join without the person",
        "access/layers.py",
        (("        *person,\n", ""),),
        "tests/access/test_oracle_agreement.py::test_all_layers_together_are_read_as_the_oracle_reads_them",
    ),
    Mutant(
        "the join without the inbox",
        "access/layers.py",
        (('Step("inbox", _or_unrestricted(inbox.query_metadata))', 'Step("inbox", All())'),),
        "tests/access/test_oracle_agreement.py::test_all_layers_together_are_read_as_the_oracle_reads_them",
    ),
    Mutant(
        "documents that are not done",
        "access/sql.py",
        (("(d.state = 'done' AND {", "(d.state <> 'deleting' AND {"),),
        "tests/access/test_sql_agreement.py::test_all_opens_what_is_done_and_nothing_opens_nothing",
    ),
    Mutant(
        "stored query metadata that cannot be read is no restriction",
        "access/reading.py",
        (("return Nothing()", "return None"),),
        "tests/laws/test_law_13_fail_closed.py::test_law_13_query_metadata_that_cannot_be_read_opens_nothing",
    ),
    Mutant(
        "text that closes the marks around it",
        "answers/prompt.py",
        (('return text.replace("<", "‹").replace(">", "›")', "return text"),),
        "tests/security/test_s22_hidden_instructions.py::test_s22_a_model_that_obeys_has_nothing_to_tell",
    ),
    Mutant(
        "no check while an answer streams",
        "answers/actions.py",
        (("if version != self._version:", "if version is None:"),),
        f"{LAW_10}::test_law_10_in_a_streamed_completion",
    ),
    Mutant(
        "no check before an answer is stored",
        "answers/actions.py",
        (
            (
                "await access.hold_scope_version(tx)\n            await self._require_permitted(tx, given)\n",
                "await access.hold_scope_version(tx)\n",
            ),
        ),
        f"{LAW_10}::test_law_10_taken_away_while_the_answer_is_stored",
    ),
    Mutant(
        "permissions that may change while an answer is stored",
        "answers/actions.py",
        (("await access.hold_scope_version(tx)\n", "pass\n"),),
        f"{LAW_10}::test_law_10_taken_away_while_the_answer_is_stored",
    ),
    Mutant(
        "text that waited for a slow reader is shown unchecked",
        "webchat/routes.py",
        (("if version is None or await _is_current(door, version):", "if True:"),),
        f"{LAW_10}::test_law_10_a_slow_reader",
    ),
    Mutant(
        "citations in the chat are not checked again",
        "webchat/threads.py",
        ((" and c.document_id not in forbidden", ""),),
        f"{LAW_10}::test_law_10_citations_are_checked_at_every_read",
    ),
    Mutant(
        "earlier turns are not checked again",
        "answers/earlier.py",
        (("forbidden = await find_forbidden(tx, scope, first_given.keys())", "forbidden = frozenset()"),),
        "tests/answers/test_answering.py::test_a_revoked_document_leaves_the_prompt_with_all_that_was_made_of_it",
    ),
)


def main() -> None:
    """Run what the arguments name, or all; exit with 1 when something is not as it should be."""
    chosen = [mutant for mutant in MUTANTS if not sys.argv[1:] or any(word in mutant.name for word in sys.argv[1:])]
    with tempfile.TemporaryDirectory(prefix="frontdesk-mutants-", dir="/tmp") as folder:
        copy = Path(folder)
        for name in COPIED:
            place = ROOT / name
            (shutil.copytree if place.is_dir() else shutil.copy2)(place, copy / name)
        if _fails(copy, sorted({mutant.test for mutant in chosen})):
            sys.exit("The named tests fail without any mutant.")
        wrong = [mutant.name for mutant in chosen if not _is_killed(copy, mutant)]
    print(f"{len(chosen) - len(wrong)} of {len(chosen)} mutants killed; not killed: {', '.join(wrong) or 'none'}")
    sys.exit(bool(wrong) or not chosen)


def _is_killed(copy: Path, mutant: Mutant) -> bool:
    started, place = time.monotonic(), copy / "src/frontdesk" / mutant.file
    source = broken = place.read_text()
    for old, new in mutant.changes:
        if broken.count(old) != 1:
            print(f"{mutant.name}: cannot be made, {mutant.file} no longer says once: {old!r}", flush=True)
            return False
        broken = broken.replace(old, new)
    place.write_text(broken)
    is_killed = _fails(copy, [mutant.test])
    place.write_text(source)
    took = f"{time.monotonic() - started:.0f} s"
    print(f"{mutant.name}: {'killed by' if is_killed else 'SURVIVES'} {mutant.test} ({took})", flush=True)
    return is_killed


def _fails(copy: Path, tests: list[str]) -> bool:
    """Run tests of the copy. Exits when they could not be run: an error, or a test that is not there, is no failure."""
    command = [sys.executable, "-m", "pytest", "-x", "--no-header", "-m", "not long and not laws", *tests]
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1} or "\nERROR " in done.stdout:
        sys.exit(f"The tests did not run:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
    return done.returncode == 1


if __name__ == "__main__":
    main()
