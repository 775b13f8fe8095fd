"""What models write, and what is read from it: the decision as it was said, or the sentence that says why it is none."""

from __future__ import annotations

import json
import time

import anthropic
import pytest

from arena.application.parsing import parse_decision
from arena.application.schema import answer_schema
from arena.domain.decision import Decision, InvalidDecision
from tests.corpus.answers import CORPUS
from tests.corpus.answers.template import SYMBOLS, TEMPLATE


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
    assert rewritten["properties"]["decisions"]["items"]["required"] == list(TEMPLATE)
    assert rewritten["properties"]["decisions"]["description"] == "{maxItems: 6}", "told, since the API refuses the bound"
    assert json.dumps(schema) == before


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
