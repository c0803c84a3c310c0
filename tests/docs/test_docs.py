"""What the documentation names exists: links, files, commands, targets, tests, dependencies, examples."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import typer

from frontdesk.access.model import Layer
from frontdesk.access.parse import parse_query_metadata
from frontdesk.cli import app
from frontdesk.identities.errors import RefusalReason

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "frontdesk"
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PRESENT = [path for path in DOCS if path.name != "CHANGELOG.md" and not path.name.startswith("0")]  # not history

_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCED = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_of(path: Path) -> str:
    """All that stands in code, inline or in blocks."""
    return "\n".join(_CODE.findall(path.read_text()))


def anchors_of(path: Path) -> set[str]:
    """The headings of a page, as they are linked to."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def exists(path: str) -> bool:
    return any((folder / path).exists() for folder in (ROOT, PACKAGE))


@pytest.mark.parametrize("page", DOCS, ids=name)
def test_links_lead_somewhere(page: Path):
    """Every relative link, picture and anchor."""
    for link in _LINK.findall(_FENCED.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


@pytest.mark.parametrize("page", PRESENT, ids=name)
def test_files_that_are_named_exist(page: Path):
    """A path that ends in a known suffix is one of the repository, or of the package."""
    named = re.findall(r"(?<![\w./-])((?:[\w.-]+/)+[\w-]+\.(?:py|ts|txt|toml|json|po|md))\b", code_of(page))
    assert [path for path in named if not exists(path)] == []


def test_the_folders_of_the_map_exist():
    """The README's map is the repository."""
    block = re.search(r"## Map\n\n```\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block is not None
    folders = re.findall(r"^ *([\w/]+/)(?= )", block[1], re.MULTILINE)
    files = re.findall(r"\b(\w+\.py)\b", block[1])
    assert len(folders) > 15
    assert [one for one in (*folders, *files) if not exists(one)] == []


@pytest.mark.parametrize("page", DOCS, ids=name)
def test_make_targets_that_are_named_exist(page: Path):
    """`make x` works for every x."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", code_of(page), re.MULTILINE)) <= targets


def test_every_make_target_is_explained():
    """The list in CONTRIBUTING is complete."""
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {"help"}
    explained = set(re.findall(r"^\| `make ([a-z-]+)` \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE))
    assert explained == targets


@pytest.mark.parametrize("page", DOCS, ids=name)
def test_commands_that_are_named_exist(page: Path):
    """Every `frontdesk x`, with its options."""
    commands = typer.main.get_group(app).commands
    for command, rest in re.findall(r"(?:^|[`/ ])frontdesk ([a-z]+)([^\n`|]*)", code_of(page), re.MULTILINE):
        assert command in commands, command
        options = {
            one for parameter in commands[command].params for one in (*parameter.opts, *parameter.secondary_opts)
        }
        assert set(re.findall(r"(--[a-z-]+)", rest.partition("#")[0])) <= options, command + rest


@pytest.mark.parametrize("page", PRESENT, ids=name)
def test_tests_that_are_named_exist(page: Path):
    """A promise names the test that holds it."""
    there = {
        found for path in (ROOT / "tests").rglob("*.py") for found in re.findall(r"def (test_\w+)\(", path.read_text())
    }
    named = {one for one in re.findall(r"`(test_\w+)`", page.read_text()) if not one.endswith("_")}
    assert named <= there


@pytest.mark.parametrize("page", DOCS, ids=name)
def test_no_page_knows_the_machine_it_was_written_on(page: Path):
    """No path of somebody's home or workplace; `~` and folders of a server are fine."""
    assert re.findall(r"(?<![\w.\])])/(?:home|Users|root|tmp|work|mnt)/\S*", page.read_text()) == []


def test_every_dependency_has_its_paragraph():
    """What `pyproject.toml` names and what is explained are the same."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    page = (ROOT / "docs/decisions/runtime-dependencies.md").read_text()
    wanted = {re.split(r"[^\w-]", one, maxsplit=1)[0] for one in listed}
    assert sorted(re.findall(r"^\*\*([\w-]+)\*\*", page, re.MULTILINE)) == sorted(wanted)


def test_every_build_dependency_is_listed():
    """The same for what npm installs."""
    package = json.loads((ROOT / "package.json").read_text())
    page = (ROOT / "docs/decisions/runtime-dependencies.md").read_text()
    listed = set(re.findall(r"^\| ([@\w./-]+) \| \d", page, re.MULTILINE))
    assert listed == package["dependencies"].keys() | package["devDependencies"].keys()


def examples_of_query_metadata() -> list[str]:
    pages = ("docs/reference/query-metadata.md", "docs/how-to/restrict-documents.md")
    return [text for page in pages for kind, text in _FENCED.findall((ROOT / page).read_text()) if kind == "json"]


@pytest.mark.parametrize("text", examples_of_query_metadata())
def test_examples_of_query_metadata_can_be_read(text: str):
    """They are legal, and nothing in them is probably meant otherwise."""
    assert parse_query_metadata(json.loads(text), layer=Layer.CONTACT).warnings == ()


def test_every_reason_of_a_refused_token_is_explained():
    """Whoever reads a reason in the log finds it in the how-to."""
    page = (ROOT / "docs/how-to/identify-members.md").read_text()
    explained = re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \|", page, re.MULTILINE)
    reasons = {reason for cell in explained for reason in re.findall(r"`([a-z_]+)`", cell)}
    assert {reason.value for reason in RefusalReason} <= reasons


def test_the_decisions_are_listed():
    """The index names every decision, and nothing else."""
    folder = ROOT / "docs/decisions"
    listed = re.findall(r"^\| \[\d{4}\]\((.+?)\)", (folder / "README.md").read_text(), re.MULTILINE)
    assert listed == sorted(path.name for path in folder.glob("0*.md"))
    assert all("\nStatus: " in (folder / one).read_text() for one in listed)
