"""Many replays at once: on this machine's processes, or on a Dask cluster."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from typing import Annotated, Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, create_table_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner
from pydantic import Field

from arena.tournament import Shard, Tournament, play_shard, returns_of, table_of


@flow(name="replay-tournament", flow_run_name="{tournament.name}")
def replay_tournament(tournament: Tournament, workers: Annotated[int, Field(ge=0)] = 0, dask_address: str = "") -> State[Any]:
    """Replay every playbook, window and seed; run again, it plays what is missing.

    Args:
        tournament: What is played.
        workers: Processes of this machine; as many as it has cores where 0.
        dask_address: Of a Dask scheduler whose workers share this folder, such as tcp://127.0.0.1:8786; empty for processes here.
    """
    shards = tournament.model_copy(update={"data": tournament.data.resolve()}).shards()
    results, faults = play_all.with_options(task_runner=_runner(workers, dask_address))(shards)
    show(tournament.name, results)
    told = f"{len(results)} of {len(shards)} seasons played"
    return Failed(message=f"{told}; the first that was not: {faults[0]}") if faults else Completed(message=told)


@flow(name="replays", validate_parameters=False)
def play_all(shards: Sequence[Shard]) -> tuple[list[dict[str, Any]], list[str]]:
    """Play the seasons, as many at a time as there are workers; return what came of them, and why some were not played."""
    shown = create_progress_artifact(progress=0.0, description=f"{len(shards)} replays")
    waiting = play.map(shards)
    results, faults = [], []
    for number, each in enumerate(waiting, 1):
        each.wait()
        if each.state.is_completed():
            results.append(each.result())
        else:
            faults.append(f"{shards[number - 1].season}: {each.state.message}")
        update_progress_artifact(
            artifact_id=shown,  # type: ignore[arg-type]  # no coroutine outside a loop
            progress=100.0 * number / len(shards),
        )
    return results, faults


@task(name="replay", task_run_name="{shard.season}", retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE)
def play(shard: Shard) -> dict[str, Any]:
    """Play one season; one that was interrupted goes on."""
    return play_shard(shard)


def show(name: str, results: Sequence[dict[str, Any]]) -> None:
    """Show the table and the returns in the Prefect UI."""
    from arena.analysis.charts import returns_picture

    if not results:
        return
    key = f"{name.lower().replace('_', '-').replace('.', '-')}-tournament"
    create_table_artifact(table_of(results), key=key, description=f"{len(results)} seasons, by mean rank")
    picture = base64.b64encode(returns_picture(returns_of(results))).decode()
    create_markdown_artifact(f"![returns](data:image/png;base64,{picture})", key=f"{key}-returns")


def _runner(workers: int, dask_address: str) -> TaskRunner[Any]:
    if dask_address:
        from prefect_dask.task_runners import DaskTaskRunner

        return DaskTaskRunner(address=dask_address)
    return ProcessPoolTaskRunner(max_workers=workers or os.cpu_count() or 1)
