"""`make deploy`: register work pool, deployments and automations, at the intervals of `.env`. Safe to repeat.

A person's hand wins: a deployment, schedule or automation that is paused stays paused, and so does what is set in the work pool.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import yaml
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from arena.alerting import destinations_of
from arena.configuration import load_settings
from arena.domain.competitor import Environment
from arena.errors import ArenaError, ConfigurationError
from arena.market import read_contracts
from arena.settings import Settings
from deployments.automations import Registered, apply_automations, automations
from deployments.messenger import apply_messengers
from deployments.pools import ROOT, WorkerType, apply_pool


def main(arguments: Sequence[str] = ()) -> int:
    """Register everything; what is wrong is one sentence."""
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--worker", type=WorkerType, choices=list(WorkerType), help="type of the work pool, where it is made")
    worker = parser.parse_args(arguments).worker
    try:
        settings = load_settings()
        destinations_of(settings)
        said = asyncio.run(register(settings, worker))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    print(said)
    read_ahead(settings)
    return 0


async def register(settings: Settings, worker: WorkerType | None) -> str:
    """Register everything; return what there is now, in a sentence.

    Raises:
        ConfigurationError: There is no server, or it refuses something.
    """
    definition = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    names = [each["name"] for each in definition["deployments"]]
    url = server_url()
    async with get_client() as client:
        if (fault := await client.api_healthcheck()) is not None:
            raise ConfigurationError(f"the Prefect server of PREFECT_API_URL ({url}) does not answer ({type(fault).__name__})")
        pool = await apply_pool(client, worker)
        before = await _registered(client, names)
        paused = {name for name, deployment in before.items() if deployment.paused}
        _deploy(rendered(definition, intervals(settings), WorkerType(pool.type).directory, paused))
        ids: dict[str, UUID] = {name: each.id for name, each in (await _registered(client, names)).items()}
        there = Registered(
            deployments=ids,
            pool=pool.id,
            messengers=await apply_messengers(settings),
            interval_seconds=settings.llm_decision_interval_seconds,
        )
        wanted = automations(there)
        await apply_automations(client, wanted)
    still = f" Paused, as before: {', '.join(sorted(paused))}." if paused else ""
    return f"Registered at {url}: {', '.join(names)}, and {len(wanted)} automations.{still}"


def intervals(settings: Settings) -> dict[str, int]:
    """Return how often each scheduled deployment runs, seconds by name."""
    return {
        "trading-cycle": settings.llm_decision_interval_seconds,
        "protection-sweep": settings.protection_sweep_seconds,
    }


def rendered(
    definition: dict[str, Any], seconds: Mapping[str, int], directory: str, paused: Collection[str] = ()
) -> dict[str, Any]:
    """Return prefect.yaml's content with what only this place knows.

    Prefect checks a schedule before it fills in environment variables, so a placeholder cannot stand in the file itself.

    Args:
        definition: prefect.yaml; changed in place.
        seconds: The interval of each deployment that has one.
        directory: Where a run finds the code.
        paused: Deployments that are and stay paused; Prefect would resume them.
    """
    definition["pull"] = [{"prefect.deployments.steps.set_working_directory": {"directory": directory}}]
    for deployment in definition["deployments"]:
        for schedule in deployment.get("schedules", []):
            if "interval" in schedule:
                schedule["interval"] = seconds[deployment["name"]]
        if deployment["name"] in paused:
            deployment["paused"] = True
    return definition


def server_url() -> str:
    """Return the server's address.

    Raises:
        ConfigurationError: None is named, and Prefect would start one that ends with this command.
    """
    url = PREFECT_API_URL.value()
    if not url:
        raise ConfigurationError(
            "no Prefect server is named: start one (prefect server start) and tell where it is "
            "(prefect config set PREFECT_API_URL=http://127.0.0.1:4200/api)"
        )
    return str(url)


async def _registered(client: PrefectClient, names: Sequence[str]) -> dict[str, DeploymentResponse]:
    """Return those that the server has; every flow has one deployment, of its own name."""
    found = {}
    for name in names:
        try:
            found[name] = await client.read_deployment_by_name(f"{name}/{name}")
        except ObjectNotFound:
            continue
    return found


def _deploy(definition: dict[str, Any]) -> None:
    path = ROOT / "runs" / "prefect.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(definition, sort_keys=False), encoding="utf-8")
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise ConfigurationError(f"Prefect could not register the deployments of {path}:\n{ended.stdout}{ended.stderr}")


def read_ahead(settings: Settings) -> None:
    """Read contracts and fees, which else the first cycle asks for; on mainnet nothing is asked before the gate, which has."""
    if settings.environment is Environment.MAINNET:
        return
    try:
        asyncio.run(read_contracts(settings))
    except ArenaError as error:
        print(f"the fees could not be read now, the first cycle will: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
