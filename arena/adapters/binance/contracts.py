"""The contracts with filters, tiers and fees, read seldom: asking for the fees weighs 20 a symbol.

What was read is kept in a file, since every cycle is a process of its own. Filters and trading status are read anew every hour,
tiers and fees every day: all at once where that is asked for, else one symbol a process, and the older ones serve meanwhile.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from arena.adapters.binance import schemas
from arena.adapters.binance.client import FuturesClient, VenueRefusal
from arena.domain.instrument import Instrument, MarginTier
from arena.errors import MarketDataError

INFO_SECONDS = 3600
TERMS_SECONDS = 24 * 3600
_DEFAULT_COMMISSION = {  # regular users, Binance's fee schedule
    "makerCommissionRate": "0.000200",
    "takerCommissionRate": "0.000500",
}

Wire = dict[str, Any]
KnownTiers = Callable[[str], Sequence[MarginTier]]


def kept_contracts(file: Path, known_tiers: KnownTiers | None) -> dict[str, Instrument]:
    """Return the contracts that a file keeps, of whichever host and however old; nobody is asked.

    Args:
        file: As `Contracts` leaves it; there may be none.
        known_tiers: Margin tiers of a symbol where the file has none of it; None to leave it out.
    """
    kept = _read(file)
    return {} if kept is None else _instruments(kept, kept["symbols"], known_tiers)


class Contracts:
    """What may be traded at one host.

    Args:
        client: Its key may be empty where the tiers are known otherwise; then the fees are Binance's regular ones.
        known_tiers: Margin tiers of a symbol, which the venue shows only to a key; None for a client that has one.
        file: Keeps what was read; None for nothing.
        patience: How many times as old as that it may be, for a process that leaves the asking to others.
    """

    def __init__(
        self,
        client: FuturesClient,
        *,
        known_tiers: KnownTiers | None,
        file: Path | None,
        patience: float = 1,
    ) -> None:
        self._client = client
        self._known_tiers = known_tiers
        self._file = file
        self._patience = patience
        nothing: Wire = {"host": client.base_url, "info_at": 0.0, "simulator": None, "symbols": {}, "terms": {}}
        kept = _read(file)
        self._kept = nothing if kept is None or kept.get("host") != client.base_url else kept

    async def note(self) -> str | None:
        """Return what the simulator says that it plays; None where it is the real venue."""
        await self._read_info(())
        note: str | None = self._kept["simulator"]
        return note

    async def instruments(self, symbols: Sequence[str]) -> dict[str, Instrument]:
        """Return the contracts; an unknown symbol is left out."""
        await self._read_info(symbols)
        if self._known_tiers is None:
            await self._read_terms([symbol for symbol in symbols if self._kept["symbols"].get(symbol)])
        return _instruments(self._kept, symbols, self._known_tiers)

    async def refresh(self, symbols: Sequence[str]) -> None:
        """Read all that is older than it should be now, so that the next processes need not."""
        self._patience = 1
        await self._read_info(symbols)
        if self._known_tiers is None:
            await self._read_terms([symbol for symbol in symbols if self._kept["symbols"].get(symbol)], at_once=True)

    async def _read_info(self, symbols: Iterable[str]) -> None:
        """Read exchangeInfo where it is old or says nothing of a symbol; only the symbols asked for are kept."""
        known = set(self._kept["symbols"])
        if not self._old(self._kept["info_at"], INFO_SECONDS * self._patience) and known.issuperset(symbols):
            return
        info = await self._client.read("futures_exchange_info")
        listed = {entry["symbol"]: entry for entry in info["symbols"]}
        self._kept["symbols"] = {symbol: listed.get(symbol) for symbol in sorted(known.union(symbols))}
        self._kept["simulator"] = (info.get("simulator") or {}).get("market")
        self._kept["info_at"] = time.time()
        self._save()

    async def _read_terms(self, symbols: Sequence[str], *, at_once: bool = False) -> None:
        """Read tiers and fees of the symbols that have none, and of those with old ones: of the oldest, or of all."""
        terms: dict[str, Wire] = self._kept["terms"]
        known = sorted((symbol for symbol in symbols if symbol in terms), key=lambda symbol: float(terms[symbol]["read_at"]))
        aged = [symbol for symbol in known if self._old(terms[symbol]["read_at"], TERMS_SECONDS * self._patience)]
        old = [symbol for symbol in symbols if symbol not in terms] + (aged if at_once else aged[:1])
        if not old:
            return
        brackets = {row["symbol"]: row["brackets"] for row in await self._client.read("futures_leverage_bracket")}
        for symbol in old:
            commission = await self._commission(symbol) if symbol in brackets else {}
            terms[symbol] = {"brackets": brackets.get(symbol), "commission": commission, "read_at": time.time()}
        self._save()

    async def _commission(self, symbol: str) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = await self._client.read("futures_commission_rate", symbol=symbol)
        except VenueRefusal as refusal:
            raise MarketDataError(f"the fees of {symbol} could not be read: {refusal}") from refusal
        return answer

    def _old(self, read_at: float, seconds: float) -> bool:
        return not 0 <= time.time() - read_at < seconds

    def _save(self) -> None:
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._file.with_suffix(".new")
            fresh.write_text(json.dumps(self._kept), encoding="utf-8")
            fresh.replace(self._file)


def _read(file: Path | None) -> Wire | None:
    """Return what a file keeps; None where it cannot be read."""
    if file is not None:
        with suppress(OSError, ValueError):
            kept: Wire = json.loads(file.read_text(encoding="utf-8"))
            return kept
    return None


def _instruments(kept: Wire, symbols: Iterable[str], known_tiers: KnownTiers | None) -> dict[str, Instrument]:
    """Return those of the symbols whose filters and tiers are known."""
    found = {}
    for symbol in symbols:
        info, terms = kept["symbols"].get(symbol), kept["terms"].get(symbol)
        if info and terms and terms["brackets"]:
            found[symbol] = schemas.instrument(info, schemas.tiers(terms["brackets"]), terms["commission"])
        elif info and known_tiers is not None:
            found[symbol] = schemas.instrument(info, known_tiers(symbol), _DEFAULT_COMMISSION)
    return found
