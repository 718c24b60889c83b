# Every task of the project; `make` lists them.
.DEFAULT_GOAL := help
PY := .venv/bin/python
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := 1
export PATH := $(CURDIR)/.venv/bin:$(PATH)

help:            ## list the tasks
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

setup: .venv/ready   ## make .venv from requirements.lock

.venv/ready: requirements.lock pyproject.toml
	python3 -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check uv
	$(PY) -m uv pip install --quiet --python $(PY) --require-hashes -r requirements.lock
	$(PY) -m uv pip install --quiet --python $(PY) --no-deps --editable .
	touch $@

demo: setup      ## train on the sample, print test metrics, cut a picture with the bundled model
	$(PY) -m pipelines.demo

test: setup      ## all tests; first what they need of the system: PostgreSQL and Chromium
	.ci/setup
	$(PY) -m pytest --numprocesses 2 --dist loadfile

quick: setup     ## the tests that take seconds
	$(PY) -m pytest -m "not slow"

check: setup     ## lint, format and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

fix: setup       ## apply the linter's and formatter's repairs
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

# The networks are small: a second thread spins while it waits (docs/decisions.md).
repro: export OMP_NUM_THREADS ?= 1
repro: setup     ## rebuild the experiments on the built-in sample
	.venv/bin/dvc pull --quiet
	.venv/bin/dvc repro

ui: setup        ## MLflow's UI on the project's store
	.venv/bin/chromseg-ops ui

stages: setup    ## write dvc.yaml of all pipelines, and environment.yaml, from params.yaml, imports and requirements.lock
	$(PY) -m pipelines.stages

docs: setup      ## write docs/cli.md from the commands
	$(PY) -m chromseg.cli.reference

publish: setup   ## put the objects of data/sample and bundled/ into dvcstore/ and git, nothing else
	$(PY) -m pipelines.publish

lock:            ## renew requirements.lock from pyproject.toml; `make stages` afterwards
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --quiet -o requirements.lock

.PHONY: help setup demo test quick check fix repro ui stages docs publish lock
