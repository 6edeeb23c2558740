# The project's commands. `make` without a target lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
BIN := $(VENV)/bin
ENGINE := $(PYTHON) tools/pulumi/engine.py
COG := $(BIN)/cog -I . -P --verbosity=0 --markers='<<<cog >>> <<<end>>>'
GENERATED := src/pulumi_openai_ft/*.py
# Scripts, which import each other as modules of their folder. Tests import the others as modules of `tools`.
TOOLS := annotations codegen descriptions formatting picture_of_report typed_dicts
SCRIPTS := $(filter-out $(TOOLS:%=tools/%.py),$(wildcard tools/*.py tools/pulumi/*.py))
LATER := 2027-03-01
ON_LATER_DATE := tests/cli tests/client tests/emulator/test_*.py tests/policies tests/provider tests/shared tests/test_*.py \
  tests/docs/test_quickstart.py tests/docs/test_emulator_page.py tests/e2e/examples/test_examples.py tests/e2e/policies \
  tests/e2e/test_demo.py tests/e2e/test_workflow.py
# Twice the cores of a small machine: many tests wait for timers, processes, and the emulator.
WORKERS ?= 4
# Without stored bytecode, each worker of the tests compiles all of them again: 5 s.
unexport PYTHONDONTWRITEBYTECODE
FAILED_ONLY := "--last-failed --last-failed-no-failures=none"

.PHONY: help setup env demo demo-train test test-long test-e2e test-longest test-older-pulumi test-later test-pythons test-browser test-train training-env check release-check generate format docs bench bench-serve
.DEFAULT_GOAL := help

help:
	@echo 'make setup      install the virtual environment and the Pulumi engine'
	@echo 'make demo       run `pulumi up` of the complete workflow against the emulator (KEEP=1 keeps it running, STOP=1 stops it)'
	@echo 'make demo-train   the same with real training of a small model on this machine (6 GB of packages in the cache)'
	@echo 'make test       run the unit tests and the core end-to-end tests'
	@echo 'make test-long  run all other end-to-end tests, the long tests, the end-to-end tests with an older Pulumi, and a sample on a later date (ARGS=$(FAILED_ONLY) runs only failed tests)'
	@echo 'make test-pythons   run unit tests and demo on each supported Python of this machine (REQUIRE_PYTHONS=1: a missing Python is an error)'
	@echo 'make test-browser   open the report in Chromium, from PATH or the packages of Debian (REQUIRE_BROWSER=1: a missing browser is an error)'
	@echo 'make test-train     run the tests of training, in an environment of 6 GB in the cache (make training-env creates it)'
	@echo 'make check      check generated code, format, lint, types and import rules'
	@echo 'make generate   generate code from the models of inputs'
	@echo 'make format     format the code and apply automatic fixes'
	@echo 'make docs       build the documentation as a site in site/'
	@echo 'make bench      run the benchmarks'
	@echo 'make bench-serve   simulate `openai-ft serve` with 1,000 jobs and 50 clients (4 minutes)'
	@echo 'make release-check   build and check a release without publishing it'
	@echo 'eval "$$(make -s env)"   put the engine and the virtual environment on PATH, with a local backend'

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is required, not " + sys.version.split()[0] + "; choose another Python: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[emulator,look,policies,report,serve,tokens]' --group dev
	@touch $(READY)

setup: $(READY)
	@$(ENGINE) ensure >/dev/null

env: setup
	@$(PYTHON) tools/env.py

demo: setup
	@$(BIN)/python tools/demo.py $(if $(KEEP),--keep) $(if $(STOP),--stop)

# The package of the base model, the training environment (6 GB) and the engine stay in the cache.
demo-train: setup training-env
	@$(BIN)/python tools/demo_train.py

test: setup
	@eval "$$($(PYTHON) tools/env.py)" && python -m pytest -q -n $(WORKERS) --dist loadgroup -m 'not long and not browser and (core or not e2e)' && $(ENGINE) test

test-long: test-e2e test-longest test-older-pulumi test-later

# The end-to-end tests that `make test` leaves out.
test-e2e: setup
	@eval "$$($(PYTHON) tools/env.py)" && python -m pytest -q -n $(WORKERS) --dist loadgroup -m 'e2e and not core and not long' $(ARGS) || [ $$? -eq 5 ]

# Exit code 5: with ARGS=$(FAILED_ONLY), no test failed in the last run.
test-longest: setup
	@eval "$$($(PYTHON) tools/env.py)" && python -m pytest -q -n 2 --dist loadgroup -m long $(ARGS) || [ $$? -eq 5 ]

# The end-to-end tests with the behavior of an older language host (tools/pulumi/README.md).
test-older-pulumi: setup
	@eval "$$($(PYTHON) tools/env.py)" && LANGUAGE_HOST_RELEASE=3.216 python -m pytest -q -n $(WORKERS) --dist loadgroup \
	  -o cache_dir=.pytest_cache/older -m 'e2e and not long' $(ARGS) || [ $$? -eq 5 ]

# A sample of the tests, the demo and examples on a day on which OpenAI's models are shut down (tools/on_date).
test-later: setup
	@eval "$$($(PYTHON) tools/env.py)" && python tools/on_date $(LATER) python -m pytest -q -n $(WORKERS) --dist loadgroup \
	  -o cache_dir=.pytest_cache/later -W ignore::pytest.PytestAssertRewriteWarning -m 'not long' $(ON_LATER_DATE) $(ARGS) || [ $$? -eq 5 ]

test-pythons: setup
	@$(BIN)/python tools/pythons.py

test-browser: setup
	@$(BIN)/python tools/browser_tests.py $(ARGS)

training-env:
	@$(PYTHON) tools/training_env.py ensure >/dev/null

# One thread: more are slower on a busy machine, and change the order of sums.
test-train: training-env
	@OMP_NUM_THREADS=1 PYTHONPATH=src "$$($(PYTHON) tools/training_env.py where)" -m pytest -q -m train tests/train $(ARGS)

check: $(READY)
	$(COG) --check --diff --check-fail-msg='run `make generate`' $(GENERATED)
	$(BIN)/ruff format --check
	$(BIN)/ruff check --no-cache
	$(BIN)/mypy
	MYPYPATH=tools:tools/pulumi $(BIN)/mypy $(SCRIPTS)
	$(BIN)/lint-imports
	$(BIN)/python -m tools.prose check
	$(BIN)/codespell --toml pyproject.toml

format: $(READY)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

generate: $(READY)
	$(COG) -r $(GENERATED)
	$(BIN)/ruff format --quiet

docs: $(READY)
	@rm -rf site
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --conf-dir tools/docs docs site
	@echo 'Open $(CURDIR)/site/index.html'

release-check: docs
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --group release
	$(BIN)/python tools/release.py

bench: setup
	@eval "$$($(PYTHON) tools/env.py)" && python -m benchmarks

bench-serve: setup
	@eval "$$($(PYTHON) tools/env.py)" && python -m benchmarks.serve_scale
