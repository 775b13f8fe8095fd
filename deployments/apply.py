"""`make deploy`: register the deployments of prefect.yaml, scheduled at the intervals of `.env`. Safe to repeat."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from arena.configuration import load_settings
from arena.domain.competitor import Environment
from arena.errors import ArenaError, ConfigurationError
from arena.market import read_contracts
from arena.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
POOL = "arena"


def intervals(settings: Settings) -> dict[str, int]:
    """Return how often each scheduled deployment runs, seconds by name."""
    return {
        "trading-cycle": settings.llm_decision_interval_seconds,
        "protection-sweep": settings.protection_sweep_seconds,
    }


def rendered(definition: dict[str, Any], seconds: Mapping[str, int]) -> dict[str, Any]:
    """Return prefect.yaml's content with the interval of the settings in every schedule that has one.

    Prefect checks a schedule before it fills in environment variables, so a placeholder cannot stand in the file itself.
    """
    for deployment in definition["deployments"]:
        for schedule in deployment.get("schedules", []):
            schedule["interval"] = seconds[deployment["name"]]
    return definition


def main() -> int:
    """Make the work pool where it is missing, then register everything."""
    try:
        settings = load_settings()
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    definition = rendered(yaml.safe_load((ROOT / "prefect.yaml").read_text()), intervals(settings))
    path = ROOT / "runs" / "prefect.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(definition, sort_keys=False))
    prefect = [sys.executable, "-m", "prefect", "--no-prompt"]
    pool = subprocess.run([*prefect, "work-pool", "inspect", POOL], capture_output=True, check=False)
    if pool.returncode != 0:
        subprocess.run([*prefect, "work-pool", "create", POOL, "--type", "process"], check=True)
    read_ahead(settings)
    return subprocess.run([*prefect, "deploy", "--all", "--prefect-file", str(path)], cwd=ROOT, check=False).returncode


def read_ahead(settings: Settings) -> None:
    """Read contracts and fees, which else the first cycle asks for; on mainnet nothing is asked before the gate, which has."""
    if settings.environment is Environment.MAINNET:
        return
    try:
        asyncio.run(read_contracts(settings))
    except ArenaError as error:
        print(f"the fees could not be read now, the first cycle will: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
