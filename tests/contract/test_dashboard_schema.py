"""The dashboard's API is what its OpenAPI says: schemathesis finds nothing, and every field has its unit and an example."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from arena.dashboard import answers
from arena.dashboard.glossary import MEANINGS
from arena.dashboard.judging import JudgementFile
from tests.fakes.dashboard import answering, booked, endpoints, source
from tests.fakes.judgement import judgement, write_judgement

TOKEN = "s3cret"
CYCLES = 60
EXAMPLES = 8  # of each operation, of each of schemathesis's ways to think of some
MEDIA = ("application/json", "application/problem+json")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("season")
    write_judgement(folder / "verdict.json", judgement(CYCLES))
    with (
        booked(folder, CYCLES) as books,
        answering(
            replace(source(books.path, books.season_id), judgement=JudgementFile(folder / "verdict.json")), TOKEN
        ) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def described(api: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/openapi.json").json()
    return found


def test_schemathesis_finds_nothing(api: httpx.Client, described: dict[str, Any], tmp_path: Path) -> None:
    """Whatever may be asked and what may not, with the token and without; then that it really asked."""
    har = tmp_path / "asked.har"
    base = str(api.base_url).rstrip("/")
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{base}/openapi.json", "--url", base]
    command += ["--checks", "all", "--mode", "all", "--max-examples", str(EXAMPLES), "--seed", "1", "--request-timeout", "5"]
    command += ["--header", f"Authorization: Bearer {TOKEN}", "--generation-database", "none"]
    command += ["--report", "har", "--report-har-path", str(har)]
    for path in described["paths"].keys() - endpoints(described).keys():
        command += ["--exclude-path", path]  # a stream of events has no end
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr

    answered = statuses(json.loads(har.read_text()), described)
    for path in endpoints(described):
        parameters = described["paths"][path]["get"].get("parameters", ())
        assert answered[path, "GET"] >= {200}, path
        assert (422 in answered[path, "GET"]) or not any(each["in"] == "query" for each in parameters), path
        assert path == "/health" or 401 in answered[path, "GET"], path
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert answered[path, method] == {405}, path


def statuses(har: dict[str, Any], described: dict[str, Any]) -> defaultdict[tuple[str, str], set[int]]:
    """With which statuses each endpoint and method was answered."""
    found: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for entry in har["log"]["entries"]:
        asked = unquote(urlsplit(entry["request"]["url"]).path).split("/")
        for path in described["paths"]:
            parts = path.split("/")
            if len(parts) == len(asked) and all(a == b or b.startswith("{") for a, b in zip(asked, parts, strict=True)):
                found[path, entry["request"]["method"]].add(entry["response"]["status"])
    return found


def test_every_field_and_parameter_is_described_with_its_unit(api: httpx.Client, described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    fields = {(of, name): field for of, schema in schemas.items() for name, field in schema.get("properties", {}).items()}
    silent = [where for where, field in fields.items() if len(field.get("description", "")) < 6]
    assert silent == [], "arena/dashboard/glossary.py does not say what these are"
    for path, methods in described["paths"].items():
        assert methods["get"]["description"], path
        for parameter in methods["get"].get("parameters", ()):
            assert parameter.get("description"), f"{path}: {parameter['name']}"
    with_unit = set()
    for (_, name), field in fields.items():
        for unit in units(field):
            assert unit in field["description"]
            with_unit.add(name)
        for end, unit in (("_ms", "milliseconds"), ("_seconds", "seconds"), ("_percent", "percent")):
            assert not name.endswith(end) or unit in field["description"], name
    known = {name for _, name in fields}
    told = {name for address in endpoints(described).values() for name in amounts(read(api, address), known)}
    assert {"equity", "roi", "hours", "mark_price", "days_needed", "slippage", "top"} <= told
    assert told - with_unit == set(), "these are amounts, and their type in the answers has no unit"


def units(field: Any) -> Iterator[str]:
    if isinstance(field, dict):
        if "x-unit" in field:
            yield field["x-unit"]
        for each in field.values():
            yield from units(each)
    elif isinstance(field, list):
        for each in field:
            yield from units(each)


def read(api: httpx.Client, address: str) -> Any:
    answer = api.get(address)
    return answer.json() if answer.headers["content-type"] == "application/json" else None


def amounts(value: Any, known: set[str], name: str = "") -> Iterator[str]:
    """The names of all texts in an answer that are a number; what is named by a season is of the field that it is in."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from amounts(each, known, key if key in known else name)
    elif isinstance(value, list):
        for each in value:
            yield from amounts(each, known, name)
    elif isinstance(value, str):
        try:
            Decimal(value)
        except InvalidOperation:
            return
        yield name


def test_every_answer_has_an_example_that_fits(described: dict[str, Any]) -> None:
    shown = 0
    for path, methods in described["paths"].items():
        for status, response in methods["get"]["responses"].items():
            for media, content in response.get("content", {}).items():
                if media not in MEDIA:
                    continue
                schema = {**content["schema"], "components": described["components"]}
                Draft202012Validator(schema).validate(content["example"])
                assert content["example"] not in ({}, []), (path, status)
                shown += 1
    assert shown > len(described["paths"])
    text = described["paths"]["/metrics"]["get"]["responses"]["200"]["content"]
    assert [each["example"][:6] for each in text.values()] == ["# HELP"]


def test_the_glossary_alone_says_what_a_name_means() -> None:
    models = [each for each in vars(answers).values() if isinstance(each, type) and issubclass(each, BaseModel)]
    said = {(each.__name__, name): field.description for each in models for name, field in each.model_fields.items()}
    assert [which for which, words in said.items() if words and words == MEANINGS.get(which[1], ("",))[0]] == []


def test_a_fault_is_documented_as_what_it_is(described: dict[str, Any]) -> None:
    for path, methods in described["paths"].items():
        for status, response in methods["get"]["responses"].items():
            assert status < "400" or list(response["content"]) == ["application/problem+json"], path


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/decisions?limt=5", 422, "limt: there is no such parameter; there are before, limit, llm_id"),
        ("/status?since=2025-01-01T00:00:00Z", 422, "since: there are no parameters here"),
        ("/equity?since=1735689600", 422, "since: Value error, Input should be a time such as 2025-01-31T12:00:00Z"),
        ("/trades?llm_id=LLM-X", 404, "there is no competitor LLM-X; there are LLM-A, LLM-B, LLM-C"),
        ("/cycles/0", 422, "number: Input should be greater than or equal to 1"),
    ],
)
def test_what_looks_like_an_answer_to_another_question_is_refused(
    api: httpx.Client, address: str, status: int, said: str
) -> None:
    answer = api.get(address)
    assert (answer.status_code, answer.json()["detail"]) == (status, said)
