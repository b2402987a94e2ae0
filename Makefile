# `make` lists the targets. PYTHON=python3.13 picks another interpreter, which gets an environment of its own.
PYTHON ?= python3
VENV := .venv$(if $(filter-out python3,$(PYTHON)),-$(notdir $(PYTHON)))
BIN := $(VENV)/bin
APT = $(if $(filter-out 0,$(shell id -u)),sudo )apt-get install
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install
# Of all that pip says, the larger files that it fetches; its errors go to stderr and past this.
PROGRESS := sed -n -E 's/^ *(Downloading|Using cached) ([^ ]+)-[0-9][^ ]* \((.* MB)\)$$/  \2 (\3)/p; s/^Installing collected packages.*/  .../p'
SHELL := /bin/bash -o pipefail
# Where this is set, as in many containers, each of a thousand processes would compile the program anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help chat test test-slow check fix bench soak fuzz differential docs prices clean python

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

chat: $(VENV)/installed $(if $(filter 0,$(VOICE)),,$(VENV)/voice) ## talk with a model in this terminal; VOICE=0 goes without speech engines
	@$(BIN)/rtcli chat

# The processes share one hash seed, another in each run: all of them have to find the same tests. Sound is recorded in
# real time, on a card for each of two processes that wait most of the time: its tests have the machine for themselves,
# and so has the call of the official SDK in a browser.
test: check ## lint, strict types, import rules and all tests
	PYTHONHASHSEED=$$($(BIN)/python -c 'import random; print(random.getrandbits(32))') \
	    $(BIN)/pytest --numprocesses=auto --dist=worksteal -m 'not sound and not slow and not browser'
	$(BIN)/pytest --numprocesses=2 --dist=worksteal -m 'sound and not slow' tests/sound
	$(BIN)/pytest -m browser tests/foreign

# Among them the tests once more, in an environment of their own with the oldest versions that pyproject.toml allows.
# Each process takes half a minute to read all test files, so it is handed those that hold such tests.
test-slow: $(VENV)/tools ## the tests that take minutes or want the network: the built package, the oldest dependencies, pages in a browser, rows that say the same again
	$(BIN)/pytest --numprocesses=auto --maxschedchunk=1 -m 'slow and not browser and not sound' \
	    $$(grep -rl --include='test_*.py' --exclude-dir=sound 'mark\.slow' tests)
	$(BIN)/pytest -m 'sound and slow' tests/sound
	$(BIN)/pytest --numprocesses=2 --dist=worksteal -m browser \
	    $$(grep -rl --include='test_*.py' --exclude-dir=foreign 'kit\.browser' tests)

check: $(VENV)/tools ## lint and strict types alone
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fix: $(VENV)/tools ## put the format right
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/tools ## the measurements, into docs/performance.md: they need a quiet machine for 20 minutes (BENCH="send receive" prints some)
	@$(BIN)/python -m tests.benchmarks $(or $(BENCH),--write)

SOAK ?= 10
soak: $(VENV)/tools ## sessions against the built-in server for SOAK minutes: what is lost, what grows
	@$(BIN)/python -m tests.soak --minutes $(SOAK)

SEED ?= 1
fuzz: $(VENV)/tools ## hostile frames against the transport, the terminal and the server (SEED=)
	@$(BIN)/python -m tests.fuzz --seed $(SEED)

N ?= 500
differential: $(VENV)/tools ## N made-up scenarios against the official JavaScript transport (SEED= N=)
	@$(BIN)/python -m tests.differential --seed $(SEED) --count $(N)

docs: $(VENV)/tools ## print the tables of docs/ and draw the README's pictures anew from the program
	$(BIN)/python docs/tables.py --write
	$(BIN)/python -m docs.pictures --write

prices: $(VENV)/tools ## compare our prices with those of the package genai-prices
	@$(INSTALL) --group prices | $(PROGRESS)
	@$(BIN)/python -m docs.prices

clean: ## remove the environment of PYTHON and what the tools keep
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# What has to be on the machine is named together with the command that installs it.
python:
	@$(PYTHON) -c '' 2>/dev/null || { echo "$(PYTHON) is missing. Install it: $(APT) $(notdir $(PYTHON)) $(notdir $(PYTHON))-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "rtcli needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) -V). Try: make chat PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make environments. Install what is missing: $(APT) $(notdir $(PYTHON))-venv" >&2; exit 1; }

$(VENV)/installed: pyproject.toml | python
	@echo "installing rtcli into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --editable . | $(PROGRESS)
	@touch $@

# pip reads dependency groups since 25.1, and a fresh environment may hold an older one.
$(VENV)/tools: $(VENV)/installed $(VENV)/voice
	@echo "installing the tools of the tests into $(VENV)"
	@$(INSTALL) --quiet --upgrade pip
	@$(INSTALL) --editable '.[fast,webrtc]' --group test | $(PROGRESS)
	@touch $@

# A machine for which one of these has no wheel does without: energy detection and tones take their place.
$(VENV)/voice: $(VENV)/installed
	@echo "installing speech engines for the built-in server (180 MB; without them: make chat VOICE=0)"
	@$(INSTALL) --only-binary :all: --editable '.[voice]' 2>/dev/null | $(PROGRESS) || echo "they cannot be installed here: the built-in server will use energy detection and tones"
	@touch $@
