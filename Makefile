# The project's commands. `make` alone lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
BIN := $(VENV)/bin
ENGINE := $(PYTHON) tools/pulumi/engine.py
COG := $(BIN)/cog -I tools -P --verbosity=0 --markers='<<<cog >>> <<<end>>>'
GENERATED := src/pulumi_openai_ft/*.py
LATER := 2027-03-01
ON_LATER_DATE := tests/cli tests/client tests/emulator/test_*.py tests/policies tests/provider tests/shared tests/test_*.py \
  tests/docs/test_quickstart.py tests/docs/test_emulator_page.py tests/e2e/examples/test_examples.py tests/e2e/policies \
  tests/e2e/test_demo.py tests/e2e/test_workflow.py
FAILED_ONLY := "--last-failed --last-failed-no-failures=none"

.PHONY: help setup env demo test test-long test-longest test-older-pulumi test-later test-pythons check release-check generate format docs bench
.DEFAULT_GOAL := help

help:
	@echo 'make setup      install what the project needs: virtual environment, Pulumi engine'
	@echo 'make demo       a real `pulumi up` of the whole workflow against the emulator (KEEP=1 leaves it up, STOP=1 ends that)'
	@echo 'make test       all tests but the long ones'
	@echo 'make test-long  the long ones, the end-to-end tests as on an older Pulumi, and a sample on a later date (ARGS=$(FAILED_ONLY): those that failed)'
	@echo 'make test-pythons   unit tests and demo on each supported Python of this machine (REQUIRE_PYTHONS=1: all of them)'
	@echo 'make check      generated code, format, lint, types, import rules'
	@echo 'make generate   write the code that is generated from the models of inputs'
	@echo 'make format     write the format that `make check` wants'
	@echo 'make docs       the documentation as a site, in site/'
	@echo 'make bench      benchmarks'
	@echo 'make release-check   build a release and check it; publishes nothing'
	@echo 'eval "$$(make -s env)"   put the engine and the virtual environment on PATH, with a local backend'

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": name another one, make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[emulator,policies,tokens]' --group dev
	@touch $(READY)

setup: $(READY)
	@$(ENGINE) ensure >/dev/null

env: setup
	@$(PYTHON) tools/env.py

demo: setup
	@$(BIN)/python tools/demo.py $(if $(KEEP),--keep) $(if $(STOP),--stop)

test: setup
	@eval "$$($(PYTHON) tools/env.py)" && python -m pytest -q -n 2 --dist loadgroup -m 'not long' && $(ENGINE) test

test-long: test-longest test-older-pulumi test-later

# Exit code 5: ARGS=$(FAILED_ONLY) found nothing to run again.
test-longest: setup
	@eval "$$($(PYTHON) tools/env.py)" && python -m pytest -q -n 2 --dist loadgroup -m long $(ARGS) || [ $$? -eq 5 ]

# The end-to-end tests once more, with the behavior of an older language host (tools/pulumi/README.md).
test-older-pulumi: setup
	@eval "$$($(PYTHON) tools/env.py)" && LANGUAGE_HOST_RELEASE=3.216 python -m pytest -q -n 2 --dist loadgroup \
	  -o cache_dir=.pytest_cache/older -m 'e2e and not long' $(ARGS) || [ $$? -eq 5 ]

# A sample of the tests, the demo and examples on a day on which OpenAI's models are shut down (tools/on_date).
test-later: setup
	@eval "$$($(PYTHON) tools/env.py)" && python tools/on_date $(LATER) python -m pytest -q -n 2 --dist loadgroup \
	  -o cache_dir=.pytest_cache/later -W ignore::pytest.PytestAssertRewriteWarning -m 'not long' $(ON_LATER_DATE) $(ARGS) || [ $$? -eq 5 ]

test-pythons: setup
	@$(BIN)/python tools/pythons.py

check: $(READY)
	$(COG) --check --diff --check-fail-msg='run `make generate`' $(GENERATED)
	$(BIN)/ruff format --check
	$(BIN)/ruff check --no-cache
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

generate: $(READY)
	$(COG) -r $(GENERATED)
	$(BIN)/ruff format --quiet

docs: $(READY)
	@rm -rf site
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --conf-dir tools/docs docs site
	@echo 'The site: $(CURDIR)/site/index.html'

release-check: docs
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --group release
	$(BIN)/python tools/release.py

bench: setup
	@eval "$$($(PYTHON) tools/env.py)" && python -m benchmarks
