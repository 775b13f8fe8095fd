"""The state a cycle starts from, out of its rows: pure, and the same for every store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from arena.adapters.storage.restore import (
    Stored,
    booked_fill_of,
    books_of,
    closed_trade_of,
    funded_of,
    intent_of,
    ledger_of,
    season_of,
)
from arena.adapters.storage.rows import Row, Tables, iso
from arena.application.past import PAST_TURNS, retold
from arena.application.record import LATELY, Books, Lately, PastTurn, SeasonState
from arena.domain.competitor import CompetitorId, Season
from arena.domain.ledger import ClosedTrade, Ledger
from arena.domain.money import ZERO
from arena.domain.order import OrderType

WINDOW = timedelta(hours=1)


def midnight(as_of: datetime) -> datetime:
    """Return when the UTC day of `as_of` began."""
    return as_of.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def state_of(rows: Tables, as_of: datetime) -> SeasonState:
    """Return where the next cycle starts.

    Args:
        rows: By table, at least: the season with its competitors and accounts, the last cycle that was begun and the last
            that was booked, the last booking, the open positions and intents, the last `PAST_TURNS` turns of each with their
            ended limit orders, the turns of the last hour, the fills of all these orders and of the last `LATELY`, the fundings
            of that time, the news, and what the calls of the day have cost. Turns, fills and news come by time.
        as_of: The venue's time.
    """
    season = season_of(rows["seasons"][0], rows["competitors"])
    last = rows["bookings"][0] if rows["bookings"] else None
    ledgers = _ledgers(rows)
    settled_until = datetime.fromisoformat(last["closed_at"]) if last else season.started_at
    begun = max(rows["cycles"], key=lambda row: row["number"], default=None)
    is_open = [row for row in rows["intents"] if row["closed_booking"] is None]
    return SeasonState(
        season=season,
        number=begun["number"] if begun else 0,
        booking=last["number"] if last else 0,
        books=books_of(last, ledgers) if last else Books(ledgers=ledgers),
        intents={row["client_order_id"]: intent_of(row) for row in is_open},
        settled_until=settled_until,
        past=_past(rows, season),
        news=_news(rows["closed_trades"], season),
        decided_at=_decided_at(rows["turns"], season, as_of),
        lately=_lately(rows, settled_until - LATELY),
        executed=_executed(rows["fills"], [row["client_order_id"] for row in is_open]),
        spent_today=_spent(rows["model_calls"], season, as_of),
        begun_at=datetime.fromisoformat(begun["scheduled_at"]) if begun else None,
    )


def _ledgers(rows: Tables) -> Mapping[CompetitorId, Ledger]:
    held: dict[str, list[Row]] = defaultdict(list)
    for row in rows["positions"]:
        held[row["llm_id"]].append(row)
    return {CompetitorId(row["llm_id"]): ledger_of(row, held[row["llm_id"]]) for row in rows["llm_accounts"]}


def _executed(fills: Iterable[Stored], names: Iterable[str]) -> Mapping[str, Decimal]:
    """Return what is booked of each of these orders."""
    wanted, found = frozenset(names), dict[str, Decimal]()
    for row in fills:
        name = row["client_order_id"]
        if name in wanted:
            found[name] = found.get(name, ZERO) + Decimal(row["quantity"])
    return found


def _lately(rows: Tables, since: datetime) -> Lately:
    """Return what is booked of the time after `since`."""
    after = iso(since)
    fills, funding = ([row for row in rows[name] if row["time"] > after] for name in ("fills", "funding"))
    return Lately(fills=tuple(map(booked_fill_of, fills)), funded=frozenset(map(funded_of, funding)))


def _past(rows: Tables, season: Season) -> Mapping[CompetitorId, tuple[PastTurn, ...]]:
    """Return the last turns of each, oldest first, with what has become of their limit orders."""
    turns: dict[str, list[Row]] = defaultdict(list)
    for row in rows["turns"]:
        turns[row["llm_id"]].append(row)
    ended: dict[tuple[int, str], list[Row]] = defaultdict(list)
    for row in rows["intents"]:
        if row["closed_booking"] is not None and row["order_type"] == OrderType.LIMIT:
            ended[row["cycle"], row["llm_id"]].append(row)
    found = {}
    for each in season.competitors:
        told = turns[each.llm_id][-PAST_TURNS:]
        found[each.llm_id] = tuple(_past_turn(row, ended[row["cycle"], row["llm_id"]], rows["fills"]) for row in told)
    return found


def _past_turn(turn: Stored, ended: Iterable[Stored], fills: Iterable[Stored]) -> PastTurn:
    summary = turn["summary"]
    for row in ended:
        filled = [booked_fill_of(each).fill for each in fills if each["client_order_id"] == row["client_order_id"]]
        summary = retold(summary, intent_of(row).order, filled)
    return PastTurn(cycle=turn["cycle"], time=datetime.fromisoformat(turn["time"]), summary=summary)


def _news(trades: Iterable[Stored], season: Season) -> Mapping[CompetitorId, tuple[ClosedTrade, ...]]:
    news: dict[CompetitorId, list[ClosedTrade]] = {each.llm_id: [] for each in season.competitors}
    for row in trades:
        news[CompetitorId(row["llm_id"])].append(closed_trade_of(row))
    return {llm_id: tuple(told) for llm_id, told in news.items()}


def _decided_at(turns: Iterable[Stored], season: Season, as_of: datetime) -> Mapping[CompetitorId, tuple[datetime, ...]]:
    """Return the times after as_of − 1 h, up to as_of, of the turns in which a model was asked, oldest first."""
    times: dict[CompetitorId, list[datetime]] = {each.llm_id: [] for each in season.competitors}
    since, until = iso(as_of - WINDOW), iso(as_of)
    for row in turns:
        if row["calls"] > 0 and since < row["time"] <= until:
            times[CompetitorId(row["llm_id"])].append(datetime.fromisoformat(row["time"]))
    return {llm_id: tuple(asked) for llm_id, asked in times.items()}


def _spent(calls: Iterable[Stored], season: Season, as_of: datetime) -> Mapping[CompetitorId, Decimal]:
    """Return what the calls of the UTC day up to as_of have cost, USD; a call of unknown cost counts nothing."""
    spent: dict[CompetitorId, Decimal] = {each.llm_id: ZERO for each in season.competitors}
    since, until = iso(midnight(as_of)), iso(as_of)
    for row in calls:
        if since <= row["scheduled_at"] <= until:
            spent[CompetitorId(row["llm_id"])] += Decimal(row["cost_usd"])
    return spent
