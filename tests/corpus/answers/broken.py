"""Answers in a form that is none, and answers that break off."""

from __future__ import annotations

import json

from arena.domain.decision import Decision
from tests.corpus.answers.around import SCHEMA_ECHO
from tests.corpus.answers.template import (
    BROKEN,
    NONE_FOUND,
    ONE,
    ONE_SAID,
    OTHER,
    TWO,
    Group,
    answer,
    curly,
    entry,
)

FULL_WIDTH = ONE.translate(str.maketrans({"{": "｛", "}": "｝", "[": "［", "]": "］", ":": "：", ",": "，"}))
YAML = "decisions:\n- symbol: BTCUSDT\n  action: open_long\n  size_percent: 20\n  leverage: 3\n"
XML = "<decisions><decision symbol='BTCUSDT' action='open_long' size_percent='20' leverage='3'/></decisions>"
TABLE = "| symbol | action | size_percent | leverage |\n|---|---|---|---|\n| BTCUSDT | open_long | 20 | 3 |"

NO_DECISION: Group = {
    "nothing": ("", NONE_FOUND),
    "white space": (" \n\t", NONE_FOUND),
    "prose": ("I would buy Bitcoin now.", NONE_FOUND),
    "a refusal": ("I'm sorry, but I can't give financial advice.", NONE_FOUND),
    "a refusal in Chinese": ("抱歉,我不能提供投资建议。", NONE_FOUND),
    "a question": ("Could you tell me your risk tolerance first?", NONE_FOUND),
    "a hold in a word": ("hold", NONE_FOUND),
    "null": ("null", NONE_FOUND),
    "an empty object": ("{}", NONE_FOUND),
    "an array of numbers": ("[12.1, 13.4]", NONE_FOUND),
    "a list of entries without its object": (json.dumps([entry()]), NONE_FOUND),
    "an entry alone": (json.dumps(entry()), NONE_FOUND),
    "decisions that are no list": ('{"decisions": {"BTCUSDT": "hold"}}', NONE_FOUND),
    "decisions that are null": ('{"decisions": null}', NONE_FOUND),
    "decisions under another name": (ONE.replace('"decisions"', '"orders"'), NONE_FOUND),
    "decisions in upper case": (ONE.replace('"decisions"', '"DECISIONS"'), NONE_FOUND),
    "decisions given twice": (f'{{"decisions": [], {ONE[1:]}', NONE_FOUND),
    "the schema instead of an answer": (SCHEMA_ECHO, NONE_FOUND),
    "the form in words alone": ('{"decisions": [...]}', NONE_FOUND),
    "YAML": (YAML, NONE_FOUND),
    "XML": (XML, NONE_FOUND),
    "a table": (TABLE, NONE_FOUND),
    "INI": ("[decisions]\nsymbol = BTCUSDT\naction = open_long\n", NONE_FOUND),
    "CSV": ("symbol,action,size_percent\nBTCUSDT,open_long,20\n", NONE_FOUND),
    "a function call in Python": ("decide(symbol='BTCUSDT', action='open_long', size_percent=20)", NONE_FOUND),
}

PUNCTUATION: Group = {
    "trailing commas": (ONE.replace("}]", ",},]").replace("]}", "],}"), ONE_SAID),
    "full-width punctuation": (FULL_WIDTH, ONE_SAID),
    "full-width digits": (ONE.replace(": 20", ": ２０").replace(": 3,", ": ３,"), ONE_SAID),
    "full-width symbol and action": (
        ONE.replace("BTCUSDT", "ＢＴＣＵＳＤＴ").replace("open_long", "ｏｐｅｎ＿ｌｏｎｇ"),
        ONE_SAID,
    ),
    "full-width quotation marks": (ONE.replace('"', "＂"), ONE_SAID),
    "typographic quotation marks": (curly(ONE), ONE_SAID),
    "raw line breaks in a text": (ONE.replace("RSI 27", "RSI\n27"), ONE_SAID),
    "control characters in a text": (ONE.replace("RSI 27", "RSI\\t27"), ONE_SAID),
    "escaped text": (ONE.replace("RSI", "\\u0052SI"), ONE_SAID),
    "an empty list": ('{"decisions": []}', Decision(symbols=())),
    "a leading comma": (ONE.replace("[{", "[,{"), BROKEN),
    "two commas": (ONE.replace('"leverage"', ', "leverage"'), BROKEN),
    "a missing comma": (ONE.replace(', "leverage"', ' "leverage"'), BROKEN),
    "a missing colon": (ONE.replace('"leverage":', '"leverage"'), BROKEN),
    "an equals sign": (ONE.replace('"leverage":', '"leverage" ='), BROKEN),
    "an empty place in a list": ('{"decisions": [,]}', BROKEN),
    "single quotation marks": (f"{{'decisions': [{entry()}]}}", BROKEN),
    "names without quotation marks": (ONE.replace('"decisions"', "decisions"), BROKEN),
    "quotation marks in a text": (ONE.replace("RSI 27", 'the "RSI" is low'), BROKEN),
    "a comment": (ONE.replace('"leverage"', '/* low */ "leverage"'), BROKEN),
    "a comment at the end of a line": (ONE.replace(', "leverage"', ', // low\n "leverage"'), BROKEN),
    "a hash comment": (ONE.replace(', "leverage"', ', # low\n "leverage"'), BROKEN),
    "Python's words": (ONE.replace("null", "None"), BROKEN),
    "JavaScript's words": (ONE.replace("null", "undefined"), BROKEN),
    "a placeholder": (ONE.replace("64000.5", "<price>"), BROKEN),
    "brackets that do not match": (ONE.replace("}]", "]}"), BROKEN),
    "a bad escape": (ONE.replace("RSI 27", "RSI \\x27"), BROKEN),
    "too deep": ('{"decisions": [' + "[" * 2000, BROKEN),
    "too long": ("x" * 200_001, "the answer has 200001 characters, more than 200000 are not read"),
    "too many braces": ("{" * 5000 + ONE, BROKEN),
}

_CUTS = {
    "after two characters": 2,
    "in the list's name": 8,
    "before the list": ONE.index("["),
    "in the list": ONE.index("[") + 1,
    "in the entry": ONE.index("{", 1) + 1,
    "in the symbol": ONE.index("BTC") + 3,
    "before the action": ONE.index('"action"'),
    "in the action": ONE.index("open_") + 5,
    "in a name": ONE.index("size_") + 4,
    "after a colon": ONE.index('"leverage":') + 11,
    "in a price": ONE.index("64000.5") + 3,
    "in null": ONE.index("null") + 2,
    "in a reason": ONE.index("RSI") + 2,
    "before the entry's end": len(ONE) - 3,
    "before the list's end": len(ONE) - 2,
    "before the last brace": len(ONE) - 1,
}

CUT_OFF: Group = {
    **{f"cut {place}": (ONE[:at], BROKEN) for place, at in _CUTS.items()},
    "the beginning is missing": (ONE[20:], NONE_FOUND),
    "the first brace is missing": (ONE[1:], NONE_FOUND),
    "a draft, and an answer that breaks off": (f"{OTHER} no, rather {ONE[:-2]}", BROKEN),
    "an answer that breaks off, and a whole one": (f"{ONE[:-2]} sorry, again: {ONE}", BROKEN),
    "in a fence": (f"```json\n{ONE[:60]}\n```", BROKEN),
    "two decisions": (f"{ONE}\n{OTHER}", TWO),
    "a decision and its correction": (f"{OTHER}\nCorrection: {answer(leverage=2)}", TWO),
    "a decision and an empty one": (f'{ONE}\n{{"decisions": []}}', TWO),
}
