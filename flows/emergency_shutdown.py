"""The emergency shutdown as a deployment: for those who have the Prefect UI at hand."""

from __future__ import annotations

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed, Failed

from arena.configuration import load_venue_settings
from arena.emergency import emergency_shutdown as leave_everything


@flow(name="emergency-shutdown", retries=0)
async def emergency_shutdown() -> State[None]:
    """Halt the season, cancel all orders, close all positions of every account, and pause what is scheduled."""
    ended = await leave_everything(load_venue_settings(), "from Prefect", PREFECT_API_URL.value() or "")
    get_run_logger().warning(ended.sentence())
    return Completed(message="flat") if ended.flat else Failed(message=ended.sentence())
