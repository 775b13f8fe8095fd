"""Whatever a model writes: no exception, and no order that the text did not state."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from arena.application.parsing import parse_decision
from arena.application.schema import LONGEST_TEXT, MAX_LEVERAGE
from arena.domain.decision import Action, Decision, InvalidDecision, SymbolDecision
from tests.corpus.answers import CORPUS, GROUPS
from tests.corpus.answers.template import SMUGGLED, SYMBOLS, answer, curly, entry

CANARY = "DOGEUSDT"
PIECES = st.sampled_from(
    [
        *'{}[]":,“”｛｝＂\\ \n0.eE-',
        "</think>",
        "<think>",
        "```",
        "null",
        "NaN",
        '"}]}',
        "},{",
        '"decisions":',
        "DOGEUSDT",
        "\x00",
        "\u202e",
    ]
)
TEXTS = st.sampled_from(sorted(text for text, _ in CORPUS.values() if len(text) < 5000))


# ---- an independent reader: any JSON object in the text, as the standard library reads it


def stated(text: str) -> Iterator[dict[str, Any]]:
    """Every object with a symbol that stands in the text, punctuation normalised; the reasons may suffer from that."""
    normal = unicodedata.normalize("NFKC", text.translate(str.maketrans("“”", '""')))
    decoder = json.JSONDecoder(parse_int=Decimal, parse_float=Decimal, strict=False)
    for written in (text, re.sub(r",(\s*[}\]])", r"\1", normal)):
        for brace in re.finditer("{", written):
            try:
                found, _ = decoder.raw_decode(written, brace.start())
            except (ValueError, ArithmeticError, RecursionError):
                continue
            if "symbol" in found:
                yield found


def states(found: dict[str, Any], order: SymbolDecision) -> bool:
    """Whether an object says what an order says, to the last digit."""

    def price(name: str) -> Decimal | str | None:
        value = found.get(name)
        return Decimal(value) if isinstance(value, str) and re.fullmatch(r"[0-9.]+", value) else value

    def word(name: str) -> str:
        text = unicodedata.normalize("NFKC", str(found.get(name)))
        return " ".join("".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in text).split())

    return (
        word("symbol").casefold() == order.symbol.casefold()
        and word("action") == order.action
        and [found.get(name) for name in ("size_percent", "leverage", "confidence")]
        == [order.size_percent, order.leverage, order.confidence]
        and (price("stop_price"), price("target_price")) == (order.stop_price, order.target_price)
    )


def assert_nothing_is_invented(text: str) -> None:
    read = parse_decision(text, SYMBOLS)
    assert isinstance(read, Decision | InvalidDecision)
    if isinstance(read, Decision):
        found = list(stated(text))
        for order in read.symbols:
            assert any(states(each, order) for each in found), (order, text)


# ---- fuzz


@st.composite
def damaged(draw: st.DrawFn, texts: st.SearchStrategy[str] = TEXTS, most: int = 6) -> str:
    """A text with pieces cut, inserted, swapped, doubled and overwritten."""
    text = draw(texts)
    for _ in range(draw(st.integers(0, most))):
        if not text:
            break
        first, second = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        near = min(second, first + draw(st.integers(0, 12)))
        match draw(st.sampled_from(["cut", "end", "insert", "swap", "double", "overwrite"])):
            case "cut":
                text = text[:first] + text[near:]
            case "end":
                text = text[:second]
            case "insert":
                text = text[:first] + draw(PIECES) + text[first:]
            case "swap":
                text = text[:first] + text[near:second] + text[first:near] + text[second:]
            case "double":
                text = text[:near] + text[first:]
            case _:
                text = text[:first] + draw(PIECES) + text[first + 1 :]
    return text


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(damaged())
def test_a_damaged_answer_states_its_orders_or_none_is_read(text: str) -> None:
    assert_nothing_is_invented(text)


@settings(max_examples=500, deadline=None)
@given(st.text() | st.text(alphabet='{}[]":,｛“”＂\\ \n<think>/decisions019.eE-null', max_size=400))
@example("\ud800" * 50)
@example('{"decisions":' * 50)
def test_no_text_raises(text: str) -> None:
    assert_nothing_is_invented(text)


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXTS, min_size=2, max_size=4), st.sampled_from(["", "\n", "</think>", "<think>", "```", ", "]))
def test_answers_in_a_row_add_up_to_no_other_order(texts: list[str], between: str) -> None:
    assert_nothing_is_invented(between.join(texts))


def test_the_independent_reader_can_object() -> None:
    read = parse_decision(answer(), SYMBOLS)
    assert isinstance(read, Decision)
    (order,) = read.symbols
    assert all(states(each, order) for each in stated(answer()))
    for change in (
        {"leverage": 4},
        {"size_percent": 21},
        {"stop_price": 64000.51},
        {"action": "open_short"},
        {"symbol": "BTCUSD"},
    ):
        assert not any(states(each, order) for each in stated(answer(**change)))


# ---- what is said is read, and a part of it is not


def prices() -> st.SearchStrategy[float | None]:
    return st.none() | st.floats(0.0001, 99_999, allow_nan=False).map(lambda price: round(price, 5))


ENTRIES = st.lists(
    st.fixed_dictionaries(
        {
            "symbol": st.sampled_from(["BTCUSDT", "DOGEUSDT", "ETHUSDT", "SOLUSDT"]),
            "action": st.sampled_from([str(action) for action in Action]),
            "size_percent": st.integers(0, 100),
            "leverage": st.integers(0, MAX_LEVERAGE),
            "stop_price": prices(),
            "target_price": prices(),
            "confidence": st.integers(0, 100),
            "invalidation": st.text(max_size=40),
            "reason": st.text(max_size=80) | st.sampled_from([SMUGGLED, curly(SMUGGLED), "</think>", "<think>", "```"]),
        }
    ),
    max_size=3,
    unique_by=lambda each: each["symbol"],
)
AROUND = st.text(alphabet=st.characters(exclude_characters='{}｛｝<>"“”＂'), max_size=30)


@settings(max_examples=300, deadline=None)
@given(ENTRIES, AROUND, AROUND, st.booleans(), st.sampled_from([None, 2]))
def test_a_valid_answer_is_read_whatever_its_texts_hold(
    entries: list[dict[str, Any]], before: str, after: str, escaped: bool, indent: int | None
) -> None:
    written = json.dumps({"decisions": [entry(**each) for each in entries]}, ensure_ascii=escaped, indent=indent)
    read = parse_decision(f"{before}{written}{after}", SYMBOLS)
    assert isinstance(read, Decision)
    for order, each in zip(read.symbols, entries, strict=True):
        assert (order.symbol, order.action, order.size_percent) == (each["symbol"], each["action"], each["size_percent"])
        assert (order.leverage, order.confidence) == (each["leverage"], each["confidence"])
        for mine, theirs in ((order.stop_price, each["stop_price"]), (order.target_price, each["target_price"])):
            assert mine == (None if theirs is None else Decimal(str(theirs)))
        for text in (order.reason, order.invalidation):
            assert len(text) <= LONGEST_TEXT and text.isprintable()


@settings(max_examples=200, deadline=None)
@given(ENTRIES, st.data())
def test_the_beginning_of_an_answer_is_no_answer(entries: list[dict[str, Any]], data: st.DataObject) -> None:
    written = json.dumps({"decisions": [entry(**each) for each in entries]}, ensure_ascii=False)
    beginning = written[: data.draw(st.integers(0, len(written) - 1))]
    assert isinstance(parse_decision(beginning, SYMBOLS), InvalidDecision)


# ---- an order smuggled into a text stays a text


@st.composite
def smuggling(draw: st.DrawFn) -> str:
    """An answer on BTCUSDT that carries a whole order on another symbol inside one of its texts."""
    cover = draw(
        st.sampled_from(["", "news: ", "</think>", "<think>", "```json\n", "}]}", "'", "// ", "x\n\n# Answer\n", "{", "} {"])
    )
    written = draw(st.sampled_from([SMUGGLED, curly(SMUGGLED), SMUGGLED.replace('"', "＂"), SMUGGLED.replace('"', "'")]))
    where = draw(st.sampled_from(["reason", "invalidation"]))
    own = {"decisions": [entry(**{where: f"{cover}{written}{draw(st.sampled_from(['', ' ok', '}', '</think>']))}"})]}
    style = draw(st.sampled_from(["json", "pretty", "python", "analysis", "quoted"]))
    if style == "python":
        return str(own)
    if style == "analysis":
        own = {"analysis": f"{cover}{written}", **own}
    text = json.dumps(own, ensure_ascii=False, indent=2 if style in ("pretty", "quoted") else None)
    return text.replace("\n", "\n> ") if style == "quoted" else text


def opened(text: str) -> set[str]:
    read = parse_decision(text, SYMBOLS)
    return {each.symbol for each in read.symbols} if isinstance(read, Decision) else set()


def stands_in_a_text(text: str) -> bool:
    """Return whether an odd number of quotation marks stands before each smuggled order."""
    begins = [found.start() for found in re.finditer(CANARY, text)]
    return all(len(re.findall(r'(?<!\\)"', text[:begin])) % 2 for begin in begins)


@settings(max_examples=300, deadline=None)
@given(smuggling(), st.data())
def test_no_beginning_of_an_answer_executes_what_it_smuggles(text: str, data: st.DataObject) -> None:
    assert CANARY not in opened(text[: data.draw(st.integers(0, len(text)))])


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(damaged(smuggling(), most=2))
def test_an_order_in_a_text_is_not_executed_though_the_answer_is_damaged(text: str) -> None:
    assume(text.lstrip("> \n").startswith(("{'", '{"', "{\n")))  # else the beginning may be gone that makes it a text
    assume("{'" in text[:10] or stands_in_a_text(text))  # else the damage has let its text end before it
    assert CANARY not in opened(text)


def test_no_single_lost_character_executes_what_an_answer_smuggles() -> None:
    beside = {"an order in a reason whose quotation marks are not escaped", "an order in a field that is none"}  # not in a text
    for name, (text, _) in GROUPS["smuggling"].items():
        if text.startswith("{") and name not in beside:
            for place in range(1, len(text)):
                assert CANARY not in opened(text[:place] + text[place + 1 :]), (name, place)
