# One command per task; all files stay inside the checkout, except pip's cache and the environments of emulators
# (`surveyor targets` shows where). `make help` lists the commands.
# Arguments pass through: make survey ARGS='--target moto', make test ARGS='tests/test_project.py -x'.
.DEFAULT_GOAL := help
.SUFFIXES:
SHELL := /bin/bash
# Without compiled files, each of the hundreds of programs that the tests start would compile its sources anew.
unexport PYTHONDONTWRITEBYTECODE

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

# What cannot be created is named, and tests that need it are skipped by name.
.PHONY: emulators
emulators: setup ## create the environments of emulators that tests need: all of them, or ARGS=moto
	@$(BIN)/surveyor targets --create $(ARGS) >/dev/null || echo 'tests that need this environment will be skipped'

.PHONY: test
test: setup ## run the project's own tests and the suites against the embedded target
	@$(MAKE) --no-print-directory emulators ARGS=moto
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m 'not soak' $(ARGS)

.PHONY: soak
soak: setup ## run the tests that are slow by nature: programs, browsers, real time, many examples
	@$(MAKE) --no-print-directory emulators ARGS=
	@$(BIN)/python -m pytest tests -n $(JOBS) --dist worksteal -m 'soak or hypothesis' --hypothesis-profile many $(ARGS)

.PHONY: mutation
mutation: setup ## judge the suites by small mistakes in the emulator: ARGS=source (default) or ARGS=responses
	@$(BIN)/python -m tests.mutation $(or $(ARGS),source)

# Types take longest; the other checks run meanwhile.
.PHONY: lint
lint: setup ## check style, types, imports, and the claims against their documents
	@failed=0; types=$$(mktemp); trap 'rm -f "$$types"' EXIT; \
	$(BIN)/mypy --num-workers 2 $(SOURCES) > "$$types" 2>&1 & checker=$$!; \
	$(BIN)/ruff check . || failed=1; \
	$(BIN)/ruff format --check . || failed=1; \
	$(BIN)/lint-imports --no-logo || failed=1; \
	$(BIN)/python -m tests.structure --check || failed=1; \
	$(BIN)/python -m tests.wordlist || failed=1; \
	$(BIN)/surveyor claims drift || failed=1; \
	$(BIN)/surveyor claims coverage --strict >/dev/null || failed=1; \
	$(BIN)/surveyor mutants --coverage || failed=1; \
	wait $$checker || failed=1; cat "$$types"; \
	exit $$failed

.PHONY: format
format: setup ## format the code
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

.PHONY: bench
bench: setup ## measure the embedded target, moto, ministack and nsd (a few minutes)
	@$(BIN)/python -m bench $(ARGS)

.PHONY: publish
publish: setup ## renew the known failures and the published reports of all targets (ten minutes), or of ARGS=moto@5.2.5
	@$(BIN)/surveyor publish $(ARGS)
	@$(BIN)/python -m tests.option_table

.PHONY: pins
pins: .venv/uv/bin/uv ## update requirements/lock.txt from pyproject.toml
	@UV_CUSTOM_COMPILE_COMMAND='make pins' .venv/uv/bin/uv pip compile -q --universal --python-version 3.11 --all-extras \
	  --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
	  --constraints requirements/constraints.txt -o requirements/lock.txt $(ARGS) pyproject.toml requirements/build.in

.PHONY: pin-target
pin-target: .venv/uv/bin/uv ## pin the packages of a version of an emulator: make pin-target TARGET=moto@5.2.5
	@set -eu; name='$(TARGET)'; version="$${name#*@}"; name="$${name%@*}"; \
	package=$$(sed -n 's/^package = "\(.*\)"$$/\1/p' "targets/$$name.toml"); \
	if [ -z "$$package" ] || [ "$$version" = '$(TARGET)' ]; then echo 'usage: make pin-target TARGET=NAME@VERSION, with package in targets/NAME.toml' >&2; exit 2; fi; \
	echo "$$package==$$version" | UV_CUSTOM_COMPILE_COMMAND='make pin-target TARGET=$(TARGET)' .venv/uv/bin/uv pip compile -q \
	  --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
	  -o "targets/requirements/$$name-$$version.txt" $(ARGS) -; \
	grep -q "^\[versions.\"$$version\"\]" "targets/$$name.toml" || echo "now add [versions.\"$$version\"] to targets/$$name.toml, then: make publish ARGS=$(TARGET)"

.venv/uv/bin/uv: | .venv/.python
	@$(BIN)/python -m venv .venv/uv
	@.venv/uv/bin/python -m pip --disable-pip-version-check -q -q install 'uv>=0.9'

.PHONY: clean
clean: ## delete .venv, caches, local reports and built packages
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist reports/out
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
