"""Is a season's record what was booked? Read once, held against its marks and hashes, and booked again: no exchange, no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from arena.adapters.storage.restore import season_of
from arena.adapters.storage.rows import Row, Tables
from arena.application.store import Records
from arena.audit.answers import answers_of
from arena.audit.ends import Ends
from arena.audit.findings import Finding, differences
from arena.audit.integrity import Integrity
from arena.audit.intents import Intents
from arena.audit.journal import OPENING, Journal, Unit
from arena.audit.pairing import found_by_marks
from arena.audit.projections import PROTECTION, Projections, marks_shown
from arena.audit.replay import UNREADABLE, Replay
from arena.audit.texts import Texts
from arena.audit.verification import COUNTED, Verification
from arena.domain.competitor import Season, SeasonId
from arena.errors import ConfigurationError


async def read_verification(records: Records, season_id: SeasonId) -> Verification:
    """Read a season once, and return what is wrong with it.

    Raises:
        ConfigurationError: The records know no such season.
    """
    journal, audit = await _begun(records, season_id)
    async for unit in journal.units():
        audit.follow(unit)
    audit.texts.follow([row for table, row in journal.strays if table == "cycles"], None)
    for table in ("prompts", "configurations"):
        async for row in journal.rows(table):
            audit.texts.add(table, row)
    accounts = [row async for row in journal.rows("llm_accounts")]
    positions = [row async for row in journal.rows("positions")]
    found = audit.end(accounts, positions)
    counts = {**audit.counts, "cells": audit.integrity.cells + audit.intents.cells}
    return Verification(
        season=season_id,
        counts=counts,
        journal_hash=audit.integrity.last,
        findings=tuple(found),
        pruned=audit.texts.pruned,
    )


async def rebuild(records: Records, season_id: SeasonId) -> Tables:
    """Return the rows of llm_accounts and positions as the journal gives them.

    Which orders protect an open position, and the marks of a last sweep, no other table tells: they are those of the stored rows.

    Raises:
        ConfigurationError: The records know no such season, or its first rows cannot be read.
    """
    journal, audit = await _begun(records, season_id)
    if audit.replay is None or audit.projections is None:
        raise ConfigurationError(f"the first rows of season {season_id} cannot be read; see arena verify")
    async for unit in journal.units():
        audit.follow(unit)
    return rebuilt(audit.projections, audit.replay, [row async for row in journal.rows("positions")])


async def _begun(records: Records, season_id: SeasonId) -> tuple[Journal, _Audit]:
    journal, intents = Journal(records=records, season_id=season_id), Intents()
    seasons = [row async for row in journal.rows("seasons")]
    competitors = [row async for row in journal.rows("competitors")]
    if not seasons and not competitors:
        raise ConfigurationError(f"there is no season {season_id} in the records")
    async for row in journal.rows("intents"):
        intents.add(row)
    try:
        season = season_of(seasons[0], competitors) if seasons else None
    except UNREADABLE:
        season = None
    return journal, _Audit(journal, intents, season)


class _Audit:
    """Everything that follows a season through its units of work."""

    def __init__(self, journal: Journal, intents: Intents, season: Season | None) -> None:
        self.journal, self.intents, self.season = journal, intents, season
        self.integrity, self.texts = Integrity(), Texts()
        self.replay = Replay(season, intents) if season else None
        self.projections = Projections(self.replay) if self.replay else None
        self.ends = Ends(season) if season else None
        self.found: list[Finding] = []
        self.counts = dict.fromkeys(COUNTED, 0)

    def follow(self, unit: Unit) -> None:
        """Look at one unit of work."""
        self.integrity.check(unit)
        self.texts.follow(unit.tables.get("cycles", []), unit.number)
        self._count(unit)
        if unit.number != OPENING:
            self._close_intents(unit)
        if self.replay and self.projections and self.ends and self.season:
            if not self._follows(unit):
                self.replay.lost |= self.replay.ledgers.keys()
            written = self.projections.follow(unit, self.replay.follow(unit))
            if not self.replay.lost:
                self.integrity.check_written(unit, written, self.projections.unknown())
            self.found += self.ends.follow(unit)
            self.found += answers_of(unit, self.season.symbols)

    def _follows(self, unit: Unit) -> bool:
        """Return whether a unit is the next one; beyond a gap nobody's books can be followed."""
        return len(self.integrity.numbers) < 2 or unit.number == self.integrity.numbers[-2] + 1

    def _close_intents(self, unit: Unit) -> None:
        for row in unit.tables.get("orders", []):
            self.intents.sent(row["client_order_id"], unit.number)
        self.intents.close(unit.head["closed_intents"], unit.number)

    def _count(self, unit: Unit) -> None:
        tables = {"cycles": "cycles", "fills": "fills", "entries": "ledger_entries"}
        self.counts["bookings"] += unit.number != OPENING
        self.counts["answers"] += sum(row["text"] is not None for row in unit.tables.get("model_calls", []))
        for name, table in tables.items():
            self.counts[name] += len(unit.tables.get(table, []))

    def end(self, accounts: Sequence[Row], positions: Sequence[Row]) -> list[Finding]:
        """Return everything that was found."""
        lacking = self._gaps(accounts)
        self.integrity.check_projected("llm_accounts", accounts)
        self.integrity.check_projected("positions", positions)
        self.intents.end()
        self.texts.end()
        replayed = [*(self.replay.findings if self.replay else []), *self.found, *self._last_rows(accounts, positions)]
        marked = found_by_marks(self.integrity, self.journal.strays)
        known = {(each.table, each.row, each.column) for each in replayed}
        rest = [each for each in marked if (each.table, each.row, each.column) not in known]
        if self.season is None:
            what = "(or its competitors) cannot be read: nothing was booked again"
            lacking.append(Finding(table="seasons", row=self.journal.season_id, what=what))
        cells = [*self.integrity.findings, *rest, *replayed, *self.intents.findings, *self.texts.findings]
        return lacking + sorted(cells, key=lambda each: (each.booking is None, each.booking or 0))

    def _last_rows(self, accounts: Sequence[Row], positions: Sequence[Row]) -> list[Finding]:
        """Compare what is left of accounts and positions with what the journal gives."""
        if self.replay is None or self.projections is None:
            return []
        given = rebuilt(self.projections, self.replay, positions)
        number = max(self.integrity.numbers, default=OPENING)
        tables = {"llm_accounts": accounts, "positions": positions}
        found = list[Finding]()
        for table, stored in tables.items():
            followed = [[row for row in rows if self.replay.follows(row["llm_id"])] for rows in (stored, given[table])]
            found += differences(table, followed[0], followed[1], number)
        return found

    def _gaps(self, accounts: Sequence[Row]) -> list[Finding]:
        """Return which season, bookings and cycles are missing: their rows are there, or those after them."""
        numbers = set(self.integrity.numbers)
        said = Counter(row["booking"] for row in (*accounts, *(row for _, row in self.journal.strays)) if row.get("booking"))
        wanted = {number for number, count in said.items() if count > 1}  # a single one is a cell that was changed
        cycles = {row["number"] for row in self.journal.begun} | self.journal.cycles.keys()
        lacking = list[tuple[str, str]]([("seasons", self.journal.season_id)] if OPENING not in numbers else [])
        if self.replay and wanted - numbers:
            self.replay.lost |= self.replay.ledgers.keys()  # the last state is of a booking that is not there
        lacking += [("bookings", run) for run in _runs(numbers, wanted)] + [("cycles", run) for run in _runs(cycles)]
        return [Finding(table=table, row=run, what="is missing") for table, run in lacking]


def _runs(numbers: Iterable[int], wanted: Iterable[int] = ()) -> list[str]:
    """Return the numbers from 1 on that are missing before the last one, and of the wanted ones, as `3` or `3 to 7`."""
    there = sorted({0, *numbers})
    gaps = [(one + 1, two - 1) for one, two in pairwise(there) if two - one > 1]
    gaps += [(each, each) for each in sorted(wanted) if each > there[-1]]
    return [str(first) if first == last else f"{first} to {last}" for first, last in gaps]


def rebuilt(projections: Projections, replay: Replay, positions: Iterable[Row]) -> Tables:
    """Return the rows that the journal gives, with what it does not tell from the stored `positions`, see `rebuild`."""
    stored = {(row["llm_id"], row["symbol"], row["side"]): row for row in positions if row["status"] == "open"}
    accounts, held = projections.rows(replay.marks or marks_shown(stored.values()) or None)
    for row in held:
        row |= {name: value for name, value in stored.get(_key(row), {}).items() if name in PROTECTION}
    return {"llm_accounts": accounts, "positions": [*projections.closed.values(), *held]}


def _key(row: Row) -> tuple[Any, Any, Any]:
    return row["llm_id"], row["symbol"], row["side"]
