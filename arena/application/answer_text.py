"""Finding JSON objects in what a model wrote around them: reasoning tags, prose, code fences, full-width characters.

Every object is read whole or not at all, and nothing inside of one that cannot be read is read in its place: a reason may quote
somebody's order, or a closing tag. Numbers become exact Decimals; NaN and infinities are no JSON. The work is bounded for any
text, in length and in depth.
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

_MARK = re.compile(
    r"<(?P<closes>/?)(?P<tag>think|thinking|thought|reasoning|reflection|analysis|scratchpad)\b[^<>]{0,100}>|[{｛]", re.IGNORECASE
)
_PROSE = re.compile(  # `{long, short}`, `_{14}`: nothing is quoted in it
    r"""[{｛](?:[^{}｛｝"“”＂'‘’]++|[{｛][^{}｛｝"“”＂'‘’]*+[}｝])*+[}｝]"""
)
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
        breaks_off: Whether an object was begun after them that is no JSON: what follows may stand inside of it.
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
    objects: list[dict[str, Any]] = []
    reasoning, position = False, 0
    while (mark := _MARK.search(text, position)) is not None:
        start, position = mark.span()
        if mark["tag"]:
            if mark["closes"] and not reasoning:
                objects.clear()  # what stands before it was reasoning too
            reasoning = not mark["closes"]
        elif reasoning:
            continue
        elif prose := _PROSE.match(text, start):
            position = prose.end()
        elif (read := _read_object(text, start)) is not None:
            value, position = read
            objects += _holding_decisions(value)
        else:
            return Found(objects=tuple(objects), breaks_off=True)
    return Found(objects=tuple(objects), breaks_off=False)


def _read_object(text: str, start: int) -> tuple[Any, int] | None:
    """Return the object at `start` and its end, Ellipsis for a sketch like `{"decisions": [...]}`; None where it is no JSON."""
    found = _normalised(text, start)
    if found is None:
        return None
    normal, end = found
    if normal is None:
        return ..., end
    try:
        return json.loads(normal, parse_float=Decimal, parse_int=Decimal, object_pairs_hook=_object, strict=False), end
    except (ValueError, ArithmeticError):
        return None


def _normalised(text: str, start: int) -> tuple[str | None, int] | None:
    """Return the bracketed span at `start` as plain JSON, None for a sketch, and its end; None alone where it is neither."""
    depth, position, sketch = 0, start, False
    tokens: list[str] = []
    while (token := _TOKEN.match(text, position)) is not None:
        position = token.end()
        written = _written(token)
        if written is None:
            if token[0] not in ("...", "…"):
                return None
            sketch = True
            continue
        depth += (written in ("{", "[")) - (written in ("}", "]"))
        if written in ("}", "]") and len(tokens) > 1 and tokens[-1] == "," and tokens[-2] not in ("{", "[", ","):
            tokens.pop()  # a trailing comma
        if written:
            tokens.append(written)
        if depth == 0:
            return (None if sketch else " ".join(tokens)), position
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
