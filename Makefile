# Each target sets up .venv by itself from the exact versions in requirements/; a second call installs nothing.
# PYTHON=python3.12 chooses the interpreter, ARGS="..." goes to `jaxbnn run demo`, to pytest, to uv or to the benchmarks.

SHELL := bash
PYTHON ?= python3
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)

BIN := .venv/bin
VENV := .venv/.python-$(VERSION)
PIP := $(BIN)/python -m pip -q --disable-pip-version-check

.PHONY: help demo test test-slow coverage wheel lint bench pins clean

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

# tee -i: Ctrl-C reaches only the run, whose last words are still shown. macOS's make has no .SHELLFLAGS: pipefail is set here.
demo: .venv/.run  ## train the demo's networks, then draw their information plane
	@set -eo pipefail; \
	PYTHONUNBUFFERED=1 $(BIN)/jaxbnn run demo $(ARGS) | tee -i .venv/demo.log; \
	$(BIN)/jaxbnn plot "$$(tail -n 1 .venv/demo.log)"

test: .venv/.test  ## run the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" $(ARGS)

test-slow: .venv/.test  ## run the tests that take longer: long runs, groups of processes, campaigns in small
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow $(ARGS)

# On Python 3.11 this takes an hour: later versions report a line only once.
coverage: .venv/.dev  ## run the tests, then say which lines of jaxbnn they do not run
	COVERAGE_CORE=$(if $(filter 3.11,$(VERSION)),ctrace,sysmon) $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" --cov=jaxbnn --cov-report=term-missing:skip-covered $(ARGS)

# The editable install in .venv would hide a file missing from the wheel: PYTHONPATH puts the wheel's copy first.
wheel: .venv/.test  ## build dist/*.whl and run it from a folder outside the checkout
	@rm -f dist/jaxbnn-*.whl
	$(PIP) wheel . --no-deps --no-build-isolation -w dist
	@set -e; tmp=$$(mktemp -d); trap 'rm -rf "$$tmp"' EXIT; \
	$(PIP) install --no-deps --no-index --target "$$tmp" dist/jaxbnn-*.whl; \
	python="$$PWD/$(BIN)/python"; cd "$$tmp"; export PYTHONPATH="$$tmp"; \
	"$$python" -c 'import os, jaxbnn; assert os.path.samefile(jaxbnn.__path__[0], "jaxbnn"), jaxbnn.__file__'; \
	bin/jaxbnn list

lint: .venv/.dev  ## ruff, pyright, and the contract of the rooms
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports

# Several minutes on an idle machine; ARGS=--quick only shows that the scripts run.
bench: .venv/.bench  ## time counting, estimators and measuring beside other programs; ARGS=--quick in seconds
	@set -eo pipefail; export PYTHONUNBUFFERED=1; \
	{ $(BIN)/python benchmarks/entropy.py $(ARGS); \
	$(BIN)/python benchmarks/estimators.py --figure .venv/estimators.png $(ARGS); \
	$(BIN)/python benchmarks/epoch.py $(ARGS); \
	$(BIN)/python benchmarks/convolution.py $(ARGS); \
	$(BIN)/python benchmarks/grid.py $(ARGS); \
	$(BIN)/python benchmarks/training.py $(ARGS); } | tee -i .venv/bench.log

COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --no-annotate --custom-compile-command 'make pins' $(ARGS)

# hatchling is among the run's requirements because the editable install is built with it.
pins: .venv/.dev  ## make requirements/*.txt anew; ARGS=--upgrade takes the newest versions
	echo hatchling | $(COMPILE) pyproject.toml - -o requirements/run.txt
	$(COMPILE) pyproject.toml --extra test -c requirements/run.txt -o requirements/test.txt
	$(COMPILE) pyproject.toml --extra dev -c requirements/test.txt -o requirements/dev.txt

clean:  ## remove .venv, dist and caches, never runs/
	rm -rf .venv dist .coverage .hypothesis .pytest_cache .ruff_cache
	find jaxbnn tests -name __pycache__ -prune -exec rm -rf {} +

$(VENV):
	@case "$(VERSION)" in 3.1[1-9]|3.[2-9]?) ;; \
	*) echo "jaxbnn needs Python 3.11 or newer, but PYTHON=$(PYTHON) is $(or $(VERSION),not a Python)" >&2; exit 1;; esac
	@echo "making .venv with Python $(VERSION); the first installation takes some minutes"
	@$(PYTHON) -m venv --clear .venv
	@touch $@

# A stamp is touched last, so that an interrupted installation is taken up again.
.venv/.run: $(VENV) requirements/run.txt pyproject.toml
	@$(PIP) install -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/.test: .venv/.run requirements/test.txt
	@$(PIP) install -r requirements/test.txt
	@touch $@

.venv/.dev: .venv/.test requirements/dev.txt
	@$(PIP) install -r requirements/dev.txt
	@touch $@

# The peers are not pinned: a benchmark is run beside what others offer today.
.venv/.bench: .venv/.run
	@$(PIP) install --no-build-isolation -e '.[bench]'
	@touch $@
