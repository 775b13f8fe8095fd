"""Where a competitor's profit came from: by symbol and side, split into price, fee, funding, slippage and insurance, exactly.

    price + fee + funding + slippage + insurance = equity − capital        each positive where it was gained, to the last digit

Slippage is taken from what an order was to trade at, s · (fill − reference) · quantity with s = +1 for a buy (Perold, 1988, "The
implementation shortfall"). The reference is the last price when a market order was formed, so that what the market did until it
traded is in it; of a stop or a target it is the trigger price. A limit order trades at its own price or not at all, and has none;
nor has a trade that no order of the arena stands behind: the venue's liquidation, an ADL, somebody's own hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

from arena.domain.money import ZERO
from arena.domain.order import OrderSide, OrderType

Row = Mapping[str, Any]
Key = tuple[str, str, str]  # competitor, symbol, side

COLUMNS: Mapping[str, tuple[str, ...]] = {  # of the records, all that is read of them
    "llm_accounts": ("llm_id", "initial_balance", "equity"),
    "intents": ("client_order_id", "order_type", "arrival_price", "trigger_price"),
    "fills": (
        *("llm_id", "symbol", "side", "position_side", "quantity", "price", "fee", "realized_pnl"),
        *("client_order_id", "trade_id", "exchange_order_id"),
    ),
    "funding": ("llm_id", "symbol", "position_side", "payment"),
    "positions": ("llm_id", "symbol", "side", "status", "unrealized_pnl"),
    "ledger_entries": ("llm_id", "kind", "symbol", "amount", "reference"),
}
PARTS = ("price", "fee", "funding", "slippage", "insurance")
DIGITS = 60  # enough for every sum and product of amounts that have 18 decimals


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one symbol and side brought a competitor, USDT; positive is gained.

    Attributes:
        side: Of the position, LONG or SHORT.
        price: Realised and unrealised profit, had every order traded at its reference.
        fee, funding, slippage: Negative where they were paid.
        insurance: What was given to lift a flat wallet to zero after the last trade, ≥ 0.
    """

    symbol: str
    side: str
    price: Decimal
    fee: Decimal
    funding: Decimal
    slippage: Decimal
    insurance: Decimal

    @property
    def total(self) -> Decimal:
        """All of it, USDT."""
        return _sum(getattr(self, part) for part in PARTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Where one competitor's profit came from.

    Attributes:
        pnl: Equity − capital, USDT.
        shares: By symbol, then side; of those only that were traded.
    """

    llm_id: str
    pnl: Decimal
    shares: tuple[Share, ...]

    def of(self, part: str) -> Decimal:
        """Return one of `PARTS` over all symbols and sides, USDT; price alone is the gross profit."""
        return _sum(getattr(share, part) for share in self.shares)

    @property
    def unexplained(self) -> Decimal:
        """What the rows leave open of the profit, USDT: zero, or the books do not add up."""
        return _sum((self.pnl, *(-share.total for share in self.shares)))


def attributions(tables: Mapping[str, Sequence[Row]]) -> dict[str, Attribution]:
    """Return every competitor's, in the order of the accounts.

    Args:
        tables: Rows of one season by table, all of one instant, with `COLUMNS` at least; a closed position's row is not needed.
    """
    sums: defaultdict[Key, dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(PARTS, ZERO))
    with localcontext() as context:
        context.prec = DIGITS
        _add_fills(sums, tables["fills"], _references(tables["intents"]))
        for row in tables["funding"]:
            sums[row["llm_id"], row["symbol"], row["position_side"]]["funding"] -= Decimal(row["payment"])
        for row in tables["positions"]:
            if row["status"] == "open":
                sums[row["llm_id"], row["symbol"], row["side"]]["price"] += Decimal(row["unrealized_pnl"])
        _add_insurance(sums, tables)
        return {row["llm_id"]: _attribution(row, sums) for row in tables["llm_accounts"]}


def _add_fills(sums: Mapping[Key, dict[str, Decimal]], fills: Sequence[Row], references: Mapping[str, Decimal]) -> None:
    for row in fills:
        own, price = sums[row["llm_id"], row["symbol"], row["position_side"]], Decimal(row["price"])
        moved = OrderSide(row["side"]).sign * Decimal(row["quantity"])
        cost = moved * (price - references.get(row["client_order_id"], price))
        own["slippage"] -= cost
        own["price"] += Decimal(row["realized_pnl"]) + cost
        own["fee"] -= Decimal(row["fee"])


def _references(intents: Sequence[Row]) -> dict[str, Decimal]:
    """Return what orders were to trade at, USDT by client id; limit orders are left out."""
    found = {}
    for row in intents:
        kind = OrderType(row["order_type"])
        if kind.conditional:
            found[row["client_order_id"]] = Decimal(row["trigger_price"])
        elif kind is OrderType.MARKET:
            found[row["client_order_id"]] = Decimal(row["arrival_price"])
    return found


def _add_insurance(sums: Mapping[Key, dict[str, Decimal]], tables: Mapping[str, Sequence[Row]]) -> None:
    """Give what the fund paid to the side of the trade that left the wallet below zero, which the entry names."""
    paid = [row for row in tables["ledger_entries"] if row["kind"] == "insurance"]
    if not paid:
        return
    sides = {
        (row["llm_id"], row["symbol"], f"trade:{row['trade_id']}:{row['exchange_order_id']}"): row["position_side"]
        for row in tables["fills"]
    }
    for row in paid:
        side = sides[row["llm_id"], row["symbol"], row["reference"]]
        sums[row["llm_id"], row["symbol"], side]["insurance"] += Decimal(row["amount"])


def _attribution(account: Row, sums: Mapping[Key, Mapping[str, Decimal]]) -> Attribution:
    own = sorted(key for key in sums if key[0] == account["llm_id"])
    return Attribution(
        llm_id=account["llm_id"],
        pnl=Decimal(account["equity"]) - Decimal(account["initial_balance"]),
        shares=tuple(Share(symbol=symbol, side=side, **sums[llm_id, symbol, side]) for llm_id, symbol, side in own),
    )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    with localcontext() as context:
        context.prec = DIGITS
        return sum(amounts, ZERO)
