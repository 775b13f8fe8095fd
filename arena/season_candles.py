"""A season's own candles: of a named folder, those that it was replayed over, or its venue's, downloaded as the season goes on.

What was downloaded lies in `runs/SEASON/candles` and stays when the venue is gone, as a demo's simulator is after the demo.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from arena.adapters.recorded import CandleArchive
from arena.adapters.recorded.intervals import interval_of
from arena.connections import history_url, is_loopback, public_client, request_budget
from arena.domain.competitor import REPLAY, Environment
from arena.domain.instrument import Instrument
from arena.errors import ArenaError, ConfigurationError
from arena.past import WARM_UP_BARS, kept_folder
from arena.settings import VenueSettings
from arena.verdict.frame import HOUR, Frame, Unknown
from arena.verdict.signals import WARM_UP_HOURS

PATIENCE = 60.0  # seconds, for the venue
USUAL, FINEST = "5m", "1m"  # candles; the finer ones are of use where cycles are shorter than the usual ones
_SHORT = timedelta(days=2)  # for longer ones these are too many to ask for
_LOOPBACK = "http://127.0.0.1"  # where simulators are
_NAME_THEM = "name its candles with --data"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonCandles:
    """A season's candles.

    Attributes:
        archive: What lies before the season is in it, too, where that is known.
        contracts: Filters, tiers and fees as the season's venue has them; those of the archive where one is not among them.
        note: Why some of it may be missing, in one sentence; empty where nothing is.
    """

    archive: CandleArchive
    contracts: Mapping[str, Instrument]
    note: str = ""


async def season_candles(
    settings: VenueSettings,
    frame: Frame,
    market: str,
    environment: Environment,
    *,
    data: Path | None = None,
    seconds: float = PATIENCE,
) -> SeasonCandles | Unknown:
    """Return a season's candles; what its venue has and is not here is downloaded, as far as the time allows.

    Args:
        settings: With the season's name.
        frame: The season.
        market: Where its prices came from, as the season says.
        environment: Whose money it was played with.
        data: A folder of candles that a person has named.
        seconds: That a download may take; what it has by then is used, and the next one goes on from there.

    Raises:
        ConfigurationError: The folder that was named cannot be used.
    """
    if data is not None:
        contracts = {} if market.startswith(REPLAY) else _contracts(settings)
        return SeasonCandles(archive=CandleArchive(data, frame.symbols), contracts=contracts)
    if market.startswith(REPLAY):
        return _replayed(settings, frame)
    there = settings.model_copy(update={"environment": environment})
    found: SeasonCandles | Unknown = Unknown(reason="")
    for interval in _intervals(frame):
        note = await _follow(there, frame, market, interval, seconds)
        found = _kept(there, frame, interval, note)
        if isinstance(found, SeasonCandles):
            break
    return found


def _replayed(settings: VenueSettings, frame: Frame) -> SeasonCandles | Unknown:
    folder = kept_folder(settings.season_directory)
    if folder is None:
        return Unknown(reason=f"nothing says here which candles {settings.season} was replayed over: {_NAME_THEM}")
    try:
        return SeasonCandles(archive=CandleArchive(folder, frame.symbols), contracts={})
    except ConfigurationError as error:
        return Unknown(reason=f"the candles that {settings.season} was replayed over cannot be read ({error}): {_NAME_THEM}")


def _intervals(frame: Frame) -> tuple[str, ...]:
    """Return which candles are of use, the best first."""
    short = frame.every < interval_of(USUAL) and frame.end - frame.start < _SHORT
    return (FINEST, USUAL) if short else (USUAL,)


async def _follow(settings: VenueSettings, frame: Frame, market: str, interval: str, seconds: float) -> str:
    """Download what is missing; return why that may not be all of it, in a sentence without a full stop."""
    unknown = settings.environment is Environment.DEMO and not is_loopback(history_url(settings))
    if unknown:
        settings = settings.model_copy(update={"binance_testnet_base_url": _LOOPBACK})
    from arena.download import Wanted, download, is_there  # with Binance's SDK, which takes a while to load

    url = history_url(settings)
    warm_up = max(WARM_UP_BARS * interval_of(interval), WARM_UP_HOURS * HOUR)
    out = settings.season_directory / "candles"
    wanted = Wanted(pairs=frame.symbols, since=frame.start - warm_up, until=frame.end, interval=interval, out=out)
    try:
        if is_there(settings, wanted):
            return ""
        if unknown:
            return "the simulator of this season is not known here"
        async with asyncio.timeout(seconds):
            if is_loopback(url) and (other := await _plays(settings, url)) not in market:
                return f"{url} plays another market now ({other})"
            await download(settings, wanted, lambda line: None)
    except TimeoutError:
        return f"not all candles could be read within {seconds:.0f} s: the next time goes on from there"
    except ArenaError as error:
        return str(error)
    return ""


async def _plays(settings: VenueSettings, url: str) -> str:
    """Return what a simulator plays; empty where it is none."""
    from arena.adapters.binance.market import BinanceMarket
    from arena.market import LOOKING_SHARE

    async with AsyncExitStack() as closing:
        client = public_client(settings, request_budget(LOOKING_SHARE), closing, url)
        return await BinanceMarket(client, venue="", interval=USUAL).label()


def _kept(settings: VenueSettings, frame: Frame, interval: str, note: str) -> SeasonCandles | Unknown:
    """Return what was downloaded so far."""
    folder = settings.season_directory / "candles" / interval
    symbols = [symbol for symbol in frame.symbols if (folder / f"{symbol}.parquet").is_file()]
    if not symbols:
        return Unknown(reason=f"there are no candles of this season here, and {note or 'its venue has none'}: {_NAME_THEM}")
    try:
        archive = CandleArchive(folder, symbols)
    except ConfigurationError as error:
        return Unknown(reason=str(error))
    return SeasonCandles(archive=archive, contracts=_contracts(settings), note=note)


def _contracts(settings: VenueSettings) -> Mapping[str, Instrument]:
    from arena.market import contracts_here

    return contracts_here(settings)
