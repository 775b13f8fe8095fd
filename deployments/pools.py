"""The work pool: made where it is missing, from Prefect's template of its type with ours laid over it (pools/TYPE.yaml)."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import WorkPool
from prefect.exceptions import ObjectNotFound
from prefect.workers.utilities import get_default_base_job_template_for_infrastructure_type

from arena.errors import ConfigurationError

POOL = "arena"
ROOT = Path(__file__).resolve().parent.parent
IMAGE_DIRECTORY = "/arena"  # of deployments/Dockerfile


class WorkerType(StrEnum):
    """What a run is to the worker that starts it."""

    PROCESS = "process"
    DOCKER = "docker"
    KUBERNETES = "kubernetes"

    @property
    def directory(self) -> str:
        """Where a run finds the project's code."""
        return str(ROOT) if self is WorkerType.PROCESS else IMAGE_DIRECTORY


async def apply_pool(client: PrefectClient, wanted: WorkerType | None) -> WorkPool:
    """Make the work pool, or complete it; what a person has set in it stays.

    Args:
        wanted: As the pool is, or `process`, where left out.

    Raises:
        ConfigurationError: It is there with another type.
    """
    try:
        pool = await client.read_work_pool(POOL)
    except ObjectNotFound:
        kind = wanted or WorkerType.PROCESS
        template = merged(await get_default_base_job_template_for_infrastructure_type(kind) or {}, overlay(kind))
        return await client.create_work_pool(WorkPoolCreate(name=POOL, type=kind, base_job_template=template))
    if pool.type not in {*WorkerType} or wanted not in (None, pool.type):
        raise ConfigurationError(
            f"the work pool {POOL} is for {pool.type} workers: leave WORKER out, or delete the pool "
            f"(prefect work-pool delete {POOL}) and repeat"
        )
    template = merged(overlay(WorkerType(pool.type)), pool.base_job_template)
    if template != pool.base_job_template:
        await client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=template))
    return pool


def overlay(kind: WorkerType) -> dict[str, Any]:
    """Return what is ours of a pool's template."""
    text = (Path(__file__).parent / "pools" / f"{kind}.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text.replace("${ARENA_DIRECTORY}", os.environ.get("ARENA_DIRECTORY") or str(ROOT)))
    return found


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return both mappings as one, at every depth; where both say something else than a mapping, `above` is right."""
    both = {
        name: merged(below[name], value) if isinstance(value, dict) and isinstance(below.get(name), dict) else value
        for name, value in above.items()
    }
    return {**below, **both}
