"""Why a store refuses a write, in the same words for every store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from arena.adapters.storage.rows import clean
from arena.application.evidence import EQUAL_SETTINGS
from arena.application.record import Booking, CycleRecord
from arena.domain.competitor import Season, SeasonId
from arena.errors import ConfigurationError, CycleConflict, RecordsError


def name_of(booking: Booking) -> str:
    """Return what a booking is called."""
    what = "cycle" if isinstance(booking, CycleRecord) else "a sweep after cycle"
    return f"{what} {booking.cycle} of season {booking.season_id}"


def claimed(season_id: SeasonId, number: int) -> CycleConflict:
    """Another run was faster."""
    return CycleConflict(f"another run has claimed cycle {number} of season {season_id}")


def rewritten(client_order_id: str) -> CycleConflict:
    """An order under an id that is taken."""
    return CycleConflict(f"order {client_order_id} is written down with other contents")


def never_begun(booking: Booking) -> CycleConflict:
    """A cycle is claimed before it is booked."""
    return CycleConflict(f"cycle {booking.cycle} of season {booking.season_id} was never begun")


def other_contents(booking: Booking) -> CycleConflict:
    """A cycle is booked once."""
    return CycleConflict(f"{name_of(booking)} is booked with other contents")


def moved(booking: Booking, at: int) -> CycleConflict:
    """It started from books that have moved on."""
    return CycleConflict(f"{name_of(booking)} started from booking {booking.booking - 1}, but the books are at {at}")


def unexplained(booking: Booking, llm_id: str, balance: object, says: object) -> RecordsError:
    """It started from other balances than the booked ones, or its entries do not explain the new ones."""
    return RecordsError(
        f"{name_of(booking)}: the entries of {llm_id} lead to {balance} USDT, its ledger says {says}; nothing was booked"
    )


def vanished(booking: Booking, which: Iterable[str]) -> RecordsError:
    """A position that is neither held nor closed by a trade would come back with the next state."""
    return RecordsError(f"{name_of(booking)}: {', '.join(which)} vanished without a closed trade; nothing was booked")


def no_table(table: str, tables: Sequence[str]) -> RecordsError:
    """A name that is not one of the records' tables."""
    return RecordsError(f"the records have no table {table}; they have {', '.join(tables)}")


def unknown_season(season_id: SeasonId, known: Sequence[str]) -> ConfigurationError:
    """A season that is not in the store, with the newest of those that are."""
    there = f"there are {', '.join(known)}" if known else "there are none"
    return ConfigurationError(f"there is no season {season_id} in the records; {there}")


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
    yield "capital", {e.llm_id: e.capital for e in known.competitors}, {e.llm_id: e.capital for e in wanted.competitors}


def _models(season: Season) -> dict[str, tuple[object, ...]]:
    return {
        each.llm_id: (each.model.provider, clean(each.model.model), *(getattr(each.model, name) for name in EQUAL_SETTINGS))
        for each in season.competitors
    }
