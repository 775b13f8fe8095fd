"""What a fault makes of a request: what it begins, and what the client gets in the place of an answer."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from fastapi.responses import Response

from arena.simulator.binance.refusals import MARGIN, WOULD_TRIGGER, WireError, banned, too_many_requests
from arena.simulator.binance.wire import to_ms
from arena.simulator.connections import NoAnswer
from arena.simulator.faults import Asked, FaultKind, FaultRule
from arena.simulator.venue import Venue

_SECOND = timedelta(seconds=1)
_REFUSALS = {  # code, message, status; where Binance sends a sentence and no code, the code is 0
    FaultKind.UNKNOWN: (0, "Unknown error, please check your request or try again later.", 503),
    FaultKind.UNAVAILABLE: (0, "Service Unavailable.", 503),
    FaultKind.INTERNAL: (0, "Internal error; unable to process your request. Please try again.", 503),
    FaultKind.OVERLOADED: (-1008, "Server is currently overloaded with other requests. Please try again in a few minutes.", 503),
    FaultKind.NO_RESPONSE: (
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        408,
    ),
    FaultKind.MARGIN: (*MARGIN, 400),
}
_STOP_REFUSALS = dict([WOULD_TRIGGER, MARGIN, (-4045, "Reach max stop order limit.")])


def begin(venue: Venue, rule: FaultRule, asked: Asked) -> None:
    """Begin what outlasts the request that was struck."""
    now, conditions = venue.engine.now, venue.conditions
    match rule.kind:
        case FaultKind.BANNED:
            conditions.banned_until = now + (rule.retry_after or 0) * _SECOND
        case FaultKind.RESTART:
            conditions.down_until = now + (rule.seconds or 0) * _SECOND
        case FaultKind.CLOCK:
            conditions.clocks_off.add(asked.key)
        case FaultKind.JUMP if rule.percent is not None:
            with suppress(ValueError):  # a symbol that is not traded, or the last bar: nothing jumps
                venue.jump(asked.values["symbol"], rule.percent)


def turned_away(venue: Venue) -> Response | None:
    """Return what every request gets now, whatever it asks for; None where requests are served."""
    now, until = venue.engine.now, venue.conditions.banned_until
    if now < venue.conditions.down_until:
        return NoAnswer()
    if now < until:
        return banned(to_ms(until), -((now - until) // _SECOND)).answer()
    if venue.limits.weight.exceeded:
        return too_many_requests(venue.limits.weight.seconds_left(now)).answer()
    return None


def in_place_of_the_answer(rule: FaultRule) -> Response | None:
    """Return what the client gets instead of an answer; None where the fault lies elsewhere."""
    match rule.kind:
        case FaultKind.TIMEOUT:
            return NoAnswer(rule.seconds or 0.0)
        case FaultKind.DROP:
            return NoAnswer()
        case FaultKind.RATE_LIMITED:
            return too_many_requests(rule.retry_after or 0).answer()
        case FaultKind.STOP_REJECTED:
            return WireError(rule.code, _STOP_REFUSALS.get(rule.code, "The order is rejected.")).answer()
        case kind if kind in _REFUSALS:
            return WireError(*_REFUSALS[kind]).answer()
    return None
