"""Reading the state a cycle starts from; every query is answered by an index, whatever the season's length."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from arena.adapters.storage.restore import booked_fill_of, books_of, closed_trade_of, funded_of, intent_of, ledger_of, season_of
from arena.adapters.storage.rows import iso
from arena.application.past import retold
from arena.application.record import LATELY, Books, Lately, PastTurn, SeasonState
from arena.domain.competitor import CompetitorId, Season, SeasonId
from arena.domain.ledger import ClosedTrade, Ledger
from arena.domain.money import ZERO
from arena.domain.order import Fill, Intent, Order
from arena.errors import ConfigurationError

PAST_TURNS = 5
WINDOW = timedelta(hours=1)


def read_season(db: sqlite3.Connection, season_id: SeasonId) -> Season | None:
    """Return a season as it was created; None where there is none."""
    row = db.execute("SELECT * FROM seasons WHERE season_id = ?", (season_id,)).fetchone()
    if row is None:
        return None
    return season_of(row, db.execute("SELECT * FROM competitors WHERE season_id = ? ORDER BY id", (season_id,)))


def read_state(db: sqlite3.Connection, season_id: SeasonId, as_of: datetime) -> SeasonState:
    """Return where the next cycle starts.

    Raises:
        ConfigurationError: There is no such season.
    """
    season = read_season(db, season_id)
    if season is None:
        known = [row["season_id"] for row in db.execute("SELECT season_id FROM seasons ORDER BY id DESC LIMIT 5")]
        raise ConfigurationError(
            f"there is no season {season_id} in the records; " + (f"there are {', '.join(known)}" if known else "there are none")
        )
    begun = db.execute("SELECT max(number) AS number FROM cycles WHERE season_id = ?", (season_id,)).fetchone()
    last = db.execute("SELECT * FROM bookings WHERE season_id = ? ORDER BY number DESC LIMIT 1", (season_id,)).fetchone()
    ledgers = _ledgers(db, season_id)
    settled_until = datetime.fromisoformat(last["closed_at"]) if last else season.started_at
    intents = _open_intents(db, season_id)
    return SeasonState(
        season=season,
        number=begun["number"] or 0,
        booking=last["number"] if last else 0,
        books=books_of(last, ledgers) if last else Books(ledgers=ledgers),
        intents=intents,
        settled_until=settled_until,
        past={each.llm_id: _past(db, season_id, each.llm_id) for each in season.competitors},
        news=_news(db, season),
        decided_at=_decided_at(db, season, as_of),
        lately=_lately(db, season_id, settled_until - LATELY),
        executed=_executed(db, season_id, intents),
        spent_today=_spent_today(db, season, as_of),
    )


def _ledgers(db: sqlite3.Connection, season_id: SeasonId) -> Mapping[CompetitorId, Ledger]:
    held = defaultdict(list)
    found = db.execute(
        "SELECT * FROM positions INDEXED BY positions_open "  # else SQLite walks through the closed ones
        "WHERE season_id = ? AND status = 'open' ORDER BY opened_at, symbol, side",
        (season_id,),
    )
    for row in found:
        held[row["llm_id"]].append(row)
    accounts = db.execute("SELECT * FROM llm_accounts WHERE season_id = ? ORDER BY id", (season_id,))
    return {CompetitorId(row["llm_id"]): ledger_of(row, held[row["llm_id"]]) for row in accounts}


def _open_intents(db: sqlite3.Connection, season_id: SeasonId) -> Mapping[str, Intent]:
    found = db.execute("SELECT * FROM intents WHERE season_id = ? AND closed_cycle IS NULL ORDER BY id", (season_id,))
    return {row["client_order_id"]: intent_of(row) for row in found}


def _executed(db: sqlite3.Connection, season_id: SeasonId, intents: Mapping[str, Intent]) -> Mapping[str, Decimal]:
    """Return what is booked of each intent's order."""
    found: dict[str, Decimal] = {}
    for name in intents:
        sql = "SELECT quantity FROM fills INDEXED BY fills_order WHERE season_id = ? AND client_order_id = ?"
        for row in db.execute(sql, (season_id, name)):
            found[name] = found.get(name, ZERO) + Decimal(row["quantity"])
    return found


def _lately(db: sqlite3.Connection, season_id: SeasonId, since: datetime) -> Lately:
    """Return what is booked of the time after `since`."""
    fills = db.execute("SELECT * FROM fills WHERE season_id = ? AND time > ? ORDER BY time, id", (season_id, iso(since)))
    funded = db.execute("SELECT * FROM funding WHERE season_id = ? AND time > ?", (season_id, iso(since)))
    return Lately(fills=tuple(booked_fill_of(row) for row in fills), funded=frozenset(funded_of(row) for row in funded))


