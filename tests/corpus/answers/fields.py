"""Whole answers whose values are not what the schema asks for, or are written in an unusual way."""

from __future__ import annotations

from decimal import Decimal

from tests.corpus.answers.template import ACTIONS, BROKEN, ONE, ONE_SAID, Group, answer, entry, said, spoilt


def _not_whole(shown: str, field: str) -> str:
    return f"decisions[1].{field}: {shown} is not a whole number"


FIELDS: Group = {
    "a further field of the answer": (ONE[:-1] + ', "comment": "x"}', '"comment": is not a field of the answer'),
    "a version": (ONE[:-1] + ', "schema_version": 1}', '"schema_version": is not a field of the answer'),
    "an entry that is a text": ('{"decisions": ["BTCUSDT"]}', 'decisions[0]: "BTCUSDT" is not an object'),
    "an entry that is a list": ('{"decisions": [["BTCUSDT", "hold"]]}', "decisions[0]: a list is not an object"),
    "an entry that is null": ('{"decisions": [null]}', "decisions[0]: null is not an object"),
    "an empty entry": ('{"decisions": [{}]}', "decisions[0].symbol: is missing"),
    "a missing field": (spoilt(confidence=...), "decisions[1].confidence: is missing"),
    "a further field": (spoilt(quantity=1), "decisions[1].quantity: is not a field of an entry"),
    "a field in another case": (spoilt(leverage=..., Leverage=3), "decisions[1].leverage: is missing"),
    "a field with a space": (spoilt(leverage=..., **{"leverage ": 3}), "decisions[1].leverage: is missing"),
    "a field given twice": (
        ONE.replace('"leverage": 3', '"leverage": 3, "leverage": 5'),
        "decisions[0].leverage: is given twice",
    ),
    "a field given twice alike": (
        ONE.replace('"leverage": 3', '"leverage": 3, "leverage": 3'),
        "decisions[0].leverage: is given twice",
    ),
    "a symbol twice": (spoilt(symbol="DOGEUSDT"), "decisions[1].symbol: DOGEUSDT has an entry already"),
    "a symbol twice in another case": (spoilt(symbol="dogeusdt"), "decisions[1].symbol: DOGEUSDT has an entry already"),
    "a symbol twice in full width": (spoilt(symbol="ＤＯＧＥＵＳＤＴ"), "decisions[1].symbol: DOGEUSDT has an entry already"),
    "too many entries": (answer(*(entry(symbol=f"S{i}") for i in range(65))), "decisions: 65 entries are more than 64"),
}

SYMBOLS: Group = {
    "in lower case": (answer(symbol="btcusdt"), ONE_SAID),
    "with space around": (answer(symbol=" BTCUSDT\n"), ONE_SAID),
    "of no season": (answer(symbol="PEPEUSDT"), said(symbol="PEPEUSDT")),
    "with a slash": (answer(symbol="BTC/USDT"), said(symbol="BTC/USDT")),
    "that is a wish for all": (answer(symbol="*"), said(symbol="*")),
    "with Cyrillic letters": (answer(symbol="ВТСUSDT"), said(symbol="ВТСUSDT")),
    "with a zero-width space": (answer(symbol="BTC\u200bUSDT"), said(symbol="BTC\ufffdUSDT")),
    "turned around by a bidi mark": (answer(symbol="\u202eTDSUCTB"), said(symbol="\ufffdTDSUCTB")),
    "with a null byte": (answer(symbol="BTCUSDT\x00"), said(symbol="BTCUSDT\ufffd")),
    "that is a number": (spoilt(symbol=7), "decisions[1].symbol: 7 is not a text"),
    "that is a list": (spoilt(symbol=["BTCUSDT"]), "decisions[1].symbol: a list is not a text"),
    "that is empty": (spoilt(symbol=" "), 'decisions[1].symbol: "" is not a symbol'),
    "without an end": (spoilt(symbol="B" * 33), f'decisions[1].symbol: "{"B" * 33}" is not a symbol'),
}

_NO_ACTIONS = {
    "buy": "buy",
    "a long": "long",
    "in upper case": "OPEN_LONG",
    "with a hyphen": "open-long",
    "with a space": "open long",
    "two at once": "close,open_short",
    "with a Cyrillic letter": "оpen_long",
    "in French": "acheter",
    "empty": "",
}

