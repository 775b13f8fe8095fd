"""A halted season goes on, from the Prefect UI: the same as `arena resume`."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed, Failed

from arena.resuming import resume_season as let_go_on


@flow(name="resume-season")
async def resume_season(despite_differences: bool = False) -> State[None]:
    """Take the halt away and let the trading schedule run again, if the competitors' books and the exchange agree.

    Args:
        despite_differences: Resume without comparing books and exchange first. Look at `arena reconcile` before.
    """
    resumed = await let_go_on(PREFECT_API_URL.value() or "", despite_differences=despite_differences)
    return Completed(message=resumed.sentence) if resumed.goes_on else Failed(message=resumed.sentence)
