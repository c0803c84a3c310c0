"""What the query builder reads from JSON and writes again means the same, whatever was written and however."""

import json
import subprocess
from pathlib import Path
from random import Random

import pytest
from tests.access.strategies import World, facts_of, make_world, random_query_metadata

from frontdesk.access.model import Layer, Nothing, Scope, permits
from frontdesk.access.parse import parse_query_metadata

ROOT = Path(__file__).parents[2]
CASES = 300

# Every base is written again as it was read; a base that is listed twice is for the JSON alone.
REWRITE = """(cases) => cases.map(([text, readsAllFaqs]) => {
  const found = builder.Conditions.read(text, readsAllFaqs);
  const shown = [];
  for (const base of found.bases()) {
    if (found.isRepeated(base)) continue;
    const clause = found.clause(base);
    shown.push([base, clause.files, clause.faqs, (clause.labels ?? found.outer()) !== null]);
    found.set(base, clause);
  }
  return [found.text(), shown];
})"""


@pytest.fixture
def script(tmp_path) -> str:
    """The builder's model, bundled for a page."""
    (esbuild,) = (ROOT / "node_modules").glob("@esbuild/*/bin/esbuild")
    bundle = tmp_path / "model.js"
    source = ROOT / "frontend" / "console" / "builder_model.ts"
    options = ("--bundle", "--format=iife", "--global-name=builder", "--log-level=warning")
    subprocess.run([esbuild, source, *options, f"--outfile={bundle}"], check=True)  # noqa: S603 -- our own bundler
    return bundle.read_text()


def written(rng: Random, world: World) -> dict:
    while (raw := random_query_metadata(rng, world)) is None:
        pass
    return raw


def read(raw: object, *, reads_all_faqs: bool) -> Scope:
    return parse_query_metadata(raw, layer=Layer.PROFILE, vendor_faq_reading=reads_all_faqs).scope or Nothing()


def opened(scope: Scope, world: World) -> set[str]:
    return {document.id for document in world.documents if permits(scope, facts_of(document))}


def shown_as_open(shown: list, world: World) -> set[str]:
    """What the boxes say is open, of bases that no labels narrow."""
    ticked = {
        (base, kind): chosen for base, *both, _ in shown for kind, chosen in zip(("file", "faq"), both, strict=True)
    }
    found = set()
    for document in world.documents:
        chosen = ticked.get((document.base, document.kind), "none")
        if document.state == "done" and (chosen == "all" or (chosen != "none" and document.id in chosen)):
            found.add(document.id)
    return found


async def test_what_is_read_and_written_again_means_the_same(chromium, script):
    """The same documents are open before and after, and of bases without labels just those that are ticked."""
    worlds = [make_world(Random(seed)) for seed in range(CASES)]  # noqa: S311 -- not secret
    cases = [(written(Random(seed), world), seed % 3 == 0) for seed, world in enumerate(worlds)]  # noqa: S311
    page = await chromium.new_page()
    await page.add_script_tag(content=script)
    found = await page.evaluate(REWRITE, [[json.dumps(raw), reads_all] for raw, reads_all in cases])
    await page.close()
    ticked = 0
    for (raw, reads_all), (text, shown), world in zip(cases, found, worlds, strict=True):
        before = opened(read(raw, reads_all_faqs=reads_all), world)
        assert opened(read(json.loads(text), reads_all_faqs=reads_all), world) == before, raw
        plain = [one for one in shown if not one[3]]
        bases = {one[0] for one in plain}
        assert shown_as_open(plain, world) == {
            one.id for one in world.documents if one.id in before and one.base in bases
        }
        ticked += len(before)
    assert ticked > CASES  # the cases open something
