# One command a chore. Everything is kept inside the checkout; `make help` lists the commands.
# Arguments pass through: make survey ARGS='--target moto', make test ARGS='tests/test_project.py -x'.
.DEFAULT_GOAL := help
.SUFFIXES:
SHELL := /bin/bash

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -q -q
JOBS ?= auto
ROOMS := $(foreach room,src suites chaos loadtests bench tests,$(if $(wildcard $(room)/*.py $(room)/*/*.py),$(room))) conftest.py hatch_build.py

.PHONY: help
help: ## show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

.PHONY: setup
setup: .venv/.checkout ## make .venv from the pins (every other command does it by itself)
	@:

# A Python counts if it runs, is 3.11 or newer and can make environments: pyenv's shims exist without running.
.venv/.python:
	@set -eu; found=; \
	for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo 'surveyor needs Python 3.11 or newer with its venv module.' >&2; \
	  echo 'Looked for: $(or $(PYTHON),python3.13, python3.12, python3.11, python3). Name another: make setup PYTHON=/path/to/python' >&2; \
	  exit 2; \
	fi; \
	echo "setup 1/3: environment .venv with $$("$$found" --version)"; \
	"$$found" -m venv --clear .venv; \
	touch $@

.venv/.pins: requirements/lock.txt | .venv/.python
	@echo 'setup 2/3: packages from requirements/lock.txt (about a minute the first time)'
	@$(PIP) install --require-hashes -r requirements/lock.txt
	@touch $@

.venv/.checkout: pyproject.toml .venv/.pins
	@echo 'setup 3/3: surveyor itself'
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: survey
survey: setup ## check the documented behaviours on the embedded target, and what callers feel while a task dies
	@$(BIN)/surveyor survey $(ARGS)

.PHONY: test
test: setup ## run the project's own tests and the suites against the embedded target
	@$(BIN)/python -m pytest -n $(JOBS) --maxprocesses 4 $(ARGS)

.PHONY: lint
lint: setup ## check style, types, who imports whom, and the claims against their documents
	@failed=0; \
	$(BIN)/ruff check . || failed=1; \
	$(BIN)/ruff format --check . || failed=1; \
	$(BIN)/mypy $(ROOMS) || failed=1; \
	$(BIN)/lint-imports --no-logo || failed=1; \
	$(BIN)/python -m tests.structure --check || failed=1; \
	$(BIN)/python -m tests.wordlist || failed=1; \
	$(BIN)/surveyor claims drift || failed=1; \
	$(BIN)/surveyor claims coverage --strict >/dev/null || failed=1; \
	$(BIN)/surveyor mutants --coverage; \
	exit $$failed

.PHONY: format
format: setup ## put the code into the house's format
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

.PHONY: bench
bench: setup ## measure the embedded target beside moto, ministack and nsd (a few minutes)
	@$(BIN)/python -m bench $(ARGS)

.PHONY: pins
pins: .venv/uv/bin/uv ## resolve requirements/lock.txt again from pyproject.toml
	@UV_CUSTOM_COMPILE_COMMAND='make pins' .venv/uv/bin/uv pip compile -q --universal --python-version 3.11 --all-extras \
	  --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
	  --constraints requirements/constraints.txt -o requirements/lock.txt $(ARGS) pyproject.toml requirements/build.in

.venv/uv/bin/uv: | .venv/.python
	@$(BIN)/python -m venv .venv/uv
	@.venv/uv/bin/python -m pip --disable-pip-version-check -q -q install 'uv>=0.9'

.PHONY: clean
clean: ## remove what was made here: .venv, caches, this machine's reports, built packages
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist reports/out
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
