"""What models write, and what is read from it: the decision as it was said, or the sentence that says why it is none."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import anthropic
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from arena.application.parsing import parse_decision
from arena.application.schema import LONGEST_TEXT, answer_schema
from arena.domain.decision import Action, Decision, InvalidDecision, SymbolDecision

SYMBOLS = ("BTCUSDT", "DOGEUSDT")


def entry(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "action": "open_long",
        "size_percent": 20,
        "leverage": 3,
        "stop_price": 64000.5,
        "target_price": None,
        "confidence": 70,
        "invalidation": "a close below 64000",
        "reason": "RSI 27",
    }
    return {name: value for name, value in {**fields, **changes}.items() if value is not ...}


def answer(*entries: dict[str, Any]) -> str:
    return json.dumps({"decisions": list(entries) or [entry()]})


ONE = answer()
OTHER = answer(entry(action="open_short", stop_price=66000))
RIGHT = SymbolDecision(
    symbol="BTCUSDT",
    action=Action.OPEN_LONG,
    size_percent=20,
    leverage=3,
    stop_price=Decimal("64000.5"),
    target_price=None,
    confidence=70,
    invalidation="a close below 64000",
    reason="RSI 27",
)
FULL_WIDTH = ONE.translate(str.maketrans({"{": "｛", "}": "｝", "[": "［", "]": "］", ":": "：", ",": "，"}))
CURLY = "".join("“”"[i % 2] if c == '"' else c for i, c in ((ONE[:n].count('"'), c) for n, c in enumerate(ONE)))
ANSWER_SCHEMA = answer_schema(6)
SCHEMA_ECHO = json.dumps(ANSWER_SCHEMA)

READ = {
    "plain": ONE,
    "pretty": json.dumps(json.loads(ONE), indent=2),
    "white space around": f"\n\n  {ONE}  \n",
    "byte order mark": f"\ufeff{ONE}",
    "code fence": f"```json\n{ONE}\n```",
    "code fence without a language": f"```\n{ONE}\n```",
    "prose before and after": f"Here is my decision:\n{ONE}\nGood luck to all.",
    "prose with braces": f"In the set {{long, short}} I choose: {ONE} {{done}}",
    "an array of values before": f"MACD histogram [12.1, 13.4, -2.0], so: {ONE}",
    "an array of objects before": f'Levels: [{{"support": 64000}}, {{"resistance": 66000}}]\n{ONE}',
    "an array of values after": f"{ONE}\nrsi7: [31.2, 30.4]",
    "another object before": f'{{"analysis": "oversold", "score": 7}}\n{ONE}',
    "another object after": f'{ONE}\n{{"note": "done"}}',
    "the schema repeated": f"The schema is {SCHEMA_ECHO} and my answer {ONE}",
    "the format in words": f'I answer as {{"decisions": [...]}}: {ONE}',
    "reasoning in tags": f"<think>RSI is low, [1, 2, 3]</think>{ONE}",
    "a draft in reasoning": f"<think>perhaps {OTHER}</think>\n{ONE}",
    "a broken draft in reasoning": f'<think>perhaps {{"decisions": [{{"symbol": "BTC</think>{ONE}',
    "two reasonings": f"<think>{OTHER}</think>text<thinking>{OTHER}</thinking>{ONE}",
    "upper-case tags": f"<THINK>{OTHER}</THINK>{ONE}",
    "a tag with attributes": f'<reasoning effort="high">{OTHER}</reasoning>{ONE}',
    "a closing tag alone": f"first I thought {OTHER}</think>{ONE}",
    "tags within tags": f"<think>a <think> b {OTHER}</think> c {OTHER}</think>{ONE}",
    "a lone closing tag after a whole reasoning": f"{OTHER}<think>a</think> b </think>{ONE}",
    "the same decision twice": f"{ONE}\nIn short:\n{ONE}",
    "wrapped": f'{{"answer": {ONE}}}',
    "wrapped in a list": f"[{ONE}]",
    "trailing commas": ONE.replace("}]", ",},]").replace("]}", "],}"),
    "full-width punctuation": FULL_WIDTH,
    "full-width digits": ONE.replace(": 20", ": ２０").replace(": 3,", ": ３,"),
    "full-width symbol and action": ONE.replace("BTCUSDT", "ＢＴＣＵＳＤＴ").replace("open_long", "ｏｐｅｎ＿ｌｏｎｇ"),
    "full-width quotation marks": ONE.replace('"', "＂"),
    "typographic quotation marks": CURLY,
    "a symbol in lower case": ONE.replace("BTCUSDT", "btcusdt"),
    "a price as text": ONE.replace("64000.5", '"64000.5"'),
    "a price with an exponent": ONE.replace("64000.5", "6.40005E+4"),
    "a whole number with decimals": ONE.replace(": 20,", ": 20.0,"),
    "raw line breaks in a text": ONE.replace("RSI 27", "RSI\n27"),
    "control characters in a text": ONE.replace("RSI 27", "RSI\\t27"),
    "escaped text": ONE.replace("RSI", "\\u0052SI"),
    "fields in another order": json.dumps({"decisions": [dict(reversed(entry().items()))]}),
}


@pytest.mark.parametrize("text", READ.values(), ids=READ.keys())
def test_reads_what_models_write(text: str) -> None:
    assert parse_decision(text, SYMBOLS) == Decision(symbols=(RIGHT,))


NONE_FOUND = 'the answer holds no JSON object with a list of "decisions"'
BROKEN = "the answer's decision breaks off or is not valid JSON"
TWO = "the answer states different decisions, and nothing says which of them counts"
ACTIONS = "open_long, open_short, reduce, close, hold"


def spoilt(**changes: Any) -> str:
    return answer(entry(symbol="DOGEUSDT", action="hold"), entry(**changes))


REFUSED = {
    "nothing": ("", NONE_FOUND),
    "white space": (" \n\t", NONE_FOUND),
    "prose": ("I would buy Bitcoin now.", NONE_FOUND),
    "an array of numbers": ("[12.1, 13.4]", NONE_FOUND),
    "a list of entries without its object": (json.dumps([entry()]), NONE_FOUND),
    "an entry alone": (json.dumps(entry()), NONE_FOUND),
    "decisions that are no list": ('{"decisions": {"BTCUSDT": "hold"}}', NONE_FOUND),
    "decisions that are null": ('{"decisions": null}', NONE_FOUND),
    "the schema instead of an answer": (SCHEMA_ECHO, NONE_FOUND),
    "only reasoning": (f"<think>{ONE}</think>", NONE_FOUND),
    "reasoning that never ends": (f"<think>so far {ONE}", NONE_FOUND),
    "decisions given twice": (f'{{"decisions": [], {ONE[1:]}', NONE_FOUND),
    "cut off": (ONE[:-20], BROKEN),
    "cut off after a draft": (f"{OTHER} no, rather {ONE[:-2]}", BROKEN),
    "quotation marks in a text": (ONE.replace("RSI 27", 'the "RSI" is low'), BROKEN),
    "single quotation marks": (f"{{'decisions': [{entry()}]}}", NONE_FOUND),
    "a comment": (ONE.replace('"leverage"', '/* low */ "leverage"'), BROKEN),
    "Python's words": (ONE.replace("null", "None"), BROKEN),
    "not a number": (ONE.replace("64000.5", "NaN"), BROKEN),
    "infinity": (ONE.replace("64000.5", "-Infinity"), BROKEN),
    "two numbers in one place": (ONE.replace(": 20,", ": 2 0,"), BROKEN),
    "a number with a comma": (ONE.replace("64000.5", "64,000.5"), BROKEN),
    "an empty place in a list": ('{"decisions": [,]}', BROKEN),
    "two decisions": (f"{ONE}\n{OTHER}", TWO),
    "two decisions in fences": (f"```json\n{OTHER}\n```\nor\n```json\n{ONE}\n```", TWO),
    "two decisions in one object": (f'{{"first": {ONE}, "second": {OTHER}}}', TWO),
    "a further field of the answer": (ONE[:-1] + ', "comment": "x"}', '"comment": is not a field of the answer'),
    "an entry that is a text": ('{"decisions": ["BTCUSDT"]}', 'decisions[0]: "BTCUSDT" is not an object'),
    "a missing field": (spoilt(confidence=...), "decisions[1].confidence: is missing"),
    "a further field": (spoilt(quantity=1), "decisions[1].quantity: is not a field of an entry"),
    "a field given twice": (
        ONE.replace('"leverage": 3', '"leverage": 3, "leverage": 5'),
        "decisions[0].leverage: is given twice",
    ),
    "an unknown action": (spoilt(action="buy"), f'decisions[1].action: "buy" is not one of {ACTIONS}'),
    "an action in upper case": (spoilt(action="OPEN_LONG"), f'decisions[1].action: "OPEN_LONG" is not one of {ACTIONS}'),
    "no action": (spoilt(action=None), "decisions[1].action: null is not a text"),
    "a symbol that is a number": (spoilt(symbol=7), "decisions[1].symbol: 7 is not a text"),
    "an empty symbol": (spoilt(symbol=" "), 'decisions[1].symbol: "" is not a symbol'),
    "an endless symbol": (spoilt(symbol="B" * 33), f'decisions[1].symbol: "{"B" * 33}" is not a symbol'),
    "a symbol twice": (spoilt(symbol="DOGEUSDT"), "decisions[1].symbol: DOGEUSDT has an entry already"),
    "a symbol twice in another case": (spoilt(symbol="dogeusdt"), "decisions[1].symbol: DOGEUSDT has an entry already"),
    "a broken leverage": (spoilt(leverage=7.5), "decisions[1].leverage: 7.5 is not a whole number"),
    "a leverage as text": (spoilt(leverage="3x"), 'decisions[1].leverage: "3x" is not a whole number'),
    "a leverage as a number in text": (spoilt(leverage="3"), 'decisions[1].leverage: "3" is not a whole number'),
    "a leverage too high": (spoilt(leverage=126), "decisions[1].leverage: 126 is not within 0 to 125"),
    "a leverage below zero": (spoilt(leverage=-3), "decisions[1].leverage: -3 is not within 0 to 125"),
    "a truth as leverage": (spoilt(leverage=True), "decisions[1].leverage: true is not a whole number"),
    "no size": (spoilt(size_percent=None), "decisions[1].size_percent: null is not a whole number"),
    "a size above all": (spoilt(size_percent=101), "decisions[1].size_percent: 101 is not within 0 to 100"),
    "a size as a fraction": (spoilt(size_percent=0.2), "decisions[1].size_percent: 0.2 is not a whole number"),
    "a confidence as a fraction": (spoilt(confidence=0.5), "decisions[1].confidence: 0.5 is not a whole number"),
    "a confidence as text": (spoilt(confidence="0.5"), 'decisions[1].confidence: "0.5" is not a whole number'),
    "a confidence as a list": (spoilt(confidence=[70]), "decisions[1].confidence: a list is not a whole number"),
    "a negative price": (spoilt(stop_price=-1), "decisions[1].stop_price: -1 is not a price"),
    "a price with words": (spoilt(stop_price="about 64000"), 'decisions[1].stop_price: "about 64000" is not a price or null'),
    "a price with a comma": (spoilt(target_price="64,000"), 'decisions[1].target_price: "64,000" is not a price or null'),
    "an empty price": (spoilt(target_price=""), 'decisions[1].target_price: "" is not a price or null'),
    "a price as an object": (spoilt(stop_price={"at": 1}), "decisions[1].stop_price: an object is not a price or null"),
    "a price beyond all": (ONE.replace("64000.5", "1e999999999"), "decisions[0].stop_price: 1E+999999999 is not a price"),
    "a price too fine": (ONE.replace("64000.5", "1e-19"), "decisions[0].stop_price: 1E-19 is not a price"),
    "a size beyond all": (
        ONE.replace(": 20,", ": 1e999999999,"),
        "decisions[0].size_percent: 1E+999999999 is not within 0 to 100",
    ),
    "an exponent that no number has": (ONE.replace("64000.5", f"1e{'9' * 40}"), BROKEN),
    "a reason that is none": (spoilt(reason=None), "decisions[1].reason: null is not a text"),
    "an invalidation as a list": (spoilt(invalidation=["x"]), "decisions[1].invalidation: a list is not a text"),
    "too many entries": (answer(*(entry(symbol=f"S{i}") for i in range(65))), "decisions: 65 entries are more than 64"),
    "too long": ("x" * 200_001, "the answer has 200001 characters, more than 200000 are not read"),
    "too many braces": ("{" * 5000 + ONE, "the answer has more than 500 braces that begin no object"),
    "too deep": ('{"decisions": [' + "[" * 2000, BROKEN),
}


@pytest.mark.parametrize(("text", "error"), REFUSED.values(), ids=REFUSED.keys())
def test_says_where_an_answer_is_wrong(text: str, error: str) -> None:
    assert parse_decision(text, SYMBOLS) == InvalidDecision(error=error)


def test_corpus_is_large_enough() -> None:
    assert len(READ) + len(REFUSED) >= 60


def test_an_empty_list_holds_everything() -> None:
    assert parse_decision('{"decisions": []}', SYMBOLS) == Decision(symbols=())


def test_a_symbol_of_no_season_is_left_to_risk() -> None:
    read = parse_decision(answer(entry(symbol="PEPEUSDT")), SYMBOLS)
    assert isinstance(read, Decision) and read.symbols[0].symbol == "PEPEUSDT"


def test_prices_keep_every_digit() -> None:
    read = parse_decision(answer().replace("64000.5", "0.142110000000000001"), SYMBOLS)
    assert isinstance(read, Decision) and str(read.symbols[0].stop_price) == "0.142110000000000001"


def test_long_reasons_are_cut_and_made_storable() -> None:
    read = parse_decision(answer(entry(reason="a\nb\x00c\ud800 " + "x" * 5000)), SYMBOLS)
    assert isinstance(read, Decision)
    reason = read.symbols[0].reason
    assert reason.startswith("a b\ufffdc\ufffd xxx") and reason.endswith("x…") and len(reason) == LONGEST_TEXT
    reason.encode()


def test_the_schema_passes_the_sdk_that_rewrites_it() -> None:
    before = json.dumps(ANSWER_SCHEMA)
    rewritten = anthropic.transform_schema(dict(ANSWER_SCHEMA))
    assert rewritten["properties"]["decisions"]["items"]["required"] == list(entry())
    assert rewritten["properties"]["decisions"]["description"] == "{maxItems: 6}", "told, since the API refuses the bound"
    assert json.dumps(ANSWER_SCHEMA) == before


@settings(max_examples=300, deadline=None)
@given(st.text() | st.text(alphabet='{}[]":,｛“”＂\\ \n<think>/decisions019.eE-null', max_size=400))
@example("\ud800" * 50)
@example('{"decisions":' * 50)
def test_no_text_raises(text: str) -> None:
    assert isinstance(parse_decision(text, SYMBOLS), Decision | InvalidDecision)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_damage_to_an_answer_raises_or_changes_what_was_said(data: st.DataObject) -> None:
    """Whatever a character's loss or change leads to: the decision as it stands in the text, or none."""
    place = data.draw(st.integers(0, len(ONE) - 1))
    damaged = ONE[:place] + data.draw(st.text(max_size=3)) + ONE[place + data.draw(st.integers(0, 2)) :]
    read = parse_decision(damaged, SYMBOLS)
    if isinstance(read, Decision) and read.symbols:
        said = json.loads(damaged, strict=False, parse_int=Decimal, parse_float=Decimal) if _is_json(damaged) else None
        if said is not None:
            assert read.symbols[0].leverage == said["decisions"][0]["leverage"]
            assert read.symbols[0].size_percent == said["decisions"][0]["size_percent"]


def _is_json(text: str) -> bool:
    try:
        json.loads(text, strict=False)
    except ValueError:
        return False
    return True


HOSTILE = {
    "braces": "{" * 1_000_000,
    "brackets in braces": '{"a":[' * 30_000,
    "unclosed quotation marks": "{“aaaa" * 30_000,
    "tags": "<think>" * 28_000,
    "half tags": "<think " * 28_000,
    "digits": '{"decisions":[' + "9" * 190_000 + "]}",
    "a megabyte of prose": "so I think that " * 62_500,
    "backslashes": '{"decisions":["' + "\\" * 190_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_texts_cost_little(text: str) -> None:
    began = time.perf_counter()
    assert isinstance(parse_decision(text, SYMBOLS), InvalidDecision)
    assert time.perf_counter() - began < 3
