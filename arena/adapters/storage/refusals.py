"""Why a store refuses a write, in the same words for every store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from arena.adapters.storage.rows import Row, Tables, clean
from arena.application.evidence import EQUAL_SETTINGS
from arena.domain.competitor import Season
from arena.domain.money import ZERO
from arena.errors import ConfigurationError, CycleConflict, RecordsError


def name_of(booking: Row) -> str:
    """Return what a booking is called, from its own row."""
    what = "cycle" if booking["kind"] == "cycle" else "a sweep after cycle"
    return f"{what} {booking['cycle']} of season {booking['season_id']}"


def claimed(season_id: str, number: int) -> CycleConflict:
    """Another run was faster."""
    return CycleConflict(f"another run has claimed cycle {number} of season {season_id}")


def rewritten(client_order_id: str) -> CycleConflict:
    """An order under an id that is taken."""
    return CycleConflict(f"order {client_order_id} is written down with other contents")


def never_begun(booking: Row) -> CycleConflict:
    """A cycle is claimed before it is booked."""
    return CycleConflict(f"cycle {booking['cycle']} of season {booking['season_id']} was never begun")


def other_contents(booking: Row) -> CycleConflict:
    """A cycle is booked once."""
    return CycleConflict(f"{name_of(booking)} is booked with other contents")


def moved(booking: Row, at: int) -> CycleConflict:
    """It started from books that have moved on."""
    return CycleConflict(f"{name_of(booking)} started from booking {booking['number'] - 1}, but the books are at {at}")


def unexplained(booking: Row, llm_id: str, balance: object, says: object) -> RecordsError:
    """It started from other balances than the booked ones, or its entries do not explain the new ones."""
    return RecordsError(
        f"{name_of(booking)}: the entries of {llm_id} lead to {balance} USDT, its ledger says {says}; nothing was booked"
    )


def vanished(booking: Row, which: Iterable[str]) -> RecordsError:
    """A position that is neither held nor closed by a trade would come back with the next state."""
    return RecordsError(f"{name_of(booking)}: {', '.join(which)} vanished without a closed trade; nothing was booked")


def no_table(table: str, tables: Sequence[str]) -> RecordsError:
    """A name that is not one of the records' tables."""
    return RecordsError(f"the records have no table {table}; they have {', '.join(tables)}")


def unknown_season(season_id: str, known: Sequence[str]) -> ConfigurationError:
    """A season that is not in the store, with the newest of those that are."""
    there = f"there are {', '.join(known)}" if known else "there are none"
    return ConfigurationError(f"there is no season {season_id} in the records; {there}")


def stands_nowhere(season_id: str) -> RecordsError:
    """A season that has not begun cannot be halted in the store."""
    return RecordsError(f"the season {season_id} has not begun")


def has_ended(season_id: str) -> RecordsError:
    """Nothing follows the end of a season."""
    return RecordsError(f"the season {season_id} has ended: name a new SEASON in .env")


def check_wallets(booked: Mapping[str, str], tables: Tables) -> None:
    """Refuse wallets that the entries of a booking do not lead to.

    Args:
        booked: Balances before it, by competitor.
        tables: The booking's.

    Raises:
        RecordsError
    """
    balances = {llm_id: Decimal(balance) for llm_id, balance in booked.items()}
    for entry in tables["ledger_entries"]:
        balances[entry["llm_id"]] = balances.get(entry["llm_id"], ZERO) + Decimal(entry["amount"])
    for account in tables["llm_accounts"]:
        llm_id, says = account["llm_id"], Decimal(account["current_balance"])
        if balances.get(llm_id) != says:
            raise unexplained(tables["bookings"][0], llm_id, balances.get(llm_id), says)


def check_positions(remaining: Iterable[Row], tables: Tables) -> None:
    """Refuse a booking that neither holds nor closes one of the positions that stay open after it.

    Raises:
        RecordsError
    """
    competitors = {account["llm_id"] for account in tables["llm_accounts"]}
    held = {_bucket(row) for row in tables["positions"] if row["status"] == "open"}
    if lost := {_bucket(row) for row in remaining if row["llm_id"] in competitors} - held:
        raise vanished(tables["bookings"][0], (" ".join(key) for key in sorted(lost)))


def _bucket(position: Row) -> tuple[str, str, str]:
    return position["llm_id"], position["symbol"], position["side"]


def check_terms(known: Season, wanted: Season) -> None:
    """Refuse to go on with a season on other terms.

    Raises:
        ConfigurationError: It names what differs.
    """
    differences = [name for name, old, new in _essentials(known, wanted) if old != new]
    if differences:
        raise ConfigurationError(
            f"season {wanted.season_id} exists with other {' and '.join(differences)}; name a new season, or set them back"
        )


def _essentials(known: Season, wanted: Season) -> Iterable[tuple[str, object, object]]:
    """Yield what two seasons of one id must share; a base URL may move, the order of symbols is the first one's."""
    yield "symbols", set(known.symbols), set(wanted.symbols)
    yield "competitors", _models(known), _models(wanted)
    yield "environment", known.environment, wanted.environment
    yield "account mode", known.account_mode, wanted.account_mode
    yield "times (one is a replay of the past)", known.replayed, wanted.replayed
    yield "capital", {e.llm_id: e.capital for e in known.competitors}, {e.llm_id: e.capital for e in wanted.competitors}


def _models(season: Season) -> dict[str, tuple[object, ...]]:
    return {
        each.llm_id: (each.model.provider, clean(each.model.model), *(getattr(each.model, name) for name in EQUAL_SETTINGS))
        for each in season.competitors
    }
