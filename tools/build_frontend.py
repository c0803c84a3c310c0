"""Build the console's script and style, the chat widget and the demo page into `src/frontdesk/static`.

Nothing is done while the inputs are unchanged. `--check` type-checks and tests first. Fails when the widget outgrows
its budget.
"""

import gzip
import hashlib
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from node import ROOT, Node, find_node, run_or_exit

SOURCE = ROOT / "frontend"
STATIC = ROOT / "src" / "frontdesk" / "static"
MODULES = ROOT / "node_modules"
LOCK = ROOT / "package-lock.json"
ICONS = MODULES / "@tabler" / "icons" / "icons"

BUNDLES = {
    "widget": "widget/loader.ts",
    "frame": "widget/frame/main.ts",
    "console": "console/console.ts",
    "theme": "console/theme.ts",
    "demo": "demo/demo.ts",
    "docs": "docs/docs.ts",
}
BUDGETS = {("widget.js",): 5_000, ("widget.js", "frame.js", "frame.css"): 45_000}  # bytes, compressed
BUNDLED_PACKAGES = ("htmx.org", "@tabler/core", "@tabler/icons", "swagger-ui-dist")
LICENSE_FILES = ("LICENSE*", "NOTICE*", "*-es-bundle.js.LICENSE.txt")  # the last: of what a package bundles itself


def main() -> None:
    """Bring the static folder up to date."""
    inputs = hash_inputs()
    is_current = read_manifest().get("inputs") == inputs
    is_check = "--check" in sys.argv[1:]
    if is_current and not is_check:
        return
    node = find_node()
    install_modules(node)
    if is_check:
        node.run(MODULES / "typescript" / "bin" / "tsc", "--noEmit", "-p", SOURCE)
        run_tests(node)
    if not is_current:
        build(inputs)
    check_sizes()


def hash_inputs() -> str:
    """Hash everything that the output depends on."""
    digest = hashlib.sha256()
    for path in (LOCK, Path(__file__), *sorted(path for path in SOURCE.rglob("*") if path.is_file())):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def read_manifest() -> dict[str, object]:
    """Return what the last build wrote; empty when there was none."""
    path = STATIC / "manifest.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def install_modules(node: Node) -> None:
    """Install the locked packages unless they are there. No package may run a script of its own meanwhile."""
    stamp, wanted = MODULES / ".lock-hash", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    node.run_npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
    stamp.write_text(wanted)


def run_tests(node: Node) -> None:
    """Run the tests of what needs no browser."""
    folder = ROOT / ".cache" / "frontend-tests"
    shutil.rmtree(folder, ignore_errors=True)
    sources = sorted((SOURCE / "tests").glob("*.test.ts"))
    run_esbuild(
        *map(str, sources),
        "--bundle",
        "--platform=node",
        "--format=esm",
        "--out-extension:.js=.mjs",
        f"--outdir={folder}",
    )
    node.run("--test", "--test-reporter=dot", *sorted(folder.glob("*.mjs")))


def build(inputs: str) -> None:
    """Build into a new folder, then put it in place of the old one."""
    unfinished = STATIC.with_name("static.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    bundle(unfinished)
    (unfinished / "icons.svg").write_text(render_sprite())
    (unfinished / "licenses.txt").write_text("\n\n".join(read_licenses()))
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in sorted(unfinished.iterdir())}
    (unfinished / "manifest.json").write_text(json.dumps({"inputs": inputs, "files": files}, indent=1))
    shutil.rmtree(STATIC, ignore_errors=True)
    unfinished.rename(STATIC)


def bundle(folder: Path) -> None:
    """Bundle and minify every entry of BUNDLES; a style sheet that a script imports lands beside it."""
    entries = [f"{name}={SOURCE / path}" for name, path in BUNDLES.items()]
    options = ("--bundle", "--minify", "--format=iife", "--target=es2021", "--charset=utf8", "--legal-comments=eof")
    run_esbuild(*entries, *options, f"--outdir={folder}")


def run_esbuild(*arguments: str) -> None:
    """Run the bundler's own program, which came as a package for this machine."""
    (esbuild,) = MODULES.glob("@esbuild/*/bin/esbuild")
    run_or_exit(str(esbuild), *arguments, "--loader:.svg=text", "--log-level=warning")


def render_sprite() -> str:
    """Return one SVG with a symbol for each name in `icons.txt`; a name that ends in `-filled` is the filled icon."""
    names = (SOURCE / "console" / "icons.txt").read_text().split()
    symbols = "\n".join(_render_symbol(name) for name in names)
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{symbols}\n</svg>\n'


def _render_symbol(name: str) -> str:
    is_filled = name.endswith("-filled")
    path = ICONS / "filled" / f"{name.removesuffix('-filled')}.svg" if is_filled else ICONS / "outline" / f"{name}.svg"
    if not path.exists():
        sys.exit(f"frontend/console/icons.txt: Tabler has no icon {name}")
    drawn = re.findall(r"<(?:path|circle|rect|line)\b[^>]*/>", path.read_text())
    shapes = [shape for shape in drawn if "M0 0h24v24H0z" not in shape]  # the empty square that each icon begins with
    paint = ' fill="currentColor" stroke="none"' if is_filled else ""
    return f'<symbol id="{name}" viewBox="0 0 24 24"{paint}>{"".join(shapes)}</symbol>'


def read_licenses() -> Iterator[str]:
    """Yield name, version and licence text of every package whose code or drawings are in the output."""
    for name in BUNDLED_PACKAGES:
        folder = MODULES / name
        about = json.loads((folder / "package.json").read_text())
        texts = [path.read_text().strip() for pattern in LICENSE_FILES for path in sorted(folder.glob(pattern))]
        yield "\n\n".join([f"{name} {about['version']}", *(texts or [about["license"]])])


def check_sizes() -> None:
    """Print raw and compressed sizes; exit if one of BUDGETS is exceeded."""
    built = [path for path in sorted(STATIC.iterdir()) if path.suffix in {".css", ".js", ".svg"}]
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in built}
    for name, size in sizes.items():
        print(f"{name:16}{(STATIC / name).stat().st_size:>10,} bytes{size:>10,} compressed")
    for names, limit in BUDGETS.items():
        total = sum(sizes[name] for name in names)
        if total > limit:
            sys.exit(f"{' + '.join(names)}: {total:,} bytes compressed, more than {limit:,}")


if __name__ == "__main__":
    main()
