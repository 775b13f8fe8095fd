"""An account at Binance: its mode, its trades, its balances."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from arena.adapters.binance import schemas
from arena.adapters.binance.client import VenueRefusal, from_ms, to_ms
from arena.adapters.binance.exchange import GONE, BinanceExchange
from arena.application.ports import VenueBook
from arena.domain.money import ZERO
from arena.domain.order import Fill, PositionSide
from arena.errors import ConfigurationError, ExchangeUnavailable
from arena.together import together

_ALREADY_SO = frozenset({-4046, -4059})  # no need to change margin type, position mode
TRADES_PAGE = 1000
TRADES_WINDOW = timedelta(days=7)  # the widest window userTrades takes
INCOME_PAGE = 1000
FORGOTTEN = timedelta(days=1)  # Binance forgets some orders after days; a younger one is only not visible yet


class BinanceAccount(BinanceExchange):
    """The TradingAccount port over one key."""

    async def prepare(self, symbols: Sequence[str], leverage: int) -> None:
        """Set hedge mode, cross margin, fees and margin in USDT and the symbols' leverage where they differ.

        Raises:
            ConfigurationError: Open orders or positions forbid a change.
        """
        await self._set("hedge mode", "futures_change_position_mode", dualSidePosition="true")
        config = await self._client.read("futures_account_config")
        if config.get("feeBurn"):  # a fee in BNB would be in nobody's ledger
            await self._set("fees in USDT", "futures_v1_post_fee_burn", feeBurn="false")
        if config.get("multiAssetsMargin"):
            await self._set("margin in USDT alone", "futures_change_multi_assets_mode", multiAssetsMargin=False)
        await self._set_symbols(symbols, leverage)

    async def _set_symbols(self, symbols: Sequence[str], leverage: int) -> None:
        config = {row["symbol"]: row for row in await self._client.read("futures_symbol_config")}
        for symbol in symbols:
            now = config.get(symbol, {})
            if str(now.get("marginType", "")).upper() not in ("CROSSED", "CROSS"):
                await self._set(f"cross margin of {symbol}", "futures_change_margin_type", symbol=symbol, marginType="CROSSED")
            if int(now.get("leverage", 0)) != leverage:
                await self._set(f"leverage of {symbol}", "futures_change_leverage", symbol=symbol, leverage=leverage)

    async def fills(self, cursor: Mapping[str, int], since: datetime, until: datetime) -> tuple[Fill, ...]:
        """Return the account's trades after the cursor, up to `until`, in time order."""
        pages = await together(*(self._trades(symbol, last, since, until) for symbol, last in cursor.items()))
        trades = [trade for page in pages for trade in page if from_ms(int(trade["time"])) <= until]
        found = [schemas.fill(trade, await self._client_id(trade, until)) for trade in trades]
        return tuple(sorted(found, key=lambda fill: (fill.time, fill.symbol, fill.trade_id)))

    async def book(self) -> VenueBook:
        """Return positions and balances of the account, in one answer and so of one instant."""
        account = await self._client.read("futures_account", version=3)
        held = [row for row in account["positions"] if row["positionSide"] != "BOTH" and Decimal(row["positionAmt"]) != 0]
        return VenueBook(
            positions={(row["symbol"], PositionSide(row["positionSide"])): Decimal(row["positionAmt"]) for row in held},
            wallet_balance=Decimal(account["totalWalletBalance"]),
            available_balance=Decimal(account["availableBalance"]),
            marks={row["symbol"]: abs(Decimal(row["notional"]) / Decimal(row["positionAmt"])) for row in held},
            unrealized_pnl=Decimal(account["totalUnrealizedProfit"]),
        )

    async def income(self, since: datetime, until: datetime) -> Mapping[str, Decimal]:
        """Return what has changed the wallet, USDT, by Binance's name of the reason."""
        total: dict[str, Decimal] = {}
        page, more = 1, True
        while more:
            rows = await self._client.read(
                "futures_income_history", startTime=to_ms(since), endTime=to_ms(until), limit=INCOME_PAGE, page=page
            )
            for row in rows:
                total[row["incomeType"]] = total.get(row["incomeType"], ZERO) + Decimal(row["income"])
            page, more = page + 1, len(rows) == INCOME_PAGE
        return total

    async def _set(self, what: str, method: str, **params: Any) -> None:
        """Set a mode; as a read, since setting it twice is setting it once."""
        try:
            await self._client.read(method, **params)
        except VenueRefusal as refusal:
            if refusal.code not in _ALREADY_SO:
                raise ConfigurationError(
                    f"the account's {what} cannot be set ({refusal.code}: {refusal.message}): "
                    "close its positions and orders by hand, or give the arena an account of its own"
                ) from refusal

    async def _trades(self, symbol: str, last_id: int, since: datetime, until: datetime) -> list[Mapping[str, Any]]:
        if last_id == 0:
            return await self._first_trades(symbol, since, until)
        found: list[Mapping[str, Any]] = []
        next_id = last_id + 1
        while True:
            page = await self._client.read("futures_account_trades", symbol=symbol, fromId=next_id, limit=TRADES_PAGE)
            found += page
            if len(page) < TRADES_PAGE:
                return found
            next_id = int(page[-1]["id"]) + 1

    async def _first_trades(self, symbol: str, since: datetime, until: datetime) -> list[Mapping[str, Any]]:
        """Find the first trade by time, window by window, then go on by id."""
        start = since
        while start <= until:
            end = min(start + TRADES_WINDOW, until)
            page = await self._client.read(
                "futures_account_trades", symbol=symbol, startTime=to_ms(start), endTime=to_ms(end), limit=TRADES_PAGE
            )
            if page:
                whole = len(page) < TRADES_PAGE and end == until
                return list(page) + ([] if whole else await self._trades(symbol, int(page[-1]["id"]), since, until))
            start = end + timedelta(milliseconds=1)
        return []

    async def _client_id(self, trade: Mapping[str, Any], until: datetime) -> str:
        """Return the client id of a trade's order; empty where Binance has forgotten the order.

        Raises:
            ExchangeUnavailable: The order of a young trade cannot be seen yet; whose trade it is must not be guessed.
        """
        symbol, order_id = trade["symbol"], str(trade["orderId"])
        for pause in (*self._pauses, None):
            if order_id in self._client_ids:
                break
            try:
                order = await self._client.read("futures_get_order", symbol=symbol, orderId=order_id)
                self._client_ids[order_id] = str(order["clientOrderId"])
            except VenueRefusal as refusal:
                if refusal.code in GONE and until - from_ms(int(trade["time"])) > FORGOTTEN:
                    return ""  # the trade is then nobody's until a person explains it
                if pause is None:
                    raise ExchangeUnavailable(
                        f"the order of trade {trade['id']} in {symbol} cannot be seen: {refusal}"
                    ) from refusal
                await asyncio.sleep(pause)
        return self._client_ids[order_id]
