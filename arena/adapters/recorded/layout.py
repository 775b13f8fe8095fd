"""Where a market's files are: one a symbol in a folder, or Binance's public archive with one a month or a day."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from arena.errors import ConfigurationError

FUNDING, MARK = "funding", "mark-1h"  # folders beside the candles, which hold none
PLAIN = (".csv", ".parquet")
_ARCHIVED = re.compile(r"(?P<symbol>\w+)-(?P<what>\d+[mhd]|fundingRate)-\d{4}-\d{2}(-\d{2})?\.(zip|csv)")
_KLINES, _MARKS, _FUNDINGS = "klines", "markPriceKlines", "fundingRate"  # folders of Binance's archive
_OTHERS = frozenset({"indexPriceKlines", "premiumIndexKlines"})
_HOUR = "1h"


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolFiles:
    """The files of one symbol; several of a kind are parts of one history, and of a time in two of them the first one counts."""

    symbol: str
    candles: tuple[Path, ...]
    mark: tuple[Path, ...] = ()
    funding: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFiles:
    """The files of a market by symbol, and the folder that its candles are in."""

    folder: Path
    symbols: Mapping[str, SymbolFiles]


def market_files(directory: Path) -> MarketFiles:
    """Find the files of a market in a folder, or in the only folder of candles below it.

    Raises:
        ConfigurationError: There is no such folder, it has no candle files, or it is not clear which ones are meant.
    """
    if not directory.is_dir():
        raise ConfigurationError(f"{directory} is not a folder: name one with candle files such as BTCUSDT.parquet")
    found = _plain(directory) or _archived(directory)
    if found:
        return MarketFiles(folder=directory, symbols=found)
    below = sorted(path for path in directory.iterdir() if path.name not in (FUNDING, MARK) and _by_symbol(path))
    if len(below) == 1:
        return market_files(below[0])
    names = ", ".join(path.name for path in below)
    hint = f"name one of its folders ({names})" if below else "name a folder with files such as BTCUSDT.parquet"
    raise ConfigurationError(f"{directory} has no candle files: {hint}")


def _plain(directory: Path) -> dict[str, SymbolFiles]:
    """Return the files of a folder with one a symbol, with those of the folders beside it."""
    marks, fundings = (_by_symbol(directory.parent / name) for name in (MARK, FUNDING))
    return {
        symbol: SymbolFiles(symbol=symbol, candles=(path,), mark=_one(marks, symbol), funding=_one(fundings, symbol))
        for symbol, path in _by_symbol(directory).items()
    }


def _one(paths: Mapping[str, Path], symbol: str) -> tuple[Path, ...]:
    return (paths[symbol],) if symbol in paths else ()


def _by_symbol(folder: Path) -> dict[str, Path]:
    paths = sorted(path for suffix in PLAIN for path in folder.glob(f"[!.]*{suffix}") if not _ARCHIVED.fullmatch(path.name))
    found: dict[str, Path] = {}
    for path in paths:
        if (other := found.setdefault(path.stem, path)) != path:
            raise ConfigurationError(f"{folder} has {path.stem} twice ({other.name}, {path.name}): keep one of them")
    return found


def _archived(directory: Path) -> dict[str, SymbolFiles]:
    """Return the files of Binance's archive in and below a folder, which may be all of it or the klines alone.

    Marks and fundings are looked for beside the klines, too. A day's file counts where there is no month's.
    """
    candles: dict[str, list[Path]] = {}
    marks: dict[str, list[Path]] = {}
    fundings: dict[str, list[Path]] = {}
    kinds, intervals = set(), set()
    for path, symbol, what in _named([directory]):
        if not _OTHERS.union((_MARKS, _FUNDINGS)) & {*path.parts, what}:
            candles.setdefault(symbol, []).append(path)
            intervals.add(what)
            kinds.add(_market(path))
    above = [directory, *(parent / name for parent in _above_klines(directory) for name in (_MARKS, _FUNDINGS))]
    for path, symbol, what in _named(above):
        if what == _FUNDINGS:
            fundings.setdefault(symbol, []).append(path)
        elif _MARKS in path.parts and what == _HOUR:
            marks.setdefault(symbol, []).append(path)
    if len(intervals) > 1:
        raise ConfigurationError(f"{directory} mixes candle intervals ({', '.join(sorted(intervals))}): keep one interval in it")
    if len(kinds) > 1:
        raise ConfigurationError(f"{directory} has more than one market: name one of {', '.join(map(str, sorted(kinds)))}")
    return {
        symbol: SymbolFiles(
            symbol=symbol, candles=tuple(paths), mark=tuple(marks.get(symbol, ())), funding=tuple(fundings.get(symbol, ()))
        )
        for symbol, paths in sorted(candles.items())
    }


def _named(folders: Iterable[Path]) -> list[tuple[Path, str, str]]:
    """Return the archive's files in and below folders with symbol and what they are: an interval, or fundings; months first."""
    paths = {path for folder in folders for path in folder.rglob("*-*-*.*")}
    found = ((path, _ARCHIVED.fullmatch(path.name)) for path in sorted(paths, key=lambda path: (path.stem, path)))
    return [(path, match["symbol"], match["what"]) for path, match in found if match]


def _above_klines(directory: Path) -> list[Path]:
    return [path.parent for path in (directory, *directory.parents) if path.name == _KLINES]


def _market(path: Path) -> Path:
    """Return the folder of the market that a file belongs to, such as `data/futures/um`; its own where there is none."""
    return next((each.parent for each in path.parents if each.name in ("monthly", "daily")), path.parent)
