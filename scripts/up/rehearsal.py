"""The season of a clone without `.env`: simulated prices, and simple rules in the places of the models."""

from __future__ import annotations

import os
from pathlib import Path

from arena.settings import Settings
from scripts.processes import free_port
from scripts.rules import RULES, competing_rules
from scripts.up.base import Base

WORDS = (
    "There is no .env, so this is a rehearsal: the prices are simulated, and simple rules play in the places of the models.",
    "For the real thing: `make down`, `cp .env.example .env`, fill it in, `.venv/bin/arena doctor`, and `make up` again.",
)


def env_file(base: Base) -> Path:
    """Return the file with the settings of the rehearsal; it is written once, and may then be changed by hand."""
    path = base.directory / "arena.env"
    if not path.exists():
        path.write_text("\n".join(_lines(base)) + "\n")
    return path


def _lines(base: Base) -> list[str]:
    seconds = int(os.environ.get("LLM_DECISION_INTERVAL_SECONDS") or _default("llm_decision_interval_seconds"))
    url = f"http://127.0.0.1:{free_port()}"
    return [
        "# Written by `make up` where there was no .env; the keys open nothing but the simulator that it starts.",
        "ENVIRONMENT=demo",
        f"SEASON={base.directory.name}",
        f"DATABASE_PATH={base.directory / 'arena.sqlite'}",
        f"BINANCE_TESTNET_BASE_URL={url}",
        "BINANCE_TESTNET_API_KEY=simulator",
        "BINANCE_TESTNET_SECRET_KEY=simulator",
        f"LLM_DECISION_INTERVAL_SECONDS={seconds}",
        f"LLM_DEADLINE_SECONDS={min(_default('llm_deadline_seconds'), max(1, seconds // 2))}",
        f"LLM_MAX_DECISIONS_PER_HOUR={max(_default('llm_max_decisions_per_hour'), 3600 // max(1, seconds) + 1)}",
        f"TOTAL_LLMS={len(RULES)}",
        *competing_rules(url),
    ]


def _default(field: str) -> int:
    return int(Settings.model_fields[field].default)