def _past(db: sqlite3.Connection, season_id: SeasonId, llm_id: CompetitorId) -> tuple[PastTurn, ...]:
    """Return the last turns, oldest first, with what has become of their limit orders."""
    found = db.execute(
        "SELECT cycle, time, summary FROM turns WHERE season_id = ? AND llm_id = ? ORDER BY cycle DESC LIMIT ?",
        (season_id, llm_id, PAST_TURNS),
    ).fetchall()
    told = {row["cycle"]: _past_turn(row) for row in reversed(found)}
    for cycle, turn in told.items():
        summary = turn.summary
        for order, fills in _ended_limits(db, season_id, llm_id, cycle):
            summary = retold(summary, order, fills)
        told[cycle] = replace(turn, summary=summary)
    return tuple(told.values())


def _past_turn(row: sqlite3.Row) -> PastTurn:
    return PastTurn(cycle=row["cycle"], time=datetime.fromisoformat(row["time"]), summary=row["summary"])


def _ended_limits(
    db: sqlite3.Connection, season_id: SeasonId, llm_id: CompetitorId, cycle: int
) -> Iterator[tuple[Order, list[Fill]]]:
    """Yield the limit orders of a turn that nothing more can come of, with their trades."""
    ended = db.execute(
        "SELECT * FROM intents INDEXED BY intents_cycle WHERE season_id = ? AND cycle = ? AND llm_id = ? "
        "AND order_type = 'LIMIT' AND closed_cycle IS NOT NULL",
        (season_id, cycle, llm_id),
    ).fetchall()
    for row in ended:
        trades = db.execute(
            "SELECT * FROM fills INDEXED BY fills_order WHERE season_id = ? AND client_order_id = ? ORDER BY id",
            (season_id, row["client_order_id"]),
        )
        yield intent_of(row).order, [booked_fill_of(trade).fill for trade in trades]


def _news(db: sqlite3.Connection, season: Season) -> Mapping[CompetitorId, tuple[ClosedTrade, ...]]:
    """Return the trades that were closed since the last booked cycle began, other than by a decision, oldest first."""
    news: dict[CompetitorId, list[ClosedTrade]] = {each.llm_id: [] for each in season.competitors}
    last = db.execute(
        "SELECT scheduled_at FROM cycles WHERE season_id = ? AND status = 'booked' ORDER BY number DESC LIMIT 1",
        (season.season_id,),
    ).fetchone()
    found = db.execute(
        "SELECT * FROM closed_trades INDEXED BY closed_trades_news WHERE season_id = ? AND closed_at >= ? "
        "AND cause <> 'decision' ORDER BY closed_at, id",
        (season.season_id, last["scheduled_at"] if last else ""),
    )
    for row in found:
        news[CompetitorId(row["llm_id"])].append(closed_trade_of(row))
    return {llm_id: tuple(trades) for llm_id, trades in news.items()}


def _decided_at(db: sqlite3.Connection, season: Season, as_of: datetime) -> Mapping[CompetitorId, tuple[datetime, ...]]:
    """Return the times after as_of − 1 h, up to as_of, of the turns in which a model was asked, oldest first."""
    times: dict[CompetitorId, list[datetime]] = {each.llm_id: [] for each in season.competitors}
    found = db.execute(
        "SELECT llm_id, time FROM turns WHERE season_id = ? AND calls > 0 AND time > ? AND time <= ? ORDER BY time",
        (season.season_id, iso(as_of - WINDOW), iso(as_of)),
    )
    for row in found:
        times[CompetitorId(row["llm_id"])].append(datetime.fromisoformat(row["time"]))
    return {llm_id: tuple(asked) for llm_id, asked in times.items()}


def _spent_today(db: sqlite3.Connection, season: Season, as_of: datetime) -> Mapping[CompetitorId, Decimal]:
    """Return what the calls of the UTC day up to as_of have cost, USD; a call of unknown cost counts nothing."""
    midnight = as_of.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    spent: dict[CompetitorId, Decimal] = {each.llm_id: ZERO for each in season.competitors}
    found = db.execute(
        "SELECT llm_id, cost_usd FROM cycles JOIN model_calls "
        "ON model_calls.season_id = cycles.season_id AND model_calls.cycle = cycles.number "
        "WHERE cycles.season_id = ? AND scheduled_at >= ? AND scheduled_at <= ? AND cost_usd IS NOT NULL",
        (season.season_id, iso(midnight), iso(as_of)),
    )
    for row in found:
        spent[CompetitorId(row["llm_id"])] += Decimal(row["cost_usd"])
    return spent
