"""The one entry that every answer of the corpus is a variation of, and what must come of it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from arena.domain.decision import Action, Decision, EntryType, SymbolDecision

SYMBOLS = ("BTCUSDT", "DOGEUSDT")
TEMPLATE: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "action": "open_long",
    "size_percent": 20,
    "leverage": 3,
    "entry_type": "market",
    "limit_price": None,
    "stop_price": 64000.5,
    "target_price": None,
    "confidence": 70,
    "invalidation": "a close below 64000",
    "reason": "RSI 27",
}

Group = dict[str, tuple[str, Decision | str]]
"""Answers by name: the text, and the decision it is or the sentence that says why it is none."""


def entry(**changes: Any) -> dict[str, Any]:
    """Return an entry as a model writes it; a field changed to `...` is left out."""
    return {name: value for name, value in {**TEMPLATE, **changes}.items() if value is not ...}


def answer(*entries: dict[str, Any], **changes: Any) -> str:
    """Return an answer of these entries, or of the template with changes."""
    return json.dumps({"decisions": list(entries) or [entry(**changes)]}, ensure_ascii=False)


def spoilt(**changes: Any) -> str:
    """Return an answer whose second entry is changed."""
    return answer(entry(symbol="DOGEUSDT", action="hold"), entry(**changes))


def meant(**changes: Any) -> SymbolDecision:
    """Return what an entry means."""
    fields = {**TEMPLATE, **changes}
    prices = {name: None if fields[name] is None else Decimal(str(fields[name])) for name in fields if name.endswith("_price")}
    return SymbolDecision(
        **{**fields, **prices, "action": Action(fields["action"]), "entry_type": EntryType(fields["entry_type"])}
    )


def said(**changes: Any) -> Decision:
    """Return the decision of one entry."""
    return Decision(symbols=(meant(**changes),))


def curly(text: str) -> str:
    """Return JSON with typographic quotation marks."""
    parts = text.split('"')
    return "".join(part + "“”"[i % 2] for i, part in enumerate(parts[:-1])) + parts[-1]


ONE = answer()
OTHER = answer(action="open_short", stop_price=66000)
SMUGGLED = answer(symbol="DOGEUSDT", size_percent=99, leverage=125, stop_price=0.1)
ONE_SAID = said()

NONE_FOUND = 'the answer holds no JSON object with a list of "decisions"'
BROKEN = "the answer's decision breaks off or is not valid JSON"
TWO = "the answer states different decisions, and nothing says which of them counts"
ACTIONS = "open_long, open_short, reduce, close, hold"
