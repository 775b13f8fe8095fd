"""Where a profit came from adds up to the profit, to the last digit, whatever was traded; and each part is what it says."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.adapters.storage.sqlite import SqliteRecords
from arena.analysis.attribution import COLUMNS, PARTS, Attribution, attributions
from arena.domain.competitor import AccountMode
from arena.domain.costs import funding_payment
from arena.domain.ledger import LedgerEntry, apply_fill, apply_funding, covered
from arena.domain.market import FundingRate
from arena.domain.money import ZERO
from arena.domain.order import Fill, OrderType
from tests.fakes.build import ledger
from tests.fakes.reckless import play, tables_of
from tests.fakes.season import Story, season
from tests.property.test_ledger import PRICES, SYMBOLS, fills

Row = dict[str, Any]
Tables = Mapping[str, Sequence[Mapping[str, Any]]]


def fill_row(fill: Fill, client_id: str, realized: Decimal) -> Row:
    names = ("symbol", "side", "position_side", "quantity", "price", "fee", "trade_id", "exchange_order_id")
    return {name: str(getattr(fill, name)) for name in names} | {
        "llm_id": "LLM-A",
        "client_order_id": client_id,
        "realized_pnl": str(realized),
    }


def intent_row(client_id: str, kind: OrderType, arrival: Decimal, trigger: Decimal) -> Row:
    prices = {"arrival_price": str(arrival), "trigger_price": str(trigger) if kind.conditional else None}
    return {"client_order_id": client_id, "order_type": str(kind), **prices}


def entry_row(entry: LedgerEntry) -> Row:
    return {name: str(getattr(entry, name)) for name in ("llm_id", "kind", "symbol", "amount", "reference")}


INTENDED = st.none() | st.tuples(st.sampled_from(OrderType), PRICES, PRICES)


@given(fills(), st.data(), st.fixed_dictionaries(dict.fromkeys(SYMBOLS, PRICES)))
def test_any_ledger_is_explained_to_the_last_digit(events: list[Fill], data: st.DataObject, marks: dict[str, Decimal]) -> None:
    """Fills that orders stand behind and fills that none does, a funding after each, and a fund that lifts whoever is ruined."""
    state, tables = ledger("200"), {name: [] for name in COLUMNS}
    for number, event in enumerate(events):
        intended = data.draw(INTENDED)
        if intended is not None:
            tables["intents"].append(intent_row(f"order-{number}", *intended))
        posting = apply_fill(state, event)
        tables["fills"].append(fill_row(event, f"order-{number}", posting.realized_pnl))
        state = posting.ledger
        lifted = covered(state, event)
        if lifted is not None:
            state = lifted.ledger
            tables["ledger_entries"] += map(entry_row, lifted.entries)
        for position in tuple(state.positions.values()):
            moment = event.time + timedelta(milliseconds=1)
            rate = FundingRate(symbol=position.symbol, time=moment, rate=Decimal("0.00012345"), mark_price=event.price)
            payment = funding_payment(position.llm_id, position.side, position.signed_quantity, rate)
            state = apply_funding(state, payment).ledger
            names = ("llm_id", "symbol", "position_side", "payment")
            tables["funding"].append({name: str(getattr(payment, name)) for name in names})
    for (symbol, side), held in state.positions.items():
        row = {"llm_id": "LLM-A", "symbol": symbol, "side": side, "status": "open"}
        tables["positions"].append({**row, "unrealized_pnl": str(held.unrealized_pnl(marks[symbol]))})
    tables["llm_accounts"] = [{"llm_id": "LLM-A", "initial_balance": "200", "equity": str(state.equity(marks))}]
    found = attributions(tables)["LLM-A"]
    assert found.unexplained == 0 and found.pnl == state.equity(marks) - 200
    assert (found.of("fee"), found.of("funding"), found.of("insurance")) == (-state.fees, -state.funding, state.insurance)
    assert {(share.symbol, share.side) for share in found.shares} == {(e.symbol, str(e.position_side)) for e in events}


def booked(path: Path, seed: int, cycles: int) -> Tables:
    """Play a scripted season into a store and return its rows."""

    async def run() -> Tables:
        with SqliteRecords(path, lasting=False) as records:
            story = Story(season(), seed)
            await records.open_season(story.season)
            for number in range(1, cycles + 1):
                record = replace(story.cycle(), booking=number)
                await records.begin_cycle(record.season_id, number, record.scheduled_at)
                await records.append_intents(record.season_id, story.intents[number])
                await records.book(record)
            return await tables_of(records, tuple(COLUMNS), "test")

    return asyncio.run(run())


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 20))
def test_a_scripted_season_is_explained_to_the_last_digit(seed: int, cycles: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tables = booked(Path(folder) / "arena.sqlite", seed, cycles)
    found = attributions(tables)
    assert list(found) == ["LLM-A", "LLM-B", "LLM-C"]
    assert [each.unexplained for each in found.values()] == [0, 0, 0]


def reckless(folder: Path, seed: int, mode: AccountMode) -> Tables:
    """Play a reckless season and return its rows."""

    async def run() -> Tables:
        with await play(folder, seed, 30, mode) as records:
            return await tables_of(records, (*COLUMNS, "closed_trades"))

    return asyncio.run(run())


def check(tables: Tables) -> dict[str, Attribution]:
    found = attributions(tables)
    for account in tables["llm_accounts"]:
        own = found[account["llm_id"]]
        assert own.pnl == Decimal(account["equity"]) - Decimal(account["initial_balance"])
        assert sum((share.total for share in own.shares), ZERO) == own.pnl and own.unexplained == 0
        for part, column in (("fee", "fees"), ("funding", "funding")):
            assert own.of(part) == -Decimal(account[column])
        assert own.of("insurance") == Decimal(account["insurance"])
        assert own.of("price") + own.of("slippage") == Decimal(account["realized_pnl"]) + Decimal(account["unrealized_pnl"])
    return found


def test_a_replayed_season_with_fundings_and_a_ruin_is_explained_to_the_last_digit(tmp_path: Path) -> None:
    tables = reckless(tmp_path, 5, AccountMode.SHARED)
    found = check(tables)
    causes = Counter(row["cause"] for row in tables["fills"])
    assert causes["liquidation"] == 1 and causes["stop"] and causes["target"] and tables["funding"], "or it says little"
    ruined = found["LLM-A"]
    (last,) = [share for share in ruined.shares if share.insurance]
    assert ruined.pnl == -200 and last.insurance > 0 and (last.symbol, last.side) == ("BTCUSDT", "LONG")
    assert all(each.of(part) for each in found.values() for part in ("price", "fee", "slippage"))


@pytest.mark.slow
@pytest.mark.parametrize("mode", AccountMode)
@pytest.mark.parametrize("seed", range(1, 7))
def test_replayed_seasons_are_explained_to_the_last_digit(tmp_path: Path, seed: int, mode: AccountMode) -> None:
    tables = reckless(tmp_path, seed, mode)
    assert len(tables["fills"]) > 30 and all(each.of("slippage") for each in check(tables).values())


def one_trade(kind: OrderType | None, arrival: str, trigger: str = "0") -> Attribution:
    """A short over 2 that was sold at 100 and bought back at 97, for 0.3 a side; the buying order is of this kind."""
    names = {"llm_id": "LLM-A", "symbol": "SOLUSDT", "position_side": "SHORT", "quantity": "2", "fee": "0.3"}
    sold = names | {"side": "SELL", "price": "100", "realized_pnl": "0", "client_order_id": "o", "trade_id": 1}
    bought = names | {"side": "BUY", "price": "97", "realized_pnl": "6", "client_order_id": "c", "trade_id": 2}
    intents = [intent_row("o", OrderType.MARKET, Decimal("100.5"), ZERO)]
    if kind is not None:
        intents.append(intent_row("c", kind, Decimal(arrival), Decimal(trigger)))
    tables = {
        "llm_accounts": [{"llm_id": "LLM-A", "initial_balance": "200", "equity": "205.3"}],
        "fills": [{**sold, "exchange_order_id": "1"}, {**bought, "exchange_order_id": "2"}],
        "intents": intents,
        "funding": [{"llm_id": "LLM-A", "symbol": "SOLUSDT", "position_side": "SHORT", "payment": "0.1"}],
        "positions": [],
        "ledger_entries": [],
    }
    return attributions(tables)["LLM-A"]


@pytest.mark.parametrize(
    ("kind", "arrival", "trigger", "slippage"),
    [
        (OrderType.MARKET, "96", "0", "-3"),  # 0.5 under the price it saw when it sold, 1 over it when it bought
        (OrderType.STOP_MARKET, "90", "96.8", "-1.4"),  # the trigger is its price, not what was seen when it was formed
        (OrderType.TAKE_PROFIT_MARKET, "105", "97.5", "0"),  # better by 0.5 than its trigger
        (OrderType.LIMIT, "105", "0", "-1"),
        (None, "0", "0", "-1"),  # the venue's liquidation
    ],
)
def test_slippage_is_taken_from_what_the_order_was_to_trade_at(
    kind: OrderType | None, arrival: str, trigger: str, slippage: str
) -> None:
    found = one_trade(kind, arrival, trigger)
    (share,) = found.shares
    assert (share.symbol, share.side, share.slippage) == ("SOLUSDT", "SHORT", Decimal(slippage))
    assert (share.fee, share.funding, share.insurance) == (Decimal("-0.6"), Decimal("-0.1"), 0)
    assert share.price == 6 - Decimal(slippage) and share.total == found.pnl == Decimal("5.3")


def test_books_that_do_not_add_up_say_by_how_much() -> None:
    found = one_trade(OrderType.MARKET, "97")
    assert replace(found, pnl=found.pnl + Decimal("0.01")).unexplained == Decimal("0.01")
    assert set(PARTS) == {"price", "fee", "funding", "slippage", "insurance"}
