"""The LanguageModel port, as one suite that every adapter passes: the real SDKs against servers on loopback."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from arena.adapters.llm import claude, openai
from arena.adapters.llm.build import build_model
from arena.adapters.llm.faults import TRANSIENT
from arena.adapters.llm.prices import OwnPrices
from arena.application.fairness_rules import settings_of
from arena.application.language_model import Completion, LanguageModel, Prompt
from arena.application.repair import repair_of
from arena.application.schema import answer_schema
from arena.domain.competitor import ModelSpec, Provider, ReasoningEffort
from arena.errors import ConfigurationError, ModelFault

KEY = "sk-very-secret-0123456789"
ANSWER = '{"action": "HOLD", "confidence": 61, "reason": "flat – no edge"}'
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "action": {"type": "string", "enum": ["HOLD", "OPEN"]},
        "confidence": {"type": "integer", "minimum": 0, "maximum": 100},
    },
    "required": ["action", "confidence"],
    "additionalProperties": False,
}
PROMPT = Prompt(
    static="Rules, to the byte:\n  spaces  \ttabs – and ₿.\nAnswer in json.\n",
    market='BTCUSDT "65000.10"\n',
    account="You hold nothing.\n",
    schema=SCHEMA,
)
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(talk: Talk) -> AsyncIterator[str]:
    """A server that talks bytes, for what no well-behaved one does; yields its URL."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()


async def hang_up_midway(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"id": "x", "mod')
    await writer.drain()


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(-1)


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte now and then: no read ever times out."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n")
    for _ in range(60):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.03)


