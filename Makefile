# What people type. `make help` lists it. Nothing but make, git and Python 3.11 with venv is presupposed.

PYTHON ?= python3
BIN := .venv/bin
REQUIREMENTS := requirements
TRANSLATIONS := $(patsubst %.po,%.mo,$(wildcard src/frontdesk/locale/*/LC_MESSAGES/*.po))
BUILT := src/frontdesk/static/stamp $(TRANSLATIONS)

.DELETE_ON_ERROR: # a .venv that could not be finished is made anew
.PHONY: help run test test-long test-laws test-mutants check format bench build lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/runtime $(BUILT) ## Start Frontdesk with the demo organization and print its address
	$(BIN)/frontdesk demo

test: .venv/dev $(BUILT) .cache/chromium-path ## Install what the tests need and run them
	FRONTDESK_CHROMIUM="$$(cat .cache/chromium-path)" $(BIN)/pytest -m "not long and not laws" --numprocesses 2 --dist loadfile

test-long: .venv/dev $(BUILT) .cache/chromium-path ## Run the tests that take longer
	FRONTDESK_CHROMIUM="$$(cat .cache/chromium-path)" $(BIN)/pytest -m long --timeout 1800

test-laws: .venv/dev $(BUILT) ## Run the laws of retrieval for longer: 10,000 pairs of worlds, 1,000 revocation races
	$(BIN)/pytest -m laws --numprocesses 2 --dist worksteal --timeout 1800

test-mutants: .venv/dev $(BUILT) ## Take out one safeguard after the other and demand that a test notices
	$(BIN)/python tools/mutants.py

check: .venv/dev node_modules/.package-lock.json ## Check format, lint, types, imports and translations
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/build_frontend.py --check
	$(BIN)/python tools/translate.py --check

format: .venv/dev ## Format the code and apply safe fixes
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

bench: .venv/bench ## Run the benchmarks and print their figures
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

build: .venv/dev $(BUILT) ## Build the wheel, assets included, into dist/
	$(BIN)/python -m hatchling build -t wheel

lock: .venv/dev ## Pin the dependencies anew
	$(BIN)/uv pip compile --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -q --extra embedded pyproject.toml -o $(REQUIREMENTS)/runtime.txt
	$(BIN)/uv pip compile --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -q --extra embedded pyproject.toml $(REQUIREMENTS)/dev.in -c $(REQUIREMENTS)/runtime.txt -o $(REQUIREMENTS)/dev.txt
	$(BIN)/uv pip compile --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -q $(REQUIREMENTS)/build.in -c $(REQUIREMENTS)/dev.txt -o $(REQUIREMENTS)/build.txt
	$(BIN)/uv pip compile --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -q --no-deps $(REQUIREMENTS)/bench.in -o $(REQUIREMENTS)/bench.txt

clean: ## Remove what can be made again; data of the embedded database stays
	rm -rf .venv .cache node_modules src/frontdesk/static build dist

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Frontdesk needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv

.venv/build: .venv/bin/python $(REQUIREMENTS)/build.txt
	$(BIN)/pip install --disable-pip-version-check -q --require-hashes -r $(REQUIREMENTS)/build.txt
	@touch $@

.venv/runtime: .venv/build $(REQUIREMENTS)/runtime.txt pyproject.toml
	$(BIN)/pip install --disable-pip-version-check -q --require-hashes -r $(REQUIREMENTS)/runtime.txt
	$(BIN)/pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: .venv/runtime $(REQUIREMENTS)/dev.txt
	$(BIN)/pip install --disable-pip-version-check -q --require-hashes -r $(REQUIREMENTS)/dev.txt
	@touch $@

.venv/bench: .venv/dev $(REQUIREMENTS)/bench.txt
	$(BIN)/pip install --disable-pip-version-check -q --no-deps --require-hashes -r $(REQUIREMENTS)/bench.txt
	@touch $@

src/frontdesk/static/stamp: .venv/bin/python package-lock.json tools/build_frontend.py $(shell find frontend -type f 2>/dev/null)
	$(BIN)/python tools/build_frontend.py
	@touch $@

%.mo: %.po tools/translate.py | .venv/runtime
	$(BIN)/python tools/translate.py

node_modules/.package-lock.json: src/frontdesk/static/stamp

.cache/chromium-path: .venv/bin/python tools/chromium.py
	@mkdir -p .cache
	$(BIN)/python tools/chromium.py > $@.new
	@mv $@.new $@
