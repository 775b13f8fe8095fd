"""The download itself: what is missing is asked for, kept, and what is still missing named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from arena.adapters.binance.history import BinanceHistory
from arena.adapters.recorded.growing import Gap, GrowingFile, Span, find_gaps
from arena.adapters.recorded.intervals import interval_of
from arena.adapters.recorded.series import from_ms
from arena.connections import history_url, public_client, request_budget
from arena.download.kinds import Kind, kinds
from arena.download.wanted import USUAL_SPAN, Wanted
from arena.errors import ConfigurationError, MarketDataError
from arena.market import LOOKING_SHARE
from arena.progress import Progress
from arena.settings import VenueSettings

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One kind of one pair, and its file."""

    pair: str
    kind: Kind
    file: GrowingFile

    def __str__(self) -> str:
        return f"{self.pair} {self.kind.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """What came of it.

    Attributes:
        folder: Of the candles.
        source: The host that was asked.
        since, until: Of the candles.
        rows, requests: New ones.
        later: What begins after `since`, a sentence each.
        gaps: What is missing since then, each with what it is missing of.
    """

    folder: Path
    source: str
    since: datetime
    until: datetime
    rows: int
    requests: int
    later: tuple[str, ...]
    gaps: tuple[tuple[str, Gap], ...]

    def sentences(self) -> tuple[str, ...]:
        """Return it for people, a line each; gaps come last."""
        new = f"{self.rows:,} new rows, {self.requests} requests" if self.requests else "all of it was there, nothing was asked"
        span = f"{_shown(self.since)} to {_shown(self.until)} UTC"
        return (f"{self.folder}: {span}, from {self.source}; {new}", *self.later, *map(_named, self.gaps))


async def download(settings: VenueSettings, wanted: Wanted, tell: Tell) -> Downloaded:
    """Download what is not there yet; a run that ends early leaves what it has, and the next one goes on from there.

    Args:
        settings: Where from.
        wanted: What.
        tell: Takes lines that say how far it is.

    Raises:
        ConfigurationError: There is no such pair or interval, or a file cannot be used or written.
        MarketDataError: There are no candles of any pair.
        ExchangeError: The venue could not be read.
    """
    url = history_url(settings)
    source = _source(url)
    parts = _parts(wanted, source)
    before = sum(part.file.rows for part in parts)
    async with AsyncExitStack() as closing:
        budget = request_budget(LOOKING_SHARE)
        history = BinanceHistory(public_client(settings, budget, closing, url))
        since, until = await _bounds(wanted, parts, history)
        await _read_all(parts, since, until, history, tell)
    begun, ended = parts[0].kind.span(since, until)
    later, gaps = _lacking(parts, since, until)
    return Downloaded(
        folder=wanted.out / parts[0].kind.folder,
        source=source,
        since=begun,
        until=ended,
        rows=sum(part.file.rows for part in parts) - before,
        requests=sum(budget.calls.values()),
        later=later,
        gaps=gaps,
    )


def is_there(settings: VenueSettings, wanted: Wanted) -> bool:
    """Return whether a download of a span that is past would ask for nothing; nobody is asked.

    Raises:
        ConfigurationError: There is no such pair or interval, or a file cannot be used.
    """
    assert wanted.since is not None and wanted.until is not None
    parts = _parts(wanted, _source(history_url(settings)))
    return not any(_missing(part, wanted.since, wanted.until) for part in parts)


def _source(url: str) -> str:
    return urlsplit(url).hostname or url


def _parts(wanted: Wanted, source: str) -> list[Part]:
    return [
        Part(pair=pair, kind=kind, file=_file(wanted.out, pair, kind, source))
        for pair in dict.fromkeys(wanted.pairs)
        for kind in kinds(interval_of(wanted.interval))
    ]


def _file(out: Path, pair: str, kind: Kind, source: str) -> GrowingFile:
    if not (pair.isascii() and pair.isalnum()):
        raise ConfigurationError(f"{pair!r} is no pair: name pairs such as BTCUSDT,ETHUSDT")
    path = out / kind.folder / f"{pair}.parquet"
    return GrowingFile(path, kind.time_column, kind.value_columns, source=source, least=kind.least)


async def _bounds(wanted: Wanted, parts: Iterable[Part], history: BinanceHistory) -> Span:
    """Return the span that is wanted and past; the venue's clock is asked only where something may be missing."""
    until = wanted.until
    if until is None or any(_missing(part, wanted.since or until - USUAL_SPAN, until) for part in parts):
        now = await history.time()
        until = min(until or now, now)
    since = wanted.since or until - USUAL_SPAN
    if until - since < 2 * interval_of(wanted.interval):
        raise ConfigurationError(
            f"between {_shown(since)} and {_shown(until)} UTC are not two candles of {wanted.interval}: change --from or --to"
        )
    return since, until


def _missing(part: Part, since: datetime, until: datetime) -> list[Span]:
    return part.file.missing(*part.kind.span(since, until))


async def _read_all(parts: Sequence[Part], since: datetime, until: datetime, history: BinanceHistory, tell: Tell) -> None:
    work = [(part, span) for part in parts for span in _missing(part, since, until)]
    progress = Progress(sum(part.kind.pages(span) for part, span in work), tell)
    for part, span in work:
        try:
            async for page in part.kind.read(history, part.pair, span):
                part.file.add(page.rows, page.span)
                progress.add(part.kind.pages(page.span), f"{part} to {_shown(page.span[1])}")
        finally:
            part.file.keep()


def _lacking(parts: Sequence[Part], since: datetime, until: datetime) -> tuple[tuple[str, ...], tuple[tuple[str, Gap], ...]]:
    """Return what begins later than wanted, in sentences, and the gaps after that."""
    later: list[str] = []
    gaps: list[tuple[str, Gap]] = []
    begins: dict[str, datetime] = {}  # of a pair's candles, which come first
    for part in parts:
        times = part.file.times()
        begun, end = part.kind.span(begins.get(part.pair, since), until)
        first = from_ms(int(times[0])) if len(times) else end
        begins.setdefault(part.pair, max(first, begun))
        if first >= begun + part.kind.step:
            later.append(f"{part}: there are none before {_shown(first)} UTC")
        gaps += [(str(part), gap) for gap in find_gaps(times, part.kind.step, (max(begun, first), end))]
    if all(begin >= until for begin in begins.values()):
        raise MarketDataError(f"there are no candles of {', '.join(begins)} before {_shown(until)} UTC")
    return tuple(later), tuple(gaps)


def _named(missing: tuple[str, Gap]) -> str:
    what, gap = missing
    return f"gap: {what}, {gap.rows} missing from {_shown(gap.since)} to {_shown(gap.until)} UTC"


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
