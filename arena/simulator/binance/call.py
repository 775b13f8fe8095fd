"""One endpoint, and one call of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from arena.adapters.paper.account import PaperAccount, PaperOrder
from arena.domain.instrument import Instrument
from arena.simulator.binance.refusals import INVALID_SYMBOL, WireError
from arena.simulator.binance.wire import Parameters
from arena.simulator.faults import FaultRule
from arena.simulator.venue import ApiKey, Venue


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that has passed the gate.

    Attributes:
        key: The API key that came with it, signed or not; empty without one.
        signer: Who signed it.
        rule: The fault that struck it, if any.
    """

    venue: Venue
    parameters: Parameters
    key: str = ""
    signer: ApiKey | None = None
    rule: FaultRule | None = None

    @property
    def account(self) -> PaperAccount:
        """The account of a signed call."""
        assert self.signer is not None  # the gate gives every signed endpoint one
        return self.venue.engine.account(self.signer.account)

    @property
    def share(self) -> Decimal | None:
        """How much of a market order trades; None for all of it."""
        return self.rule.share if self.rule is not None else None

    def landed(self, paper: PaperOrder) -> None:
        """Hide an order that was just taken, where a fault asks for it."""
        if self.rule is not None and self.rule.hides:
            self.venue.conditions.hide(paper.order_id, self.venue.engine.now + self.rule.hides)

    def hidden(self) -> Collection[int]:
        """Return the ids of the account's orders that are not shown now."""
        return self.venue.conditions.hidden(self.account, self.venue.engine.now)

    def shown(self, orders: Iterable[PaperOrder]) -> list[PaperOrder]:
        """Return the orders without those that are hidden. Only reading overlooks them: they can be cancelled."""
        hidden = self.hidden()
        return [paper for paper in orders if paper.order_id not in hidden]

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
        places_order: Whether a call counts as an order.
    """

    method: str
    path: str
    handle: Callable[[Call], Any]
    weight: int | Callable[[Parameters], int] = 1
    signed: bool = True
    places_order: bool = False

    def weighs(self, parameters: Parameters) -> int:
        """Return the weight of a call with these parameters."""
        return self.weight if isinstance(self.weight, int) else self.weight(parameters)


def public(path: str, handle: Callable[[Call], Any], weight: int | Callable[[Parameters], int] = 1) -> Endpoint:
    """Return a GET endpoint that anybody may call."""
    return Endpoint(method="GET", path=path, handle=handle, weight=weight, signed=False)


def signed(method: str, path: str, handle: Callable[[Call], Any], weight: int | Callable[[Parameters], int] = 1) -> Endpoint:
    """Return an endpoint of an account."""
    return Endpoint(method=method, path=path, handle=handle, weight=weight)


def places(path: str, handle: Callable[[Call], Any]) -> Endpoint:
    """Return an endpoint that takes orders; they have a limit of their own and no weight."""
    return Endpoint(method="POST", path=path, handle=handle, weight=0, places_order=True)


def listing_weight(parameters: Parameters) -> int:
    """Return the weight of listing the open orders, of one symbol or of all."""
    return 1 if parameters.has("symbol") else 40
