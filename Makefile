# Every target installs what it needs into .venv from the lock file.
PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help install demo test lint bench serve lock clean

help: ## what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/.installed: requirements.lock pyproject.toml
	@command -v cc >/dev/null || { echo 'durable-rules is built from source and needs a C compiler: apt-get install -y build-essential python3-dev python3-venv'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed; name it with make PYTHON=python3.11'; exit 1; }
	@$(PYTHON) -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' || { echo 'the Python headers are missing: apt-get install -y build-essential python3-dev python3-venv'; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || { echo 'venv is missing: apt-get install -y build-essential python3-dev python3-venv'; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

install: .venv/.installed ## the virtual environment

demo: install ## the main job, end to end, over the real HTTP API on SQLite
	$(BIN)/xinheng demo

test: install lint ## every check and test, on SQLite and PostgreSQL
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

lint: install ## style, types, layers, policy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/xinheng check

bench: install ## ratios against peers, written to benchmarks/results.md
	$(BIN)/python -m benchmarks

serve: install ## the service on http://127.0.0.1:8000
	$(BIN)/xinheng serve

lock: ## renew requirements.lock from pyproject.toml (needs pip-tools)
	pip-compile --quiet --extra dev --generate-hashes --strip-extras --allow-unsafe --no-header \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file requirements.lock pyproject.toml

clean: ## remove the virtual environment and what runs leave behind
	rm -rf .venv demo-out build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
