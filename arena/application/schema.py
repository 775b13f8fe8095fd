"""The JSON schema of an answer, the same for all providers and competitors.

Only what every provider's grammar holds: objects without further fields, all of them required, enums, bounded integers and
length limits. No grammar holds a number with decimals within a range, and a number passes through floats on its way: prices are
texts with a pattern, exact as the venue's own. A list without a longest length is one that a small model never ends.
"""

from __future__ import annotations

from typing import Any

from arena.domain.decision import OPENING, Action, EntryType

ANSWER_SCHEMA_VERSION = 2
MAX_LEVERAGE = 125  # the venue's own; the season's limit is risk's to check
LONGEST_SYMBOL = 32
LONGEST_TEXT = 300  # characters of reason and invalidation; what is longer is cut, never rejected

PRICE_PATTERN = r"^[0-9]{1,7}(\.[0-9]{1,8})?$"
_PRICE = {
    "anyOf": [{"type": "string", "pattern": PRICE_PATTERN}, {"type": "null"}]
}  # a list of types is refused by anthropic's SDK
_ENTRY: dict[str, Any] = {
    "symbol": {"type": "string", "maxLength": LONGEST_SYMBOL},
    "action": {"type": "string", "enum": [action.value for action in Action]},
    "size_percent": {"type": "integer", "minimum": 0, "maximum": 100},
    "leverage": {"type": "integer", "minimum": 0, "maximum": MAX_LEVERAGE},
    "entry_type": {"type": "string", "enum": [entry_type.value for entry_type in EntryType]},
    "limit_price": _PRICE,
    "stop_price": _PRICE,
    "target_price": _PRICE,
    "confidence": {"type": "integer", "minimum": 0, "maximum": 100},
    "invalidation": {"type": "string", "maxLength": LONGEST_TEXT},
    "reason": {"type": "string", "maxLength": LONGEST_TEXT},
}
FIELDS = tuple(_ENTRY)


_AT_THE_MARKET = {"entry_type": {"type": "string", "enum": [EntryType.MARKET.value]}, "limit_price": {"type": "null"}}
_BY_LIMIT = {
    "action": {"type": "string", "enum": [action.value for action in Action if action in OPENING]},
    "entry_type": {"type": "string", "enum": [EntryType.LIMIT.value]},
    "limit_price": _PRICE["anyOf"][0],
}


def answer_schema(pairs: int) -> dict[str, Any]:
    """Return the schema of an answer over so many pairs: at most one entry for each, at the market or an opening by limit."""
    entry = {"anyOf": [_entry(_AT_THE_MARKET), _entry(_BY_LIMIT)]}
    return {
        "title": f"decisions_v{ANSWER_SCHEMA_VERSION}",
        "type": "object",
        "properties": {"decisions": {"type": "array", "items": entry, "maxItems": pairs}},
        "required": ["decisions"],
        "additionalProperties": False,
    }


def _entry(narrowed: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an entry some of whose fields are narrower: no answer in it contradicts itself."""
    return {"type": "object", "properties": {**_ENTRY, **narrowed}, "required": list(FIELDS), "additionalProperties": False}