class LanguageModelContract:
    """What every adapter promises; subclasses know their provider's wire."""

    provider: ClassVar[Provider]
    model: ClassVar[str]
    served_as: ClassVar[str]  # the version that the provider says answered
    path: ClassVar[str]
    key_name: ClassVar[str]
    request_id_header: ClassVar[str]
    cut_off: ClassVar[str]  # stop reason of a truncated answer
    price: ClassVar[Decimal]  # of 1200 input tokens with 1000 from the cache, and 34 output tokens

    def body(self, text: str | None, stop: str | None = None, **message: Any) -> dict[str, Any]:
        """A success: 1200 input tokens, of which 1000 from the cache, and 34 output tokens."""
        raise NotImplementedError

    def failure(self, message: str, cause: str = "") -> dict[str, Any]:
        raise NotImplementedError

    def refusal(self) -> dict[str, Any]:
        raise NotImplementedError

    def read_request(self, sent: Mapping[str, Any]) -> tuple[str, str, Any]:
        """The system text, the user text and the answer's format."""
        raise NotImplementedError

    def expected_format(self) -> Any:
        raise NotImplementedError

    # ---- fixtures

    def spec(self, **changes: Any) -> ModelSpec:
        plain = ModelSpec(provider=self.provider, model=self.model, max_tokens=777, temperature=None, base_url=None)
        return replace(plain, **changes)

    @pytest.fixture
    def url(self, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        """A provider's own endpoint, on loopback."""
        base = httpserver.url_for("").rstrip("/")
        self.point_at(base, monkeypatch)
        yield base

    def point_at(self, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(claude, "API_URL", base)
        monkeypatch.setattr(openai, "API_URLS", {Provider.OPENAI: f"{base}/v1", Provider.DEEPSEEK: base})

    @pytest.fixture
    async def asked(self, httpserver: HTTPServer, url: str) -> AsyncIterator[LanguageModel]:
        model = build_model(self.spec(), SecretStr(KEY))
        yield model
        await model.close()

    def answer(
        self, httpserver: HTTPServer, body: Any, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """Let the server answer so; return the list that the requests' bodies are collected in."""
        bodies: list[dict[str, Any]] = []

        def handle(request: Request) -> Response:
            bodies.append(json.loads(request.get_data()))
            text = body if isinstance(body, str) else json.dumps(body)
            return Response(
                text, status, {"Content-Type": "application/json", self.request_id_header: "req-17", **(headers or {})}
            )

        httpserver.expect_request(self.path, method="POST").respond_with_handler(handle)
        return bodies

    async def fault(self, model: LanguageModel, seconds: float = 5, prompt: Prompt = PROMPT) -> ModelFault:
        with pytest.raises(ModelFault) as caught:
            await model.complete(prompt, seconds)
        told = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(vars(caught.value))
        assert KEY not in told
        assert caught.value.transient == (caught.value.kind in TRANSIENT)
        return caught.value

    # ---- success

    async def test_answer_and_account_of_it(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        self.answer(httpserver, self.body(ANSWER))
        completion = await asked.complete(PROMPT, 5)
        assert 0 <= completion.latency_ms < 5000
        assert not completion.cut_off
        assert replace(completion, latency_ms=0, parameters={}) == Completion(
            text=ANSWER,
            model=self.served_as,
            request_id="req-17",
            stop_reason=self.body(ANSWER)["stop_reason"] if self.provider is Provider.CLAUDE else "stop",
            input_tokens=1200,
            cached_tokens=1000,
            output_tokens=34,
            latency_ms=0,
            parameters={},
            cost_usd=self.price,
        )

    async def test_request_is_the_prompt_to_the_byte(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        bodies = self.answer(httpserver, self.body(ANSWER))
        completion = await asked.complete(PROMPT, 5)
        (sent,) = bodies
        assert self.read_request(sent) == (PROMPT.static, PROMPT.user, self.expected_format())
        limits = {name: sent[name] for name in ("max_tokens", "max_completion_tokens") if name in sent}
        assert limits == {"max_completion_tokens" if self.provider is Provider.OPENAI else "max_tokens": 777}
        assert sent["model"] == self.model
        settings = {"temperature", "top_p", "top_k", "thinking", "reasoning_effort", "seed", "tools", "stream"}
        assert not settings & set(sent)
        assert dict(completion.parameters) == {"model": self.model, **limits, "format": self.expected_format()["type"]}
        json.dumps(dict(completion.parameters))

    async def test_compatible_server(self, httpserver: HTTPServer) -> None:
        """A server of somebody else: the plainest length limit, the same format, an unknown price."""
        bodies = self.answer(httpserver, self.body(ANSWER))
        base = httpserver.url_for(self.path.removesuffix("/v1/messages").removesuffix("/chat/completions"))
        model = build_model(self.spec(base_url=base), KEY)
        completion = await model.complete(PROMPT, 5)
        await model.close()
        assert completion.text == ANSWER
        assert completion.cost_usd is None
        assert bodies[0]["max_tokens"] == 777
        assert "max_completion_tokens" not in bodies[0]
        assert self.read_request(bodies[0])[2] == self.expected_format()

    async def test_baseline_costs_nothing(self, httpserver: HTTPServer, url: str) -> None:
        self.answer(httpserver, self.body(ANSWER))
        model = build_model(self.spec(baseline=True), KEY)
        completion = await model.complete(PROMPT, 5)
        await model.close()
        assert completion.cost_usd == 0

    @pytest.mark.parametrize(
        ("thinking", "effort"), [(None, "low"), (None, "high"), (True, "medium"), (True, None), (False, None), (None, None)]
    )
    async def test_thinking_and_effort_are_sent_in_the_providers_words_and_mean_the_same(
        self, httpserver: HTTPServer, url: str, thinking: bool | None, effort: str | None
    ) -> None:
        if self.provider is Provider.OPENAI and thinking and effort is None:
            return  # it has no word for that: the settings send it to nobody
        bodies = self.answer(httpserver, self.body(ANSWER))
        model = build_model(self.spec(thinking=thinking, reasoning_effort=effort and ReasoningEffort(effort)), KEY)
        completion = await model.complete(PROMPT, 5)
        await model.close()
        meant = "off" if thinking is False else "on" if thinking or effort else None
        assert settings_of(completion.parameters) == {
            "max_tokens": 777,
            "temperature": None,
            "thinking": meant,
            "reasoning effort": effort,
        }
        assert self.thought(bodies[0]) == self.words(thinking, effort)

    def thought(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """What a request says about thinking."""
        found = {**sent, "effort": sent.get("output_config", {}).get("effort")}
        return {name: found[name] for name in ("thinking", "reasoning_effort", "effort") if found.get(name) is not None}

    def words(self, thinking: bool | None, effort: str | None) -> dict[str, Any]:
        raise NotImplementedError

    async def test_a_server_of_ones_own_needs_no_key(self, httpserver: HTTPServer) -> None:
        self.answer(httpserver, self.body(ANSWER))
        base = httpserver.url_for(self.path.removesuffix("/v1/messages").removesuffix("/chat/completions"))
        model = build_model(self.spec(base_url=base), "")
        assert (await model.complete(PROMPT, 5)).text == ANSWER
        await model.close()

    async def test_a_competitors_own_key_is_the_one_that_is_sent_and_named(self, httpserver: HTTPServer, url: str) -> None:
        self.answer(httpserver, self.failure("no"), 401)
        model = build_model(self.spec(), KEY, "LLM_B_API_KEY")
        assert str(await self.fault(model)) == "LLM_B_API_KEY was refused by the provider"
        await model.close()
        (request, _) = httpserver.log[0]
        assert KEY in (request.headers.get("x-api-key", ""), request.headers.get("authorization", "").removeprefix("Bearer "))

    async def test_own_prices_stand_in_for_the_list(self, httpserver: HTTPServer) -> None:
        self.answer(httpserver, self.body(ANSWER))
        base = httpserver.url_for(self.path.removesuffix("/v1/messages").removesuffix("/chat/completions"))
        own = OwnPrices(input=Decimal(2), cached=Decimal("0.5"), output=Decimal(10))
        model = build_model(self.spec(base_url=base), KEY, prices=own)
        cost = (await model.complete(PROMPT, 5)).cost_usd
        await model.close()
        written = 150 * Decimal("0.5") if self.provider is Provider.CLAUDE else 0  # a quarter more
        assert cost == (200 * 2 + written + 1000 * Decimal("0.5") + 34 * 10) / 10**6

    @pytest.mark.parametrize(
        ("status", "body"),
        [(404, '{"detail": "Not Found"}'), (405, ""), (501, "no"), (200, "<html>hello</html>"), (200, '{"data": [1, 2]}')],
    )
    async def test_a_compatible_server_may_have_no_list_of_models(self, httpserver: HTTPServer, status: int, body: str) -> None:
        kind = "text/html" if body.startswith("<") else "application/json"
        httpserver.expect_request("/v1/models").respond_with_data(body, status, content_type=kind)
        base = httpserver.url_for("" if self.provider is Provider.CLAUDE else "/v1").rstrip("/")
        model = build_model(self.spec(base_url=base), "")
        assert await model.listed(5) is None
        await model.close()

    async def test_three_at_once_take_as_long_as_the_slowest(self) -> None:
        delays = iter((0.2, 0.4, 0.6))

        async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(next(delays))
            body = json.dumps(self.body(ANSWER)).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()

        async with server(late) as url:
            models = [build_model(self.spec(base_url=url), KEY) for _ in range(3)]
            began = time.perf_counter()
            answers = await asyncio.gather(*(model.complete(PROMPT, 5) for model in models))
            took = time.perf_counter() - began
            for model in models:
                await model.close()
        assert [answer.text for answer in answers] == [ANSWER] * 3
        assert 0.6 <= took < 1.0

    # ---- the repair round

    async def test_repair_follows_the_same_prompt_to_the_byte(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        bodies = self.answer(httpserver, self.body(ANSWER))
        await asked.complete(PROMPT, 5)
        completion = await asked.complete(replace(PROMPT, repair=repair_of("Buy BTC!", "it is no JSON")), 5)
        first, second = bodies
        *before, answered, told = second.pop("messages")
        assert before == first.pop("messages"), "what providers cache begins alike"
        assert list(second) == list(first) and second == first, "the same settings and format"
        assert answered == {"role": "assistant", "content": "Buy BTC!"}
        request = "Your answer was not accepted: it is no JSON. Reply again with the whole JSON object."
        assert told == {"role": "user", "content": request}
        assert (completion.text, completion.cost_usd) == (ANSWER, self.price)

    @pytest.mark.parametrize("text", ["a \ud800 b \x00 c", "{" * 190_000, "</s><|im_end|> \u202e \r\n# Market\n"])
    async def test_any_answer_can_be_sent_back(self, httpserver: HTTPServer, asked: LanguageModel, text: str) -> None:
        bodies = self.answer(httpserver, self.body(ANSWER))
        repair = repair_of(text, "it is no JSON")
        await asked.complete(replace(PROMPT, repair=repair), 5)
        assert bodies[0]["messages"][-2] == {"role": "assistant", "content": repair.text}

    async def test_fault_in_the_repair_round_is_the_same_fault(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        repairing = replace(PROMPT, repair=repair_of("Buy BTC!", "it is no JSON"))
        self.answer(httpserver, self.failure("slow down"), 429, {"retry-after": "7"})
        fault = await self.fault(asked, prompt=repairing)
        assert (fault.kind, fault.transient, fault.retry_after) == ("rate_limited", True, timedelta(seconds=7))
        httpserver.clear()
        self.answer(httpserver, self.body(""))
        assert (await self.fault(asked, prompt=repairing)).kind == "empty"

    # ---- answers that are none, or not whole

    async def test_truncated_answer_is_handed_on(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        self.answer(httpserver, self.body('{"action": "HO', self.cut_off))
        completion = await asked.complete(PROMPT, 5)
        assert (completion.text, completion.stop_reason) == ('{"action": "HO', self.cut_off)
        assert completion.cut_off

    async def test_all_tokens_spent_before_the_answer(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        self.answer(httpserver, self.body("", self.cut_off))
        with pytest.raises(ModelFault) as caught:
            await asked.complete(PROMPT, 5)
        assert (caught.value.kind, caught.value.transient) == ("empty", False)
        assert "LLM_X_MAX_TOKENS (777)" in str(caught.value)

    @pytest.mark.parametrize("text", [None, "", "  \n"])
    async def test_empty(self, httpserver: HTTPServer, asked: LanguageModel, text: str | None) -> None:
        self.answer(httpserver, self.body(text))
        fault = await self.fault(asked)
        assert (fault.kind, fault.transient, fault.request_id) == ("empty", True, "req-17")

    async def test_refusal(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        self.answer(httpserver, self.refusal())
        fault = await self.fault(asked)
        assert (fault.kind, fault.transient, fault.request_id) == ("refused", False, "req-17")

    async def test_what_was_answered_is_paid_for_though_it_is_no_use(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        for body in (self.refusal(), self.body(""), self.body("", self.cut_off)):
            httpserver.clear()
            self.answer(httpserver, body)
            with pytest.raises(ModelFault) as caught:
                await asked.complete(PROMPT, 5)
            paid = caught.value.completion
            assert (paid.input_tokens, paid.cached_tokens, paid.output_tokens) == (1200, 1000, 34)
            assert (paid.cost_usd, paid.model, paid.request_id) == (self.price, self.served_as, "req-17")

    async def test_body_that_breaks_off(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        self.answer(httpserver, json.dumps(self.body(ANSWER))[:-30])
        fault = await self.fault(asked)
        assert (fault.kind, fault.transient, fault.completion) == ("server_error", True, None)

    @pytest.mark.parametrize(
        "body", ["", "<html>Bad gateway</html>", "[]", "null", '{"error": "none"}', '{"id": 1, "choices": [], "content": 3}']
    )
    async def test_success_that_is_no_answer(self, httpserver: HTTPServer, asked: LanguageModel, body: str) -> None:
        self.answer(httpserver, body)
        fault = await self.fault(asked)
        assert (fault.kind, fault.transient, fault.request_id) == ("server_error", True, "req-17")

    # ---- the provider fails

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (408, "timeout"),
            (409, "server_error"),
            (429, "rate_limited"),
            (500, "server_error"),
            (502, "server_error"),
            (503, "overloaded"),
            (504, "timeout"),
            (529, "overloaded"),
        ],
    )
    async def test_transient_statuses_are_asked_once(
        self, httpserver: HTTPServer, asked: LanguageModel, status: int, kind: str
    ) -> None:
        bodies = self.answer(httpserver, self.failure("not now"), status)
        fault = await self.fault(asked)
        assert (fault.kind, fault.transient, fault.retry_after, fault.request_id) == (kind, True, None, "req-17")
        assert len(bodies) == 1

    async def test_retry_after_is_told_and_not_slept(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        wishes: tuple[tuple[dict[str, str], float | None], ...] = (
            ({"retry-after": "7"}, 7),
            ({"retry-after": "3600"}, 3600),
            ({"retry-after": "1e300"}, 86_400),
            ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
            ({"retry-after": "-3"}, None),
            ({"retry-after": "nan"}, None),
            ({"retry-after": "soon"}, None),
        )
        began = time.perf_counter()
        for headers, seconds in wishes:
            httpserver.clear()
            self.answer(httpserver, self.failure("slow down"), 429, headers)
            fault = await self.fault(asked)
            assert fault.retry_after == (None if seconds is None else timedelta(seconds=seconds)), headers
        assert time.perf_counter() - began < 2

    async def test_retry_after_as_a_date(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        until = datetime.now(UTC) + timedelta(seconds=90)
        self.answer(httpserver, self.failure("slow down"), 429, {"retry-after": format_datetime(until, usegmt=True)})
        fault = await self.fault(asked)
        assert fault.retry_after is not None
        assert timedelta(seconds=85) < fault.retry_after <= timedelta(seconds=90)

    async def test_garbage_instead_of_an_error(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        self.answer(httpserver, "<html>nginx</html>", 502)
        assert (await self.fault(asked)).kind == "server_error"

    async def test_quota(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        self.answer(httpserver, self.failure("You are out", "insufficient_quota"), 429, {"retry-after": "1"})
        fault = await self.fault(asked)
        assert (fault.kind, fault.transient, fault.retry_after) == ("quota", False, None)
        assert self.key_name in str(fault)

    async def test_payment_required(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        self.answer(httpserver, self.failure("Insufficient Balance"), 402)
        assert (await self.fault(asked)).kind == "quota"

    async def test_credit_spent_behind_a_400(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        self.answer(httpserver, self.failure("Your credit balance is too low to access the API."), 400)
        assert (await self.fault(asked)).kind == "quota"

    # ---- the user's settings are wrong

    async def test_refused_key(self, httpserver: HTTPServer, asked: LanguageModel, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        self.answer(httpserver, self.failure(f"Incorrect API key provided: {KEY}"), 401)
        fault = await self.fault(asked)
        assert (str(fault), fault.kind) == (f"{self.key_name} was refused by the provider", "authentication")
        assert KEY not in caplog.text

    async def test_key_without_the_right(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        self.answer(httpserver, self.failure(f"{KEY} may not"), 403)
        fault = await self.fault(asked)
        assert (fault.kind, fault.transient) == ("authentication", False)
        assert self.key_name in str(fault)
        assert self.model in str(fault)

    async def test_unknown_model(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        self.answer(httpserver, self.failure("no such model", "model_not_found"), 404)
        fault = await self.fault(asked)
        assert (fault.kind, fault.transient) == ("bad_request", False)
        assert str(fault) == f"the provider does not know the model '{self.model}': change LLM_X_MODEL"

    async def test_bad_request_quotes_the_provider_without_the_key(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        self.answer(httpserver, self.failure(f"max_tokens:\n too large for {KEY} " + "x" * 1000), 400)
        fault = await self.fault(asked)
        assert (fault.kind, fault.transient) == ("bad_request", False)
        assert "max_tokens: too large for *** xxx" in str(fault)
        assert len(str(fault)) < 300

    @pytest.mark.parametrize("key", ["", "sk-with space", "sk-ключ", "sk-line\n"])
    def test_key_that_cannot_be_one(self, key: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            build_model(self.spec(), key)
        assert str(caught.value).startswith(f"{self.key_name} is empty or holds")
        assert not key or key not in repr(caught.value)

    def test_base_url_that_is_none(self) -> None:
        with pytest.raises(ConfigurationError, match="LLM_X_BASE_URL"):
            build_model(self.spec(base_url="localhost:8080"), KEY)

    # ---- the line fails

    async def test_connection_refused(self) -> None:
        async with server(say_nothing) as url:
            pass  # closed again: nobody listens there
        model = build_model(self.spec(base_url=url), KEY)
        fault = await self.fault(model)
        await model.close()
        assert (fault.kind, fault.transient) == ("connection", True)
        assert url in str(fault)

    async def test_dropped_midway(self) -> None:
        async with server(hang_up_midway) as url:
            model = build_model(self.spec(base_url=url), KEY)
            fault = await self.fault(model)
            await model.close()
        assert (fault.kind, fault.transient) == ("connection", True)

    @pytest.mark.parametrize("talk", [say_nothing, drip])
    async def test_timeout_bounds_the_whole_call(self, talk: Talk) -> None:
        async with server(talk) as url:
            model = build_model(self.spec(base_url=url), KEY)
            await self.fault(model, 0.05)  # the first call of an SDK prepares itself
            began = time.perf_counter()
            fault = await self.fault(model, 0.4)
            took = time.perf_counter() - began
            await model.close()
        assert (fault.kind, fault.transient) == ("timeout", True)
        assert 0.35 <= took < 0.9

    async def test_cancellation_is_not_swallowed(self) -> None:
        async with server(say_nothing) as url:
            model = build_model(self.spec(base_url=url), KEY)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(model.complete(PROMPT, 30), 0.1)
            await model.close()


class TestClaude(LanguageModelContract):
    provider, model, served_as = Provider.CLAUDE, "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"
    path, key_name, request_id_header, cut_off = "/v1/messages", "CLAUDE_API_KEY", "request-id", "max_tokens"
    # $3 in, $15 out, $0.30 read, $3.75 written: 50 plain, 1000 read, 150 written, 34 out
    price = (50 * Decimal(3) + 1000 * Decimal("0.3") + 150 * Decimal("3.75") + 34 * Decimal(15)) / 10**6

    def body(self, text: str | None, stop: str | None = None, **message: Any) -> dict[str, Any]:
        thought = {"type": "thinking", "thinking": "hm", "signature": "s", "text": "not said"}
        halves = [] if text is None else [{"type": "text", "text": text[:7]}, {"type": "text", "text": text[7:]}]
        usage = {"cache_read_input_tokens": 1000, "cache_creation_input_tokens": 150, "input_tokens": 50, "output_tokens": 34}
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": self.served_as,
            "content": [thought, *halves],
            "stop_reason": stop or "end_turn",
            "usage": usage,
        } | message

    def failure(self, message: str, cause: str = "") -> dict[str, Any]:
        kinds = {"insufficient_quota": "billing_error", "model_not_found": "not_found_error"}
        return {"type": "error", "error": {"type": kinds.get(cause, "api_error"), "message": message}, "request_id": "req-17"}

    def refusal(self) -> dict[str, Any]:
        return self.body("I would rather not.", "refusal")

    def read_request(self, sent: Mapping[str, Any]) -> tuple[str, str, Any]:
        (system,), (message,) = sent["system"], sent["messages"]
        assert system["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
        assert message["role"] == "user"
        return system["text"], message["content"], sent["output_config"]["format"]

    def expected_format(self) -> Any:
        confidence = {"type": "integer", "description": "{minimum: 0, maximum: 100}"}  # the API refuses bounds
        return {
            "type": "json_schema",
            "schema": {**SCHEMA, "properties": {"action": {"enum": ["HOLD", "OPEN"]}, "confidence": confidence}},
        }

    def words(self, thinking: bool | None, effort: str | None) -> dict[str, Any]:
        said = {} if thinking is None else {"thinking": {"type": "adaptive" if thinking else "disabled"}}
        return said | ({"effort": effort} if effort else {})

    async def test_hour_long_cache_entries_cost_double(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        body = self.body(ANSWER)
        body["usage"]["cache_creation"] = {"ephemeral_1h_input_tokens": 150, "ephemeral_5m_input_tokens": 0}
        self.answer(httpserver, body)
        completion = await asked.complete(PROMPT, 5)
        assert completion.cost_usd == self.price + 150 * Decimal("2.25") / 10**6

    async def test_temperature_is_refused_at_the_start(self) -> None:
        with pytest.raises(ConfigurationError, match=r"takes no temperature: leave LLM_X_TEMPERATURE empty"):
            build_model(self.spec(temperature=Decimal("0.2")), KEY)


class ChatContract(LanguageModelContract):
    """What OpenAI and DeepSeek share."""

    request_id_header, cut_off = "x-request-id", "length"

    def body(self, text: str | None, stop: str | None = None, **message: Any) -> dict[str, Any]:
        said = {"role": "assistant", "content": text, "reasoning_content": "hm", **message}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": self.served_as,
            "choices": [{"index": 0, "finish_reason": stop or "stop", "message": said}],
            "usage": {"prompt_tokens": 1200, "completion_tokens": 34, "total_tokens": 1234, **self.cached()},
        }

    def cached(self) -> dict[str, Any]:
        raise NotImplementedError

    def failure(self, message: str, cause: str = "") -> dict[str, Any]:
        return {"error": {"message": message, "type": cause or "api_error", "param": None, "code": cause or None}}

    def read_request(self, sent: Mapping[str, Any]) -> tuple[str, str, Any]:
        system, user = sent["messages"]
        assert (system["role"], user["role"]) == ("system", "user")
        return system["content"], user["content"], sent["response_format"]

    async def test_content_filter(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        self.answer(httpserver, self.body('{"action": ', "content_filter"))
        assert (await self.fault(asked)).kind == "refused"

    async def test_temperature_where_the_season_has_one(self, httpserver: HTTPServer, url: str) -> None:
        bodies = self.answer(httpserver, self.body(ANSWER))
        model = build_model(self.spec(temperature=Decimal("0.2")), KEY)
        completion = await model.complete(PROMPT, 5)
        await model.close()
        assert bodies[0]["temperature"] == 0.2
        assert completion.parameters["temperature"] == 0.2
        assert "seed" not in bodies[0] and "seed" not in completion.parameters

    async def test_a_seed_is_sent_and_recorded(self, httpserver: HTTPServer, url: str) -> None:
        bodies = self.answer(httpserver, self.body(ANSWER))
        model = build_model(self.spec(seed=0), KEY)
        completion = await model.complete(PROMPT, 5)
        await model.close()
        assert bodies[0]["seed"] == 0 and completion.parameters["seed"] == 0

    async def test_server_that_counts_no_tokens(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        body = self.body(ANSWER)
        del body["usage"]
        self.answer(httpserver, body)
        completion = await asked.complete(PROMPT, 5)
        assert (completion.input_tokens, completion.output_tokens, completion.cost_usd) == (0, 0, None)


class TestOpenAI(ChatContract):
    provider, model, served_as = Provider.OPENAI, "gpt-4o", "gpt-4o-2024-08-06"
    path, key_name = "/v1/chat/completions", "OPENAI_API_KEY"
    price = (200 * Decimal("2.5") + 1000 * Decimal("1.25") + 34 * Decimal(10)) / 10**6

    def cached(self) -> dict[str, Any]:
        return {"prompt_tokens_details": {"cached_tokens": 1000, "audio_tokens": 0}}

    def words(self, thinking: bool | None, effort: str | None) -> dict[str, Any]:
        said = "none" if thinking is False else effort
        return {"reasoning_effort": said} if said else {}

    def refusal(self) -> dict[str, Any]:
        return self.body(None, refusal="I would rather not.")

    @pytest.mark.parametrize("elsewhere", [False, True])
    async def test_its_own_endpoint_gets_no_length_of_a_text(self, httpserver: HTTPServer, url: str, elsewhere: bool) -> None:
        bodies = self.answer(httpserver, self.body(ANSWER))
        model = build_model(self.spec(base_url=f"{url}/v1" if elsewhere else None), KEY)
        await model.complete(replace(PROMPT, schema=answer_schema(6)), 5)
        await model.close()
        decisions = bodies[0]["response_format"]["json_schema"]["schema"]["properties"]["decisions"]
        assert decisions["maxItems"] == 6
        for entry in decisions["items"]["anyOf"]:
            assert entry["properties"]["reason"] == {"type": "string"} | ({"maxLength": 300} if elsewhere else {})

    def expected_format(self) -> Any:
        return {"type": "json_schema", "json_schema": {"name": "decision", "strict": True, "schema": SCHEMA}}


class TestDeepSeek(ChatContract):
    provider, model, served_as = Provider.DEEPSEEK, "deepseek-v4-pro", "deepseek-v4-pro"
    path, key_name = "/chat/completions", "DEEPSEEK_API_KEY"

    @pytest.fixture(autouse=True)
    def off_peak(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The price depends on the hour; ask for one."""
        at_night = datetime(2026, 11, 2, 20, tzinfo=UTC)
        monkeypatch.setattr(
            openai,
            "cost_usd",
            lambda spec, model, tokens, own, priced=openai.cost_usd: priced(spec, model, tokens, own, at_night),
        )

    # half of the peak's $0.66 in, $0.022 read, $1.98 out
    price = (200 * Decimal("0.66") + 1000 * Decimal("0.022") + 34 * Decimal("1.98")) / 10**6

    def cached(self) -> dict[str, Any]:
        return {"prompt_cache_hit_tokens": 1000, "prompt_cache_miss_tokens": 200}

    def words(self, thinking: bool | None, effort: str | None) -> dict[str, Any]:
        said = {} if thinking is None else {"thinking": {"type": "enabled" if thinking else "disabled"}}
        return said | ({"reasoning_effort": effort} if effort else {})

    def refusal(self) -> dict[str, Any]:
        return self.body("", "content_filter")

    def expected_format(self) -> Any:
        return {"type": "json_object"}

    async def test_interrupted_for_lack_of_resources(self, httpserver: HTTPServer, asked: LanguageModel) -> None:
        self.answer(httpserver, self.body('{"action": ', "insufficient_system_resource"))
        fault = await self.fault(asked)
        assert (fault.kind, fault.transient) == ("overloaded", True)

    @pytest.mark.parametrize(("said", "kind"), [("Content Exists Risk", "refused"), ("Model Not Exist", "bad_request")])
    async def test_causes_behind_a_400(self, httpserver: HTTPServer, asked: LanguageModel, said: str, kind: str) -> None:
        self.answer(httpserver, self.failure(said, "invalid_request_error"), 400)
        fault = await self.fault(asked)
        assert fault.kind == kind
        assert ("LLM_X_MODEL" in str(fault)) == (kind == "bad_request")
