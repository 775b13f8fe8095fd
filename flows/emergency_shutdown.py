"""The emergency shutdown as a deployment: for those who have the Prefect UI at hand."""

from __future__ import annotations

from prefect import flow, get_client, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from arena.bootstrap import emergency_shutdown as leave_everything
from arena.settings import load_venue_settings

PAUSED = ("trading-cycle/trading-cycle",)


@flow(name="emergency-shutdown", retries=0)
async def emergency_shutdown() -> State[None]:
    """Halt the season, cancel all orders, close all positions of the account, and pause what is scheduled."""
    ended = await leave_everything(load_venue_settings(), "emergency shutdown from Prefect")
    get_run_logger().warning(ended.sentence())
    await pause_schedules()
    return Completed(message="flat") if ended.flat else Failed(message=ended.sentence())


async def pause_schedules() -> None:
    """Pause the deployments that trade; the halt file holds even where this fails."""
    async with get_client() as client:
        for name in PAUSED:
            try:
                deployment = await client.read_deployment_by_name(name)
                await client.pause_deployment(deployment.id)
            except Exception as error:  # Prefect's own trouble must not hide that the account is flat
                get_run_logger().warning(f"{name} could not be paused: {error}")
