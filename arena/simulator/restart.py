"""How a simulator with a memory begins, or goes on where it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from arena.adapters.paper.refusal import Refused
from arena.adapters.recorded import CandleArchive
from arena.domain.order import PositionSide
from arena.errors import ConfigurationError
from arena.simulator.binance.call import Call
from arena.simulator.binance.refusals import WireError
from arena.simulator.binance.router import ENDPOINTS
from arena.simulator.binance.wire import Parameters
from arena.simulator.faults import FaultRule
from arena.simulator.memory import Change, Memory
from arena.simulator.venue import Venue

_HANDLERS = {(endpoint.method, endpoint.path): endpoint.handle for endpoint in ENDPOINTS}


def remembering(archive: CandleArchive, memory: Memory, start: datetime | None, speed: float) -> Venue:
    """Return a venue that notes whatever changes it: a new one, or the one that the memory is of.

    Its time has gone on while it was away, at `speed`. Fault rules and what they began are not kept.

    Args:
        archive: The market; that of the memory.
        memory: Of this venue.
        start: First instant of a new one.
        speed: Simulated seconds in a second.

    Raises:
        ConfigurationError: The memory is of another market.
    """
    changes = memory.read()
    if changes:
        venue = _went_on(archive, changes, memory.wall(), speed)
    else:
        venue = Venue(archive, start=start, speed=speed)
        memory.note("started", venue.engine.now, **_market(archive))
    venue.note = memory.note
    return venue


def _went_on(archive: CandleArchive, changes: Sequence[Change], wall: datetime, speed: float) -> Venue:
    first, last = changes[0], changes[-1]
    if first.what != "started" or first.details != _market(archive):
        raise ConfigurationError(
            f"the --state is of another market ({first.details.get('market', 'unknown')}) than --data ({archive.label}): "
            "name another --state, or the candles it began with"
        )
    venue = Venue(archive, start=first.at, speed=speed)
    for change in changes[1:]:
        venue.engine.advance(max(change.at, venue.engine.now))
        _do_again(venue, change)
    stands = _instant(last.details["to"]) if last.what == "clock" else last.at
    away = max(timedelta(), wall - last.wall)
    venue.clock.move_to(max(stands + away * speed, venue.clock.now()))
    return venue


def _do_again(venue: Venue, change: Change) -> None:
    details = change.details
    match change.what:
        case "account":
            venue.open_account(
                details["key"], details["secret"], Decimal(details["balance"]), withdrawals=bool(details["withdrawals"])
            )
        case "jump":
            venue.jump(details["symbol"], Decimal(details["percent"]))
        case "deleveraging":
            account = venue.engine.account(details["account"])
            venue.engine.deleverage(account, details["symbol"], PositionSide(details["side"]), Decimal(details["quantity"]))
        case "call":
            _call_again(venue, details)


def _call_again(venue: Venue, details: Mapping[str, Any]) -> None:
    """Handle a request of a client once more; it may be refused, as it was then."""
    rule = None if details["rule"] is None else FaultRule.model_validate(details["rule"])
    parameters, key = Parameters(details["parameters"]), details["key"]
    call = Call(venue=venue, parameters=parameters, key=key, signer=venue.keys[key], rule=rule)
    with suppress(WireError, Refused):
        _HANDLERS[details["method"], details["path"]](call)


def _market(archive: CandleArchive) -> dict[str, str]:
    return {"market": archive.label, "data_start": archive.start.isoformat(), "data_end": archive.end.isoformat()}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
