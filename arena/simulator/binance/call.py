"""One endpoint, and one call of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from arena.adapters.paper.account import PaperAccount
from arena.domain.instrument import Instrument
from arena.simulator.binance.refusals import INVALID_SYMBOL, WireError
from arena.simulator.binance.wire import Parameters
from arena.simulator.venue import Venue


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that has passed the gate."""

    venue: Venue
    parameters: Parameters
    signer: PaperAccount | None = None

    @property
    def account(self) -> PaperAccount:
        """The account of a signed call."""
        assert self.signer is not None  # the gate gives every signed endpoint one
        return self.signer

    def instrument(self) -> Instrument:
        """Return the contract named by the mandatory `symbol`.

        Raises:
            WireError: -1102, -1121.
        """
        symbol = self.parameters.text("symbol")
        if symbol not in self.venue.archive.instruments:
            raise WireError(*INVALID_SYMBOL)
        return self.venue.archive.instruments[symbol]

    def instruments(self) -> list[Instrument]:
        """Return the contract named by `symbol`, or all of them where it was not sent."""
        return [self.instrument()] if self.parameters.has("symbol") else list(self.venue.archive.instruments.values())

    def one_or_all(self, of: Callable[[Instrument], Any]) -> Any:
        """Return one answer where `symbol` was sent, else the list of all that have a price."""
        if self.parameters.has("symbol"):
            return of(self.instrument())
        priced = self.venue.engine.marks()
        return [of(instrument) for instrument in self.instruments() if instrument.symbol in priced]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method on one path.

    Attributes:
        weight: Request weight, fixed or by the parameters. Source: Binance USD-M endpoint pages.
        signed: Whether the gate asks for key and signature.
    """

    method: str
    path: str
    handle: Callable[[Call], Any]
    weight: int | Callable[[Parameters], int] = 1
    signed: bool = True

    def weighs(self, parameters: Parameters) -> int:
        """Return the weight of a call with these parameters."""
        return self.weight if isinstance(self.weight, int) else self.weight(parameters)


def public(path: str, handle: Callable[[Call], Any], weight: int | Callable[[Parameters], int] = 1) -> Endpoint:
    """Return a GET endpoint that anybody may call."""
    return Endpoint(method="GET", path=path, handle=handle, weight=weight, signed=False)


def signed(method: str, path: str, handle: Callable[[Call], Any], weight: int = 1) -> Endpoint:
    """Return an endpoint of an account."""
    return Endpoint(method=method, path=path, handle=handle, weight=weight)
