"""What a destination is told next: pure, from what waits for it and what it has been told lately.

Alerts go out in order, a message each. The same alert again waits until `FOLD_SECONDS` after it was told last, and then one
message says how often. Where more waits than the minute has room for, the last message of the minute has all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from arena.application.levels import Level, level_of
from arena.application.record import AlertKind

FOLD_SECONDS = 600.0
LATE_SECONDS = 120.0  # what arrives later says of when it is
MINUTE_SECONDS = 60.0
LIMIT = 20  # messages a minute, as many as a bot of Telegram may send to a group
STUCK = 5  # tries; a message that was sent so often in vain may be one that is refused for what it says
LONGEST = 3000  # characters of a message that has several alerts; Telegram takes 4,096

Key = tuple[str, str, str]  # kind, competitor (empty: none), text: alerts that are alike in these are the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An alert that a destination has not got.

    Attributes:
        kept_at: When it came, seconds since 1970.
        tries: How often it was sent without being known to have arrived.
    """

    number: int
    key: Key
    kept_at: float
    picture: Path | None = None
    tries: int = 0

    @property
    def level(self) -> Level:
        """How urgent it is."""
        return level_of(AlertKind(self.key[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An alert that a destination has got, in which message and when, seconds since 1970."""

    message: int
    key: Key
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent in one piece.

    Attributes:
        numbers: Of the alerts that are told with it.
        keys: Which they are, each once.
        tries: How often one of them was sent already.
    """

    text: str
    level: Level
    numbers: tuple[int, ...]
    keys: tuple[Key, ...]
    pictures: tuple[Path, ...]
    tries: int


def next_message(waiting: Sequence[Waiting], told: Sequence[Told], now: float, limit: int = LIMIT) -> Message | None:
    """Return what to send now; None where nothing is due, or the minute has no room.

    Args:
        waiting: In order.
        told: Of the last `FOLD_SECONDS`.
        now: Seconds since 1970.
        limit: Messages a minute. What is critical does not wait for the next minute.
    """
    lately = {each.key for each in told if each.at > now - FOLD_SECONDS}
    due = [group for key, group in _grouped(waiting).items() if key not in lately]
    room = limit - len({each.message for each in told if each.at > now - MINUTE_SECONDS})
    if room < 1 and any(group[0].level is Level.CRITICAL for group in due):
        room = 1
    if not due or room < 1:
        return None
    alone = room > 1 or due[0][0].tries >= STUCK
    return _message(due[:1] if alone else due, now)


def _grouped(waiting: Iterable[Waiting]) -> Mapping[Key, list[Waiting]]:
    """Return the alerts that are the same together, in the order of the first of each."""
    groups: dict[Key, list[Waiting]] = {}
    for each in waiting:
        groups.setdefault(each.key, []).append(each)
    return groups


def _message(groups: Sequence[Sequence[Waiting]], now: float) -> Message:
    """Return one message of all groups, or of as many as it has room for, in order."""
    lines, taken, length = list[str](), list[Waiting](), 0
    for group in groups:
        line = _sentence(group, now)
        length += len(line) + 1
        if lines and length > LONGEST:
            break
        lines.append(line)
        taken += group
    return Message(
        text="\n".join(lines),
        level=max((each.level for each in taken), key=list(Level).index),
        numbers=tuple(each.number for each in taken),
        keys=tuple(dict.fromkeys(each.key for each in taken)),
        pictures=tuple(dict.fromkeys(each.picture for each in taken if each.picture)),
        tries=max(each.tries for each in taken),
    )


def _sentence(group: Sequence[Waiting], now: float) -> str:
    """Return an alert as it is told: how often and since when, or when where it is late."""
    text, first = group[0].key[2], group[0].kept_at
    when = f"{datetime.fromtimestamp(first, UTC):%Y-%m-%d %H:%M} UTC"
    if len(group) > 1:
        return f"{text} ({len(group)} times since {when})"
    return f"{text} ({when})" if now - first > LATE_SECONDS else text