ACTION: Group = {
    **{
        name: (spoilt(action=word), f'decisions[1].action: "{word}" is not one of {ACTIONS}')
        for name, word in _NO_ACTIONS.items()
    },
    "with a bidi mark": (spoilt(action="hold\u202e"), f'decisions[1].action: "hold\ufffd" is not one of {ACTIONS}'),
    "with space around": (answer(action=" open_long\n"), ONE_SAID),
    "none": (spoilt(action=None), "decisions[1].action: null is not a text"),
    "a list of them": (spoilt(action=["close", "open_short"]), "decisions[1].action: a list is not a text"),
    "reduce": (answer(action="reduce", stop_price=None), said(action="reduce", stop_price=None)),
    "close": (answer(action="close", stop_price=None), said(action="close", stop_price=None)),
    "hold": (answer(action="hold", stop_price=None), said(action="hold", stop_price=None)),
}

WHOLE_NUMBERS: Group = {
    "with decimals that are zero": (ONE.replace(": 20,", ": 20.0,"), ONE_SAID),
    "with an exponent": (ONE.replace(": 20,", ": 2e1,"), ONE_SAID),
    "minus zero": (ONE.replace(": 3,", ": -0,"), said(leverage=0)),
    "a leverage that is broken": (spoilt(leverage=7.5), _not_whole("7.5", "leverage")),
    "a leverage as text": (spoilt(leverage="3x"), _not_whole('"3x"', "leverage")),
    "a leverage as a number in text": (spoilt(leverage="3"), _not_whole('"3"', "leverage")),
    "a leverage too high": (spoilt(leverage=126), "decisions[1].leverage: 126 is not within 0 to 125"),
    "a leverage below zero": (spoilt(leverage=-3), "decisions[1].leverage: -3 is not within 0 to 125"),
    "a truth as leverage": (spoilt(leverage=True), _not_whole("true", "leverage")),
    "no size": (spoilt(size_percent=None), _not_whole("null", "size_percent")),
    "a size above all": (spoilt(size_percent=101), "decisions[1].size_percent: 101 is not within 0 to 100"),
    "a size as a fraction": (spoilt(size_percent=0.2), _not_whole("0.2", "size_percent")),
    "a size with a percent sign": (spoilt(size_percent="20%"), _not_whole('"20%"', "size_percent")),
    "a size a little above a whole": (
        ONE.replace(": 20,", f": 20.{'0' * 40}1,"),
        f"decisions[0].size_percent: 20.{'0' * 36}… is not a whole number",
    ),
    "a size beyond all": (
        ONE.replace(": 20,", ": 1e999999999,"),
        "decisions[0].size_percent: 1E+999999999 is not within 0 to 100",
    ),
    "a size of a thousand digits": (
        ONE.replace(": 20,", f": {'9' * 1000},"),
        f"decisions[0].size_percent: {'9' * 39}… is not within 0 to 100",
    ),
    "a confidence as a fraction": (spoilt(confidence=0.5), _not_whole("0.5", "confidence")),
    "a confidence as text": (spoilt(confidence="high"), _not_whole('"high"', "confidence")),
    "a confidence as a list": (spoilt(confidence=[70]), _not_whole("a list", "confidence")),
    "two numbers in one place": (ONE.replace(": 20,", ": 2 0,"), BROKEN),
    "a plus sign": (ONE.replace(": 20,", ": +20,"), BROKEN),
    "leading zeros": (ONE.replace(": 20,", ": 020,"), BROKEN),
    "hexadecimal": (ONE.replace(": 20,", ": 0x14,"), BROKEN),
    "Arabic digits": (ONE.replace(": 20,", ": ٢٠,"), BROKEN),
    "a sum": (ONE.replace(": 20,", ": 10+10,"), BROKEN),
    "an underscore": (ONE.replace(": 20,", ": 2_0,"), BROKEN),
}

