# Each target is one command on a fresh machine: it builds its virtual environment first, and only when it has to.

# The first interpreter that is new enough, unless PYTHON names one.
ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$name; exit; }; done; echo python3)
VENV := .venv
endif
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
VENV ?= .venv-$(VERSION)
BIN := $(VENV)/bin
STAMP := $(VENV)/installed-for-$(VERSION)
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

PYTEST_ARGS ?=

# Tests start many processes: where nothing compiled is kept, each would compile all that it loads.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo dev test test-fast simulate chaos soak check format replay diagrams services picture bench lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

install: $(STAMP) ## make the virtual environment from the lock

demo: install ## play the 2024 Spring Festival through a real Temporal server
	@$(BIN)/python -m trial demo

dev: install ## run server, stand-in platform and worker until interrupted
	@exec $(BIN)/python -m trial dev

# One process more than two cores: a quarter of the suite waits, for a server that restarts or a worker that was killed.
test: install ## run the tests; PYTEST_ARGS is handed on
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

test-fast: install ## run the tests that need no server and no other program
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not soak and not server and not courses" $(PYTEST_ARGS)

simulate: install ## drive courses of the real workflow code without a server; SEED, COURSES, MINUTES
	@$(BIN)/python -m simulation $(foreach option,SEED COURSES MINUTES STEPS WITHOUT KNOWN,\
		$(if $($(option)),--$(shell echo $(option) | tr A-Z a-z) $($(option))))

chaos: install ## kill, freeze, lock and garble at random on a real server, then check; SEED, MINUTES, RECORDS
	@$(BIN)/python -m chaos $(foreach option,SEED MINUTES RECORDS,\
		$(if $($(option)),--$(shell echo $(option) | tr A-Z a-z) $($(option))))

soak: install ## run what takes long: outages of many minutes, and the simulated stories on the server
	$(BIN)/python -m pytest -m "soak or simulated" --on-server $(PYTEST_ARGS)

check: install ## lint, formatting, types, import contracts, policy book
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/aftersale policy check

format: install ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

replay: install ## replay every recorded history against today's workflows
	$(BIN)/python -m pytest -q tests/workflows/test_replay.py

diagrams: install ## draw the states of every kind of case anew, from the table of moves
	@$(BIN)/python -m aftersale.case.diagrams > docs/states.md

services: install ## write the variables of outside services anew into what operators read
	@$(BIN)/python -m trial.service_texts

picture: install ## take the picture of a case in the Temporal UI anew; needs Chromium
	@$(BIN)/python -m trial.picture docs/case-in-the-ui.png

bench: install ## measure what is promised of speed, and a happy return beside a skeleton of it
	@$(BIN)/python -m bench promises
	@$(BIN)/python -m bench

lock: install ## resolve the dependencies anew, for all supported Pythons
	$(LOCK) --all-extras --output-file requirements.lock pyproject.toml
	$(LOCK) --constraint requirements.lock --extra worker --output-file deploy/worker.lock pyproject.toml
	echo hatchling | $(LOCK) --constraint requirements.lock --output-file deploy/build.lock -

clean: ## remove virtual environments, caches and the trial's data
	rm -rf .venv .venv-* .local dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "aftersale needs Python 3.11 or later, and '$(PYTHON)' is $(or $(VERSION),not a Python that runs);" \
			"name one that is: make $(or $(MAKECMDGOALS),install) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "installing into $(VENV) (Python $(VERSION)); this takes a minute the first time"
	@$(PYTHON) -m venv --clear $(VENV)
	@echo '*' > $(VENV)/.gitignore
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@
