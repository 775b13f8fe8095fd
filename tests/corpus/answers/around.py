"""A whole answer, and what models put around it."""

from __future__ import annotations

import json

from arena.application.schema import answer_schema
from tests.corpus.answers.template import BROKEN, NONE_FOUND, ONE, ONE_SAID, OTHER, TWO, Group, answer, entry, said

SCHEMA_ECHO = json.dumps(answer_schema(6))

PLAIN: Group = {
    "as asked for": (ONE, ONE_SAID),
    "pretty": (json.dumps(json.loads(ONE), indent=2), ONE_SAID),
    "without any space": (json.dumps(json.loads(ONE), separators=(",", ":")), ONE_SAID),
    "white space around": (f"\n\n  {ONE}  \n", ONE_SAID),
    "byte order mark": (f"\ufeff{ONE}", ONE_SAID),
    "CRLF": (json.dumps(json.loads(ONE), indent=2).replace("\n", "\r\n"), ONE_SAID),
    "no-break spaces": (json.dumps(json.loads(ONE), indent=2).replace("  ", "\u00a0\u3000"), ONE_SAID),
    "fields in another order": (json.dumps({"decisions": [dict(reversed(entry().items()))]}), ONE_SAID),
    "null bytes around": (f"\x00{ONE}\x00", ONE_SAID),
    "the same decision twice": (f"{ONE}\nIn short:\n{ONE}", ONE_SAID),
    "a decision three times, streamed again": (ONE * 3, ONE_SAID),
}

FENCES: Group = {
    "a code fence": (f"```json\n{ONE}\n```", ONE_SAID),
    "without a language": (f"```\n{ONE}\n```", ONE_SAID),
    "in upper case": (f"```JSON\n{ONE}\n```", ONE_SAID),
    "with tildes": (f"~~~json\n{ONE}\n~~~", ONE_SAID),
    "never closed": (f"```json\n{ONE}", ONE_SAID),
    "inline": (f"`{ONE}`", ONE_SAID),
    "within a fence": (f"````\n```json\n{ONE}\n```\n````", ONE_SAID),
    "two decisions in two fences": (f"```json\n{OTHER}\n```\nor\n```json\n{ONE}\n```", TWO),
    "an empty fence": ("```json\n```", NONE_FOUND),
    "a quotation": ("\n".join(f"> {line}" for line in json.dumps(json.loads(ONE), indent=2).split("\n")), BROKEN),
}

PROSE: Group = {
    "before and after": (f"Here is my decision:\n{ONE}\nGood luck to all.", ONE_SAID),
    "in Chinese": (f"根据市场数据,我的决定如下:\n{ONE}\n以上。", ONE_SAID),
    "in Arabic": (f"هذا قراري:\n{ONE}\nانتهى", ONE_SAID),
    "in German with quotation marks": (f"Meine „Entscheidung“:\n{ONE}", ONE_SAID),
    "with braces": (f"In the set {{long, short}} I choose: {ONE} {{done}}", ONE_SAID),
    "with formulas": (f"\\frac{{64000}}{{65000}} = 0.98, so\n{ONE}", ONE_SAID),
    "an array of values before": (f"MACD histogram [12.1, 13.4, -2.0], so: {ONE}", ONE_SAID),
    "an array of objects before": (f'Levels: [{{"support": 64000}}, {{"resistance": 66000}}]\n{ONE}', ONE_SAID),
    "an array of values after": (f"{ONE}\nrsi7: [31.2, 30.4]", ONE_SAID),
    "another object before": (f'{{"analysis": "oversold", "score": 7}}\n{ONE}', ONE_SAID),
    "another object after": (f'{ONE}\n{{"note": "done"}}', ONE_SAID),
    "the schema repeated": (f"The schema is {SCHEMA_ECHO} and my answer {ONE}", ONE_SAID),
    "the form in words": (f'I answer as {{"decisions": [...]}}: {ONE}', ONE_SAID),
    "a table before": (f"| pair | action |\n|---|---|\n| BTCUSDT | long |\n\n{ONE}", ONE_SAID),
    "with formulas in formulas": (f"\\frac{{a_{{1}}}}{{b}} = 0.98, so\n{ONE}", ONE_SAID),
    "double braces": (f"{{{ONE}}}", BROKEN),
    "a stray quotation mark": (f'The 5" chart is clear: {ONE}', ONE_SAID),
    "a broken object before": (f'{{"rsi": NaN}} {ONE}', BROKEN),
    "an object that breaks off after it": (f'{ONE}\n{{"note": "as', BROKEN),
}

