# Every task of the project; `make` lists them.
.DEFAULT_GOAL := help
PY := .venv/bin/python
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := 1
export PATH := $(CURDIR)/.venv/bin:$(PATH)
NPM := $(shell command -v npm)

help:            ## list the tasks
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

setup: .venv/ready   ## make .venv from requirements.lock

.venv/ready: requirements.lock pyproject.toml
	python3 -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check uv
	$(PY) -m uv pip install --quiet --compile-bytecode --python $(PY) --require-hashes -r requirements.lock
	$(PY) -m uv pip install --quiet --python $(PY) --no-deps --editable .
	touch $@

demo: setup      ## train on the samples, print test metrics, cut a picture with the bundled model
	$(PY) -m pipelines.demo

test: setup      ## all tests; first what they need of the system: PostgreSQL and Chromium
	.ci/setup
	$(PY) -m pytest --numprocesses 2 --dist loadfile

quick: setup     ## the tests that take seconds
	$(PY) -m pytest -m "not slow"

check: setup $(if $(NPM),page,unchecked)   ## lint, format and types; the web page's too where Node is there
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

page: node_modules/ready   ## lint and types of the web page, with Node
	npm run --silent lint
	npm run --silent types

unchecked:
	@echo "the web page was not checked: no npm here; .ci/setup installs it"

# The tools come from npm once; after that no network is needed.
node_modules/ready: package.json package-lock.json .npmrc
	@command -v npm > /dev/null || { echo "the page cannot be checked: no npm here; install Node 18 or later (.ci/setup)" >&2; exit 1; }
	@npm ci --ignore-scripts --no-audit --no-fund || \
	  { echo "the page cannot be checked: npm could not install its tools (package-lock.json); see that it reaches a registry" >&2; exit 1; }
	touch $@

fix: setup       ## apply the linter's and formatter's repairs
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

# The networks are small: a second thread spins while it waits (docs/decisions.md).
repro: export OMP_NUM_THREADS ?= 1
repro: setup     ## rebuild the experiments on the built-in samples
	.venv/bin/dvc pull --quiet
	.venv/bin/dvc repro

ui: setup        ## MLflow's UI on the project's store
	.venv/bin/chromseg-ops ui

stages: setup    ## write dvc.yaml of all pipelines, and environment.yaml, from params.yaml, imports and requirements.lock
	$(PY) -m pipelines.stages

docs: setup      ## write docs/cli.md from the commands
	$(PY) -m chromseg.cli.reference

publish: setup   ## put the objects of the built-in samples and bundled/ into dvcstore/ and git, nothing else
	$(PY) -m pipelines.publish

lock:            ## renew requirements.lock from pyproject.toml; `make stages` afterwards
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --quiet -o requirements.lock

.PHONY: help setup demo test quick check page unchecked fix repro ui stages docs publish lock
