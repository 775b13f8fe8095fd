"""`arena data download` from the Prefect UI: candles of the past, where the worker runs."""

from __future__ import annotations

import logging
from datetime import datetime

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed

from arena.configuration import load_settings
from arena.download import download, read_wanted
from tasks.logs import begin_logging

log = logging.getLogger("arena.download")


@flow(name="data-download")
async def data_download(
    pairs: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    interval: str = "5m",
    out: str = "runs/candles",
) -> State[None]:
    """Download candles, mark price and fundings of the past; what is there is not asked again.

    Args:
        pairs: Such as BTCUSDT,ETHUSDT; those of AVAILABLE_PAIRS where empty.
        since: First instant, UTC; 30 days before the end where left out.
        until: First instant after it, UTC; now where left out.
        interval: Of the candles, such as 1m, 5m or 1h.
        out: Folder of the market, where the worker runs; candles, mark price and fundings each get a folder in it.
    """
    settings = load_settings()
    begin_logging(settings)
    found = await download(settings, read_wanted(pairs, since, until, interval, out), log.info)
    summary, *notes = found.sentences()
    if notes:
        await acreate_table_artifact([{"": note} for note in notes], key="data-download", description=summary)
    gaps = f"; {len(found.gaps)} gaps" if found.gaps else ""
    return Completed(message=f"{summary}{gaps}")
