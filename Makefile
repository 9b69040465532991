# One command per task; all files stay inside the checkout. `make help` lists the commands.
# Arguments pass through: make survey ARGS='--target moto', make test ARGS='tests/test_project.py -x'.
.DEFAULT_GOAL := help
.SUFFIXES:
SHELL := /bin/bash

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -q -q
JOBS ?= auto
SOURCES := $(foreach folder,src suites chaos loadtests bench tests,$(if $(wildcard $(folder)/*.py $(folder)/*/*.py),$(folder))) conftest.py hatch_build.py

.PHONY: help
help: ## list the commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

.PHONY: setup
setup: .venv/.checkout ## create .venv from the pinned versions (all other commands do this first)
	@:

# Use the first Python that runs, is 3.11 or newer and can create environments: pyenv's shims exist but may not run.
.venv/.python:
	@set -eu; found=; \
	for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo 'surveyor needs Python 3.11 or newer with its venv module.' >&2; \
	  echo 'Tried: $(or $(PYTHON),python3.13, python3.12, python3.11, python3). Choose another: make setup PYTHON=/path/to/python' >&2; \
	  exit 2; \
	fi; \
	echo "setup 1/3: environment .venv with $$("$$found" --version)"; \
	"$$found" -m venv --clear .venv; \
	touch $@

.venv/.pins: requirements/lock.txt | .venv/.python
	@echo 'setup 2/3: packages from requirements/lock.txt (one to two minutes the first time)'
	@$(PIP) install --require-hashes -r requirements/lock.txt
	@touch $@

.venv/.checkout: pyproject.toml .venv/.pins
	@echo 'setup 3/3: surveyor itself'
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: survey
survey: setup ## check the documented behaviours on the embedded target, and measure clients while a task is killed
	@$(BIN)/surveyor survey $(ARGS)

.PHONY: test
test: setup ## run the project's own tests and the suites against the embedded target
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m 'not soak' $(ARGS)

.PHONY: soak
soak: setup ## run the tests that are slow by nature: whole runs, real time, many examples
	@$(BIN)/python -m pytest tests -n $(JOBS) --dist worksteal -m soak $(ARGS)

.PHONY: mutation
mutation: setup ## judge the suites by small mistakes in the emulator: ARGS=source (default) or ARGS=responses
	@$(BIN)/python -m tests.mutation $(or $(ARGS),source)

.PHONY: lint
lint: setup ## check style, types, imports, and the claims against their documents
	@failed=0; \
	$(BIN)/ruff check . || failed=1; \
	$(BIN)/ruff format --check . || failed=1; \
	$(BIN)/mypy $(SOURCES) || failed=1; \
	$(BIN)/lint-imports --no-logo || failed=1; \
	$(BIN)/python -m tests.structure --check || failed=1; \
	$(BIN)/python -m tests.wordlist || failed=1; \
	$(BIN)/surveyor claims drift || failed=1; \
	$(BIN)/surveyor claims coverage --strict >/dev/null || failed=1; \
	$(BIN)/surveyor mutants --coverage || failed=1; \
	exit $$failed

.PHONY: format
format: setup ## format the code
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

.PHONY: bench
bench: setup ## measure the embedded target, moto, ministack and nsd (a few minutes)
	@$(BIN)/python -m bench $(ARGS)

.PHONY: pins
pins: .venv/uv/bin/uv ## update requirements/lock.txt from pyproject.toml
	@UV_CUSTOM_COMPILE_COMMAND='make pins' .venv/uv/bin/uv pip compile -q --universal --python-version 3.11 --all-extras \
	  --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
	  --constraints requirements/constraints.txt -o requirements/lock.txt $(ARGS) pyproject.toml requirements/build.in

.venv/uv/bin/uv: | .venv/.python
	@$(BIN)/python -m venv .venv/uv
	@.venv/uv/bin/python -m pip --disable-pip-version-check -q -q install 'uv>=0.9'

.PHONY: clean
clean: ## delete .venv, caches, local reports and built packages
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist reports/out
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
