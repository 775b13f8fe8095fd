"""The baselines through the real openai and anthropic SDKs over HTTP on loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import anthropic
import httpx
import openai
import pytest

from arena.application.language_model import Prompt
from arena.application.parsing import parse_decision
from arena.application.repair import repair_of
from arena.application.schema import answer_schema
from arena.domain.decision import Decision, InvalidDecision
from arena.strategies.prompt_reader import read_prompt
from arena.strategies.registry import RULES
from tests.fakes import build
from tests.fakes.rules import served_rules
from tests.fakes.walk import moving_snapshot, prompt, text_of

SNAPSHOT = moving_snapshot(length=60)
PROMPT = prompt(SNAPSHOT, build.ledger("200"))
FORMAT = {"type": "json_schema", "json_schema": {"name": "decision", "strict": True, "schema": answer_schema(6)}}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served_rules() as served:
        yield served


@pytest.fixture
async def gpt(url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(api_key="any", base_url=f"{url}/v1", max_retries=0, timeout=5) as client:
        yield client


@pytest.fixture
async def claude(url: str) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(api_key="any", base_url=url, max_retries=0, timeout=5) as client:
        yield client


def chat(asked: Prompt = PROMPT) -> list[dict[str, str]]:
    return [{"role": "system", "content": asked.static}, {"role": "user", "content": asked.user}]


async def ask_gpt(client: openai.AsyncOpenAI, model: str) -> openai.types.chat.ChatCompletion:
    return await client.chat.completions.create(
        model=model, messages=chat(), response_format=FORMAT, max_completion_tokens=4000, temperature=0.2, seed=7
    )


async def ask_claude(client: anthropic.AsyncAnthropic, model: str) -> anthropic.types.Message:
    return await client.messages.create(
        model=model,
        max_tokens=4000,
        system=[{"type": "text", "text": PROMPT.static, "cache_control": {"type": "ephemeral"}}],
        messages=[{"role": "user", "content": PROMPT.user}],
        output_config={"format": {"type": "json_schema", "schema": anthropic.transform_schema(dict(answer_schema(6)))}},
    )


@pytest.mark.parametrize("rule", RULES)
async def test_openai_gets_the_rules_own_answer(gpt: openai.AsyncOpenAI, rule: str) -> None:
    completion = await ask_gpt(gpt, rule)
    text = completion.choices[0].message.content
    assert text == RULES[rule](read_prompt(text_of(PROMPT)))
    assert isinstance(parse_decision(text or "", list(SNAPSHOT.symbols)), Decision)
    assert completion.model == f"baseline/{rule}" and completion.system_fingerprint == "baseline rule, not an LLM"
    assert completion.choices[0].finish_reason == "stop" and completion._request_id
    usage = completion.usage
    assert usage and usage.prompt_tokens == (len(PROMPT.static) + len(PROMPT.user)) // 4
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens and usage.completion_tokens == len(text or "") // 4


@pytest.mark.parametrize("rule", RULES)
async def test_anthropic_gets_the_same_answer(claude: anthropic.AsyncAnthropic, gpt: openai.AsyncOpenAI, rule: str) -> None:
    message = await ask_claude(claude, rule)
    assert message.content[0].type == "text"
    assert message.content[0].text == (await ask_gpt(gpt, rule)).choices[0].message.content
    assert message.model == f"baseline/{rule}" and message.to_dict()["system_fingerprint"] == "baseline rule, not an LLM"
    assert message.stop_reason == "end_turn" and message._request_id
    assert message.usage.input_tokens == (len(PROMPT.static) + len(PROMPT.user)) // 4


async def test_deepseek_asks_without_v1_and_in_json_mode(url: str) -> None:
    async with openai.AsyncOpenAI(api_key="any", base_url=url, max_retries=0) as client:
        completion = await client.chat.completions.create(
            model="trend-following",
            messages=chat(),
            response_format={"type": "json_object"},
            max_tokens=4000,
            extra_body={"thinking": {"type": "disabled"}},
        )
    assert isinstance(parse_decision(completion.choices[0].message.content or "", []), Decision)


async def test_ids_depend_on_the_request_alone(gpt: openai.AsyncOpenAI) -> None:
    first, again, other = await ask_gpt(gpt, "random"), await ask_gpt(gpt, "random"), await ask_gpt(gpt, "trend-following")
    assert first == again and first.id != other.id


async def test_both_list_the_models(gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic) -> None:
    assert [model.id async for model in gpt.models.list()] == list(RULES)
    listed = [model async for model in claude.models.list()]
    assert [model.id for model in listed] == list(RULES) and all("not an LLM" in model.display_name for model in listed)


async def test_unknown_models(gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic) -> None:
    for model in ("gpt-6.1-terra", "random?fault=unheard_of", "random?seconds=ages", "random?mood=good"):
        with pytest.raises(openai.NotFoundError) as refused:
            await ask_gpt(gpt, model)
        assert refused.value.code == "model_not_found" and model in str(refused.value)
        with pytest.raises(anthropic.NotFoundError, match="mean-reversion") as missing:
            await ask_claude(claude, model)
        assert missing.value.body["error"]["type"] == "not_found_error"  # type: ignore[index, call-overload]


async def test_a_key_is_needed(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        for path in ("/v1/chat/completions", "/chat/completions", "/v1/messages"):
            answer = await client.post(path, json={"model": "random"})
            assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")
            assert (await client.post(path, json={}, headers={"authorization": "Bearer"})).status_code == 401
        assert (await client.get("/v1/models")).status_code == 401


@pytest.mark.parametrize("body", ["", "no json", "[]", "{}", '{"model": 7}', '{"model": "random", "stream": true}'])
async def test_requests_that_cannot_be_answered(url: str, body: str) -> None:
    async with httpx.AsyncClient(base_url=url, headers={"x-api-key": "any"}) as client:
        for path in ("/v1/chat/completions", "/v1/messages"):
            assert (await client.post(path, content=body)).status_code == 400


async def test_a_prompt_that_is_not_the_arenas(gpt: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="not a prompt of the arena"):
        await gpt.chat.completions.create(model="random", messages=[{"role": "user", "content": "Hello?"}])
    with pytest.raises(openai.BadRequestError):
        await gpt.chat.completions.create(model="random", messages=[])


@pytest.mark.parametrize(
    ("fault", "status", "openai_error", "anthropic_error"),
    [
        ("http500", 500, openai.InternalServerError, anthropic.InternalServerError),
        ("rate_limited", 429, openai.RateLimitError, anthropic.RateLimitError),
        ("overloaded", 529, openai.InternalServerError, anthropic.InternalServerError),
    ],
)
async def test_faults_on_request(
    gpt: openai.AsyncOpenAI,
    claude: anthropic.AsyncAnthropic,
    fault: str,
    status: int,
    openai_error: type[openai.APIStatusError],
    anthropic_error: type[anthropic.APIStatusError],
) -> None:
    with pytest.raises(openai_error) as first:
        await ask_gpt(gpt, f"mean-reversion?fault={fault}")
    with pytest.raises(anthropic_error) as second:
        await ask_claude(claude, f"mean-reversion?fault={fault}")
    assert first.value.status_code == second.value.status_code == status
    assert first.value.response.headers.get("retry-after") == ("1" if fault == "rate_limited" else None)


async def test_an_answer_that_is_none_until_the_model_is_told_so(gpt: openai.AsyncOpenAI) -> None:
    model = "random?fault=malformed_once"
    said = (await ask_gpt(gpt, model)).choices[0].message.content or ""
    again = replace(PROMPT, repair=repair_of(said, "it is no JSON"))
    messages = [{"role": "system", "content": again.static}, *again.messages]
    repaired = (await gpt.chat.completions.create(model=model, messages=messages)).choices[0].message.content
    assert isinstance(parse_decision(said, []), InvalidDecision)
    assert repaired == RULES["random"](read_prompt(text_of(PROMPT))), "as it would have answered at once"


async def test_a_model_that_thinks_for_a_while(gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic) -> None:
    began = time.monotonic()
    slow, quick = await asyncio.gather(ask_gpt(gpt, "trend-following?seconds=1"), ask_claude(claude, "trend-following?seconds=0"))
    assert 1 <= time.monotonic() - began < 2
    assert slow.choices[0].message.content == quick.content[0].text  # type: ignore[union-attr]


async def test_an_answer_that_is_cut_off(gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic) -> None:
    assert (await ask_gpt(gpt, "random?fault=cut_off")).choices[0].finish_reason == "length"
    assert (await ask_claude(claude, "random?fault=cut_off")).stop_reason == "max_tokens"


async def test_answers_that_are_none(gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic) -> None:
    prose = (await ask_gpt(gpt, "random?fault=malformed")).choices[0].message.content
    assert prose and isinstance(parse_decision(prose, []), InvalidDecision)
    assert (await ask_gpt(gpt, "random?fault=empty")).choices[0].message.content == ""
    assert (await ask_claude(claude, "random?fault=empty")).content == []


async def test_silence_until_the_client_gives_up(gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic) -> None:
    began = time.monotonic()
    with pytest.raises(openai.APITimeoutError):
        await ask_gpt(gpt.with_options(timeout=0.5), "random?fault=timeout")
    with pytest.raises(anthropic.APITimeoutError):
        await ask_claude(claude.with_options(timeout=0.5), "random?fault=timeout")
    assert time.monotonic() - began < 5
