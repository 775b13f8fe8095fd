"""From a model's text to a decision, exactly as it was said, or to the sentence that says why it is none.

Forgiving about what stands around the answer and how its punctuation is written; strict about what it says: nothing is guessed,
completed or rounded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from arena.application.answer_text import Repeated, TooLong, find_decisions
from arena.application.prompt_figures import one_line
from arena.application.schema import FIELDS, LONGEST_SYMBOL, LONGEST_TEXT, MAX_LEVERAGE
from arena.domain.decision import OPENING, Action, Decision, EntryType, InvalidDecision, SymbolDecision

MOST_ENTRIES = 64
LARGEST_PRICE = Decimal(10) ** 12  # USDT; far above any, and small enough to be written out
MOST_DECIMALS = 18  # the scale of numeric(38,18), in which the stores keep prices
SHOWN = 40  # characters of a wrong value that the error quotes
_Choice = TypeVar("_Choice", bound=StrEnum)
_PRICE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,18})?")


class _Wrong(Exception):
    """A value at `place` is not what the schema asks for."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what}")


def parse_decision(completion_text: str, symbols: Sequence[str]) -> Decision | InvalidDecision:
    """Return what a model decided; any text is read, none raises.

    Args:
        completion_text: As received.
        symbols: The season's, whose spelling is used whatever case the model wrote; another symbol is left to risk, which
            rejects it by name.
    """
    try:
        found = find_decisions(completion_text)
    except TooLong as error:
        return InvalidDecision(error=str(error))
    if found.breaks_off:
        return InvalidDecision(error="the answer's decision breaks off or is not valid JSON")
    if not found.objects:
        return InvalidDecision(error='the answer holds no JSON object with a list of "decisions"')
    answer = found.objects[-1]
    if any(other != answer for other in found.objects):
        return InvalidDecision(error="the answer states different decisions, and nothing says which of them counts")
    try:
        return _decision(answer, {symbol.casefold(): symbol for symbol in symbols})
    except _Wrong as wrong:
        return InvalidDecision(error=str(wrong))


def _decision(answer: Mapping[str, Any], spelling: Mapping[str, str]) -> Decision:
    for name in answer:
        if name != "decisions":
            raise _Wrong(_quoted(name), "is not a field of the answer")
    entries = answer["decisions"]
    if len(entries) > MOST_ENTRIES:
        raise _Wrong("decisions", f"{len(entries)} entries are more than {MOST_ENTRIES}")
    decided: dict[str, SymbolDecision] = {}
    for index, entry in enumerate(entries):
        place = f"decisions[{index}]"
        read = _entry(place, entry, spelling)
        if read.symbol in decided:
            raise _Wrong(f"{place}.symbol", f"{read.symbol} has an entry already")
        decided[read.symbol] = read
    return Decision(symbols=tuple(decided.values()))


def _entry(place: str, entry: Any, spelling: Mapping[str, str]) -> SymbolDecision:
    if isinstance(entry, Repeated):
        raise _Wrong(f"{place}.{one_line(entry.field, SHOWN)}", "is given twice")
    if not isinstance(entry, dict):
        raise _Wrong(place, f"{_shown(entry)} is not an object")
    for name in FIELDS:
        if name not in entry:
            raise _Wrong(f"{place}.{name}", "is missing")
    for name in entry:
        if name not in FIELDS:
            raise _Wrong(f"{place}.{one_line(name, SHOWN)}", "is not a field of an entry")
    read = SymbolDecision(
        symbol=_symbol(f"{place}.symbol", entry["symbol"], spelling),
        action=_choice(f"{place}.action", entry["action"], Action),
        size_percent=_whole(f"{place}.size_percent", entry["size_percent"], 100),
        leverage=_whole(f"{place}.leverage", entry["leverage"], MAX_LEVERAGE),
        entry_type=_choice(f"{place}.entry_type", entry["entry_type"], EntryType),
        limit_price=_price(f"{place}.limit_price", entry["limit_price"]),
        stop_price=_price(f"{place}.stop_price", entry["stop_price"]),
        target_price=_price(f"{place}.target_price", entry["target_price"]),
        confidence=_whole(f"{place}.confidence", entry["confidence"], 100),
        invalidation=one_line(_text(f"{place}.invalidation", entry["invalidation"]), LONGEST_TEXT),
        reason=one_line(_text(f"{place}.reason", entry["reason"]), LONGEST_TEXT),
    )
    _check_entry(place, read)
    return read


def _check_entry(place: str, read: SymbolDecision) -> None:
    """Check that type and limit price say the same; which of the two was meant is not guessed. A hold does nothing anyway."""
    if read.action is Action.HOLD:
        return
    limit, price = read.entry_type is EntryType.LIMIT, read.limit_price
    if limit and read.action not in OPENING:
        raise _Wrong(f"{place}.entry_type", f"{read.action} is not an opening, so it cannot be a limit order")
    if limit and price is None:
        raise _Wrong(f"{place}.limit_price", "a limit order needs a price")
    if not limit and price is not None:
        raise _Wrong(f"{place}.limit_price", f"{price} is given, but entry_type is market")


def _text(place: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong(place, f"{_shown(value)} is not a text")
    return value


def _symbol(place: str, value: Any, spelling: Mapping[str, str]) -> str:
    name = one_line(unicodedata.normalize("NFKC", _text(place, value)), LONGEST_SYMBOL + 1)
    if not 1 <= len(name) <= LONGEST_SYMBOL:
        raise _Wrong(place, f"{_shown(value)} is not a symbol")
    return spelling.get(name.casefold(), name)


def _choice(place: str, value: Any, choices: type[_Choice]) -> _Choice:
    name = unicodedata.normalize("NFKC", _text(place, value)).strip()
    if name not in set(choices):
        raise _Wrong(place, f"{_shown(value)} is not one of {', '.join(choices)}")
    return choices(name)


def _whole(place: str, value: Any, highest: int) -> int:
    if not isinstance(value, Decimal):
        raise _Wrong(place, f"{_shown(value)} is not a whole number")
    if not 0 <= value <= highest:
        raise _Wrong(place, f"{_shown(value)} is not within 0 to {highest}")
    if value != value.to_integral_value():
        raise _Wrong(place, f"{_shown(value)} is not a whole number")
    return int(value)


def _price(place: str, value: Any) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, str) and _PRICE.fullmatch(value):
        value = Decimal(value)
    if not isinstance(value, Decimal):
        raise _Wrong(place, f"{_shown(value)} is not a price or null")
    if not 0 <= value < LARGEST_PRICE or int(value.as_tuple().exponent) < -MOST_DECIMALS:
        raise _Wrong(place, f"{_shown(value)} is not a price")
    return value.copy_abs()


def _shown(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return _quoted(value)
        case Decimal():
            return one_line(str(value), SHOWN)
        case list():
            return "a list"
        case _:
            return "an object"


def _quoted(text: str) -> str:
    return f'"{one_line(text, SHOWN)}"'