REASONING: Group = {
    "in tags": (f"<think>RSI is low, [1, 2, 3]</think>{ONE}", ONE_SAID),
    "a draft": (f"<think>perhaps {OTHER}</think>\n{ONE}", ONE_SAID),
    "a broken draft": (f'<think>perhaps {{"decisions": [{{"symbol": "BTC</think>{ONE}', ONE_SAID),
    "twice": (f"<think>{OTHER}</think>text<thinking>{OTHER}</thinking>{ONE}", ONE_SAID),
    "upper-case tags": (f"<THINK>{OTHER}</THINK>{ONE}", ONE_SAID),
    "a tag with attributes": (f'<reasoning effort="high">{OTHER}</reasoning>{ONE}', ONE_SAID),
    "a scratchpad": (f"<scratchpad>\n{OTHER}\n</scratchpad>\n{ONE}", ONE_SAID),
    "a closing tag alone": (f"first I thought {OTHER}</think>{ONE}", ONE_SAID),
    "tags within tags": (f"<think>a <think> b {OTHER}</think> c {OTHER}</think>{ONE}", ONE_SAID),
    "a lone closing tag after a whole reasoning": (f"{OTHER}<think>a</think> b </think>{ONE}", ONE_SAID),
    "after the answer": (f"{ONE}<think>was that right? {OTHER}</think>", ONE_SAID),
    "only reasoning": (f"<think>{ONE}</think>", NONE_FOUND),
    "that never ends": (f"<think>so far {ONE}", NONE_FOUND),
    "a tag in a reason": (answer(reason="I <think> so"), said(reason="I <think> so")),
    "a broken draft before a closing tag alone": (f'perhaps {{"decisions": [{{"symbol": </think>{ONE}', BROKEN),
}

ENVELOPES: Group = {
    "wrapped": (f'{{"answer": {ONE}}}', ONE_SAID),
    "wrapped in a list": (f"[{ONE}]", ONE_SAID),
    "a tool's input": (f'{{"type": "tool_use", "id": "toolu_1", "name": "decide", "input": {ONE}}}', ONE_SAID),
    "a function call": (f'{{"name": "decide", "arguments": {ONE}}}', ONE_SAID),
    "a function call with its arguments as text": (json.dumps({"name": "decide", "arguments": ONE}), NONE_FOUND),
    "a whole chat completion": (json.dumps({"choices": [{"message": {"content": ONE}}]}), NONE_FOUND),
    "a tool call in tags": (f'<tool_call>\n{{"name": "decide", "arguments": {ONE}}}\n</tool_call>', ONE_SAID),
    "channel tokens": (f"<|channel|>final<|message|>{ONE}<|return|>", ONE_SAID),
    "the answer as a JSON text": (json.dumps(ONE), BROKEN),
    "server-sent events": (
        f'data: {{"delta": {json.dumps(ONE[:40])}}}\n\ndata: {{"delta": {json.dumps(ONE[40:])}}}\n',
        NONE_FOUND,
    ),
    "one object a line": ("\n".join(json.dumps(each) for each in (entry(), entry(symbol="DOGEUSDT"))), NONE_FOUND),
    "two decisions in one object": (f'{{"first": {ONE}, "second": {OTHER}}}', TWO),
}
