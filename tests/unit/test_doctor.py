"""What the doctor says about models: real requests to servers on loopback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from arena.adapters.llm import openai
from arena.doctor import Finding, examine
from arena.domain.competitor import Provider

GPT = [f"gpt-{n}-{kind}" for n in ("5", "5.1", "6", "6.1", "6.2") for kind in ("terra", "luna", "sol", "astra", "audio", "image")]


async def found(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Finding:
    """Return what is found of the only competitor."""
    nothing = "http://127.0.0.1:9"
    fixed = {"BINANCE_TESTNET_BASE_URL": nothing, "TOTAL_LLMS": "1", "ARENA_ENV_FILE": "none", "LLM_A_PROVIDER": "openai"}
    for name, value in {**fixed, **variables}.items():
        monkeypatch.setenv(name, value)
    (only,) = [finding async for finding in examine("") if finding.subject == "LLM-A"]
    return only


def serve(httpserver: HTTPServer, names: list[str]) -> str:
    page = {"object": "list", "data": [{"id": name, "object": "model"} for name in names], "has_more": False}
    httpserver.expect_request("/v1/models").respond_with_data(json.dumps(page), content_type="application/json")
    return httpserver.url_for("/v1")


async def test_a_server_of_ones_own_needs_no_key(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    url = serve(httpserver, ["llama"])
    finding = await found(monkeypatch, LLM_A_MODEL="llama", LLM_A_BASE_URL=url)
    assert (finding.well, finding.detail) == (True, f"the server at {url} lists llama")


async def test_a_providers_own_endpoint_needs_one_and_either_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = await found(monkeypatch, LLM_A_MODEL="gpt-6.1-terra")
    assert not finding.well
    assert finding.detail == "OPENAI_API_KEY is empty, but LLM-A needs it (gpt-6.1-terra); or set LLM_A_API_KEY"


@pytest.mark.parametrize(("provider", "path"), [("openai", "/v1"), ("deepseek", "/v1"), ("claude", "")])
async def test_a_retired_model_is_named_with_what_there_is_the_most_alike_first(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, provider: str, path: str
) -> None:
    url = serve(httpserver, GPT).removesuffix("/v1") + path
    finding = await found(monkeypatch, LLM_A_MODEL="gpt-4-terra", LLM_A_BASE_URL=url, LLM_A_PROVIDER=provider)
    assert not finding.well
    assert finding.detail.startswith(
        f"the server at {url} does not list gpt-4-terra (LLM_A_MODEL): it is retired, misspelt or closed to this key. "
        "It lists 30, the most alike first: gpt-5-terra, gpt-6-terra, gpt-5.1-terra, "
    )
    assert finding.detail.endswith(" and 10 more") and "\n" not in finding.detail


async def test_a_short_list_is_shown_whole_and_an_empty_one_said(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = await found(monkeypatch, LLM_A_MODEL="mistral", LLM_A_BASE_URL=serve(httpserver, ["qwen", "llama"]))
    assert finding.detail.endswith("It lists 2, the most alike first: llama, qwen")
    httpserver.clear()
    finding = await found(monkeypatch, LLM_A_MODEL="mistral", LLM_A_BASE_URL=serve(httpserver, []))
    assert finding.detail.endswith("It lists none")


async def test_a_server_without_a_list_is_no_fault(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    httpserver.expect_request("/v1/models").respond_with_data("not here", 404)
    url = httpserver.url_for("/v1")
    finding = await found(monkeypatch, LLM_A_MODEL="own", LLM_A_BASE_URL=url)
    assert finding.well
    assert (
        finding.detail == f"the server at {url} answers, but has no list of models: whether it serves own shows when it is asked"
    )


async def test_no_server_is_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    finding = await found(monkeypatch, LLM_A_MODEL="own", LLM_A_BASE_URL="http://127.0.0.1:9/v1", LLM_A_API_KEY="sk-hidden")
    assert (
        not finding.well and "http://127.0.0.1:9/v1 (LLM_X_BASE_URL) failed" in finding.detail and "hidden" not in finding.detail
    )


async def test_a_budget_needs_a_price(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"LLM_A_MODEL": "llama", "LLM_A_BASE_URL": serve(httpserver, ["llama"]), "LLM_DAILY_BUDGET_USD": "2.5"}
    finding = await found(monkeypatch, **own)
    assert not finding.well
    assert finding.detail == (
        "LLM_DAILY_BUDGET_USD is set, but the price of llama is not known: set LLM_A_INPUT_PRICE_USD and LLM_A_OUTPUT_PRICE_USD "
        "(USD for a million tokens, 0 where it costs nothing)"
    )
    assert (await found(monkeypatch, **own, LLM_A_INPUT_PRICE_USD="0", LLM_A_OUTPUT_PRICE_USD="0")).well


async def test_a_listed_price_is_enough_for_a_budget(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "API_URLS", {Provider.OPENAI: serve(httpserver, ["gpt-6.1-terra"])})
    finding = await found(monkeypatch, LLM_A_MODEL="gpt-6.1-terra", LLM_DAILY_BUDGET_USD="2.5", LLM_A_API_KEY="sk-own")
    assert finding.well and finding.detail == "openai lists gpt-6.1-terra"
    baseline = {"LLM_A_MODEL": "random", "LLM_A_BASE_URL": "http://127.0.0.1:9/v1"}
    assert "price" not in (await found(monkeypatch, **baseline)).detail
