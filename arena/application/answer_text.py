"""Finding JSON objects in what a model wrote around them: reasoning tags, prose, code fences, full-width characters.

Every object is read whole or not at all. Numbers become exact Decimals; NaN and infinities are no JSON. The work is bounded for
any text: in length, in depth, and in the number of braces that lead nowhere.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

LONGEST_ANSWER = 200_000  # characters; several times what any token limit of a season allows
DEEPEST = 16  # nested brackets; a decision has three
MOST_ATTEMPTS = 500  # braces that begin no object

_TAG = re.compile(r"<(/?)(?:think|thinking|thought|reasoning|reflection|analysis|scratchpad)\b[^<>]{0,100}>", re.IGNORECASE)
_OPENING = re.compile(r"[{｛]")
_BEGINS_DECISION = re.compile(r'[{｛]\s*["“＂]decisions["”＂]\s*[:：]')
_TOKEN = re.compile(
    r"""(?P<plain>"[^"\\]*+(?:\\.[^"\\]*+)*+")
      | (?P<quoted>“[^”\\]*+(?:\\.[^”\\]*+)*+”|＂[^＂\\]*+(?:\\.[^＂\\]*+)*+＂)
      | (?P<mark>[{}\[\]:,｛｝［］：，])
      | (?P<space>\s+)
      | (?P<literal>[^\s"“”＂{}\[\]:,｛｝［］：，]+)""",
    re.DOTALL | re.VERBOSE,
)
_LITERAL = re.compile(r"-?[0-9][0-9.eE+-]*|true|false|null")
_UNESCAPED_QUOTE = re.compile(r'(?<!\\)"')
_ASCII = str.maketrans("｛｝［］：，", "{}[]:,")


class TooLong(ValueError):
    """The text exceeds the bounds within which answers are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """An object that gives a field twice: nobody can say which was meant."""

    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a text says.

    Attributes:
        objects: Those with a list of decisions, in the text's order, innermost where one wraps another.
        breaks_off: Whether a decision was begun after the last of them, but is no JSON.
    """

    objects: tuple[dict[str, Any], ...]
    breaks_off: bool


def find_decisions(text: str) -> Found:
    """Return the objects of a text that hold a list of decisions, outside of reasoning.

    Raises:
        TooLong: The text exceeds the bounds.
    """
    if len(text) > LONGEST_ANSWER:
        raise TooLong(f"the answer has {len(text)} characters, more than {LONGEST_ANSWER} are not read")
    text = _without_reasoning(text)
    objects: list[dict[str, Any]] = []
    breaks_off, attempts, position = False, 0, 0
    while (opening := _OPENING.search(text, position)) is not None:
        value, position = _read_object(text, opening.start())
        if value is None:
            attempts += 1
            if attempts > MOST_ATTEMPTS:
                raise TooLong(f"the answer has more than {MOST_ATTEMPTS} braces that begin no object")
            breaks_off = breaks_off or _BEGINS_DECISION.match(text, opening.start()) is not None
        elif holding := list(_holding_decisions(value)):
            objects += holding
            breaks_off = False
    return Found(objects=tuple(objects), breaks_off=breaks_off)


def _without_reasoning(text: str) -> str:
    """Return the text without what stands in reasoning tags; before a lone closing tag, and after a lone opening one, all is."""
    kept: list[str] = []
    start, inside = 0, False
    for tag in _TAG.finditer(text):
        if not tag[1]:
            kept += [] if inside else [text[start : tag.start()]]
            inside = True
        else:
            if not inside:
                kept.clear()
            inside, start = False, tag.end()
    return "\n".join(kept if inside else [*kept, text[start:]])


def _read_object(text: str, start: int) -> tuple[Any, int]:
    """Return the object at `start` and where it ends, or None and where to look on."""
    found = _normalised(text, start)
    if found is None:
        return None, start + 1
    normal, end = found
    try:
        value = json.loads(normal, parse_float=Decimal, parse_int=Decimal, object_pairs_hook=_object, strict=False)
    except (ValueError, ArithmeticError):
        return None, start + 1
    return value, end


def _normalised(text: str, start: int) -> tuple[str, int] | None:
    """Return the bracketed span at `start` as plain JSON and its end; None where it does not close or holds no JSON."""
    depth, position = 0, start
    tokens: list[str] = []
    while (token := _TOKEN.match(text, position)) is not None:
        position = token.end()
        written = _written(token)
        if written is None:
            return None
        depth += (written in ("{", "[")) - (written in ("}", "]"))
        if written in ("}", "]") and len(tokens) > 1 and tokens[-1] == "," and tokens[-2] not in ("{", "[", ","):
            tokens.pop()  # a trailing comma
        if written:
            tokens.append(written)
        if depth == 0:
            return " ".join(tokens), position
        if depth > DEEPEST:
            return None
    return None


def _written(token: re.Match[str]) -> str | None:
    """Return a token as JSON writes it, empty for white space; None where it is nothing that JSON knows."""
    text = token[0]
    match token.lastgroup:
        case "plain":
            return text
        case "quoted":
            return f'"{_UNESCAPED_QUOTE.sub(chr(92) + chr(92) + chr(34), text[1:-1])}"'
        case "mark":
            return text.translate(_ASCII)
        case "space":
            return ""
    literal = unicodedata.normalize("NFKC", text)
    return literal if _LITERAL.fullmatch(literal) else None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Repeated:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    names = [name for name, _ in pairs]
    return Repeated(field=next(name for name in names if names.count(name) > 1))


def _holding_decisions(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("decisions"), list):
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _holding_decisions(part)
