"""What models write, and what is read from it: the decision as it was said, or the sentence that says why it is none."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

import anthropic
import pytest

from arena.application.parsing import parse_decision
from arena.application.schema import answer_schema
from arena.domain.decision import Action, Decision, EntryType, InvalidDecision
from tests.corpus.answers import CORPUS
from tests.corpus.answers.template import SYMBOLS, TEMPLATE, answer, entry


@pytest.mark.parametrize("name", CORPUS)
def test_what_comes_of_an_answer(name: str) -> None:
    text, comes = CORPUS[name]
    assert parse_decision(text, SYMBOLS) == (comes if isinstance(comes, Decision) else InvalidDecision(error=comes))


def test_corpus_is_large_enough() -> None:
    assert len(CORPUS) >= 250
    assert len({text for text, _ in CORPUS.values()}) >= 250, "no answer stands for two"


def test_every_refusal_is_one_line_that_a_model_can_be_told() -> None:
    for _, comes in CORPUS.values():
        if isinstance(comes, str):
            assert comes.isprintable() and len(comes) <= 200 and not comes.endswith(".")


def test_the_schema_passes_the_sdk_that_rewrites_it() -> None:
    schema = answer_schema(6)
    before = json.dumps(schema)
    rewritten = anthropic.transform_schema(dict(schema))
    for each in rewritten["properties"]["decisions"]["items"]["anyOf"]:
        assert each["required"] == list(TEMPLATE) and each["additionalProperties"] is False
    assert rewritten["properties"]["decisions"]["description"] == "{maxItems: 6}", "told, since the API refuses the bound"
    assert json.dumps(schema) == before


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("entry_type", EntryType)
@pytest.mark.parametrize("limit_price", [None, "64500", "0.00001234", "-1", "1e5", 64500])
def test_what_the_schema_accepts_is_never_refused(action: str, entry_type: str, limit_price: object) -> None:
    """A grammar holds a model to the schema; what it lets through must not contradict itself."""
    made = entry(action=action, entry_type=entry_type, limit_price=limit_price, stop_price="64000.5")
    rules = answer_schema(1)["properties"]["decisions"]["items"]["anyOf"]
    if any(accepts(rule, made) for rule in rules):
        assert isinstance(parse_decision(answer(made), SYMBOLS), Decision)
    else:
        assert entry_type == "limit" or limit_price is not None


def accepts(rule: Mapping[str, Any], value: Any) -> bool:
    """Return whether a value keeps to the part of JSON schema that an answer uses."""
    if "anyOf" in rule:
        return any(accepts(each, value) for each in rule["anyOf"])
    if "enum" in rule:
        return value in rule["enum"]
    match rule["type"]:
        case "object":
            return set(value) == set(rule["required"]) and all(accepts(rule["properties"][name], value[name]) for name in value)
        case "string":
            return isinstance(value, str) and re.search(rule.get("pattern", ""), value) is not None
        case "integer":
            return isinstance(value, int) and rule["minimum"] <= value <= rule["maximum"]
        case "null":
            return value is None
    raise AssertionError(rule)


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