PRICES: Group = {
    "as text": (ONE.replace("64000.5", '"64000.5"'), ONE_SAID),
    "with an exponent": (ONE.replace("64000.5", "6.40005E+4"), said(stop_price=Decimal("6.40005E+4"))),
    "with every digit": (ONE.replace("64000.5", "0.142110000000000001"), said(stop_price="0.142110000000000001")),
    "zero": (ONE.replace("64000.5", "0"), said(stop_price=0)),
    "below zero": (spoilt(stop_price=-1), "decisions[1].stop_price: -1 is not a price"),
    "with words": (spoilt(stop_price="about 64000"), 'decisions[1].stop_price: "about 64000" is not a price or null'),
    "with a unit": (spoilt(stop_price="64000 USDT"), 'decisions[1].stop_price: "64000 USDT" is not a price or null'),
    "with a dollar sign": (spoilt(stop_price="$64000"), 'decisions[1].stop_price: "$64000" is not a price or null'),
    "with a comma in text": (spoilt(target_price="64,000"), 'decisions[1].target_price: "64,000" is not a price or null'),
    "with a comma": (ONE.replace("64000.5", "64,000.5"), BROKEN),
    "an empty text": (spoilt(target_price=""), 'decisions[1].target_price: "" is not a price or null'),
    "n/a": (spoilt(target_price="n/a"), 'decisions[1].target_price: "n/a" is not a price or null'),
    "null as text": (spoilt(target_price="null"), 'decisions[1].target_price: "null" is not a price or null'),
    "an exponent in text": (spoilt(stop_price="6e4"), 'decisions[1].stop_price: "6e4" is not a price or null'),
    "NaN in text": (spoilt(stop_price="NaN"), 'decisions[1].stop_price: "NaN" is not a price or null'),
    "an object": (spoilt(stop_price={"at": 1}), "decisions[1].stop_price: an object is not a price or null"),
    "a truth": (spoilt(stop_price=False), "decisions[1].stop_price: false is not a price or null"),
    "not a number": (ONE.replace("64000.5", "NaN"), BROKEN),
    "infinity": (ONE.replace("64000.5", "Infinity"), BROKEN),
    "minus infinity": (ONE.replace("64000.5", "-Infinity"), BROKEN),
    "1e999": (ONE.replace("64000.5", "1e999"), "decisions[0].stop_price: 1E+999 is not a price"),
    "beyond all": (ONE.replace("64000.5", "1e999999999"), "decisions[0].stop_price: 1E+999999999 is not a price"),
    "too fine": (ONE.replace("64000.5", "1e-19"), "decisions[0].stop_price: 1E-19 is not a price"),
    "an exponent that no number has": (ONE.replace("64000.5", f"1e{'9' * 40}"), BROKEN),
}

TEXTS: Group = {
    "a reason that is none": (spoilt(reason=None), "decisions[1].reason: null is not a text"),
    "a reason that is a number": (spoilt(reason=1), "decisions[1].reason: 1 is not a text"),
    "an invalidation as a list": (spoilt(invalidation=["x"]), "decisions[1].invalidation: a list is not a text"),
    "an empty reason": (answer(reason=""), said(reason="")),
    "in Chinese": (answer(reason="相对强弱指数低于30,超卖"), said(reason="相对强弱指数低于30,超卖")),
    "in Arabic with marks": (answer(reason="\u200fاتجاه صاعد"), said(reason="\ufffdاتجاه صاعد")),
    "emoji": (answer(reason="to the moon 🚀"), said(reason="to the moon 🚀")),
    "a lone surrogate": (ONE.replace("RSI 27", "RSI \\ud800 27"), said(reason="RSI \ufffd 27")),
    "a null byte": (ONE.replace("RSI 27", "RSI\\u000027"), said(reason="RSI\ufffd27")),
    "terminal escapes": (answer(reason="\x1b[31mred\x1b[0m"), said(reason="\ufffd[31mred\ufffd[0m")),
    "many lines": (answer(reason="one\r\n\r\n  two\u2028three"), said(reason="one two three")),
    "without an end": (answer(reason="x" * 5000), said(reason="x" * 299 + "…")),
}

LIMITS: Group = {
    "a limit": (answer(entry_type="limit", limit_price=64500), said(entry_type="limit", limit_price=64500)),
    "a limit as text": (answer(entry_type="limit", limit_price="64500"), said(entry_type="limit", limit_price="64500")),
    "an entry type that is none": (spoilt(entry_type="stop"), 'decisions[1].entry_type: "stop" is not one of market, limit'),
    "no entry type": (spoilt(entry_type=None), "decisions[1].entry_type: null is not a text"),
    "a limit without a price": (spoilt(entry_type="limit"), "decisions[1].limit_price: a limit order needs a price"),
    "a price without a limit": (
        spoilt(limit_price=64500),
        "decisions[1].limit_price: 64500 is given, but entry_type is market",
    ),
    "a hold by limit, which holds": (
        answer(action="hold", entry_type="limit", limit_price=64500),
        said(action="hold", entry_type="limit", limit_price=64500),
    ),
    "a close by limit": (
        spoilt(action="close", entry_type="limit", limit_price=64500),
        "decisions[1].entry_type: close is not an opening, so it cannot be a limit order",
    ),
    "a limit price for a close": (
        spoilt(action="close", limit_price=64500),
        "decisions[1].limit_price: 64500 is given, but entry_type is market",
    ),
    "a negative limit": (spoilt(entry_type="limit", limit_price=-1), "decisions[1].limit_price: -1 is not a price"),
    "a limit with words": (
        spoilt(entry_type="limit", limit_price="about 64500"),
        'decisions[1].limit_price: "about 64500" is not a price or null',
    ),
}
