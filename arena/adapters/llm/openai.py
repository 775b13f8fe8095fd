"""OpenAI, DeepSeek and any server that speaks OpenAI's chat completions, through the official openai SDK.

What is sent and what is not:
- The length limit is `max_completion_tokens` at OpenAI's own endpoint, where current models refuse `max_tokens`; DeepSeek and
  most compatible servers know only `max_tokens`.
- OpenAI and compatible servers get the schema and hold the model to it; OpenAI itself without lengths of texts, which its strict
  mode does not permit (the prompt tells them). DeepSeek knows only `json_object`: its model learns the
  schema from the prompt, which all models get.
- Temperature, thinking, reasoning effort and a seed only where the season has them. DeepSeek has a switch for thinking; OpenAI's
  protocol has none: not to think is the effort `none`, and to think is any other.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Any

import openai
from pydantic import BaseModel, Field, SecretStr, ValidationError

from arena.adapters.llm.faults import Faults
from arena.adapters.llm.prices import OwnPrices, Tokens, cost_usd
from arena.adapters.llm.tls import tls_context
from arena.application.language_model import Completion, Prompt
from arena.domain.competitor import ModelSpec, Provider

API_URLS = {Provider.OPENAI: "https://api.openai.com/v1", Provider.DEEPSEEK: "https://api.deepseek.com"}
SCHEMA_NAME = "decision"

Count = Annotated[int, Field(ge=0)]


class OpenAIModel:
    """One competitor's model behind chat completions; implements `LanguageModel`.

    Args:
        spec: Of provider `openai` or `deepseek`.
        key: Of the provider's account; a server at `base_url` may ignore it.
        faults: The words for what goes wrong.
        prices: Instead of the price list's.
    """

    def __init__(self, spec: ModelSpec, key: SecretStr, faults: Faults, prices: OwnPrices | None = None) -> None:
        self._spec = spec
        self._faults = faults
        self._prices = prices
        url = spec.base_url or API_URLS[spec.provider]
        http = openai.DefaultAsyncHttpx2Client(verify=tls_context())
        self._client = openai.AsyncOpenAI(api_key=key.get_secret_value(), base_url=url, max_retries=0, http_client=http)
        self._create = self._client.chat.completions.with_raw_response.create  # loads slow modules: here, not in a measured call

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def complete(self, prompt: Prompt, timeout_seconds: float) -> Completion:
        """Ask once, without retries.

        Raises:
            ModelFault
        """
        settings = self._settings()
        began = time.perf_counter()
        call = self._send(prompt, settings, timeout_seconds)
        body, request_id = await self._faults.translated(call, timeout_seconds, openai)
        latency_ms = round((time.perf_counter() - began) * 1000)
        try:
            answer = _Answer.model_validate_json(body)
        except ValidationError:
            raise self._faults.unreadable(request_id) from None
        choice = answer.choices[0]
        tokens = answer.usage.tokens if answer.usage else Tokens(input=0, output=0)
        completion = Completion(
            text=choice.message.content or choice.message.refusal or "",
            model=answer.model,
            request_id=request_id,
            stop_reason=choice.finish_reason,
            input_tokens=tokens.input,
            cached_tokens=tokens.cached,
            output_tokens=tokens.output,
            latency_ms=latency_ms,
            parameters={**settings, "format": self._format},
            cost_usd=cost_usd(self._spec, answer.model, tokens, self._prices) if answer.usage or self._spec.baseline else None,
        )
        self._check(choice, completion)
        return completion

    async def listed(self, timeout_seconds: float) -> tuple[str, ...] | None:
        """Return the models that the key can reach, as the provider names them; None where the server has no list.

        Raises:
            ModelFault
        """
        return await self._faults.listed(self._client, timeout_seconds, openai)

    @property
    def _format(self) -> str:
        return "json_object" if self._spec.provider is Provider.DEEPSEEK else "json_schema"

    @property
    def _own_endpoint(self) -> bool:
        return self._spec.provider is Provider.OPENAI and self._spec.base_url is None

    def _settings(self) -> dict[str, Any]:
        limit = "max_completion_tokens" if self._own_endpoint else "max_tokens"
        settings: dict[str, Any] = {"model": self._spec.model, limit: self._spec.max_tokens}
        if self._spec.temperature is not None:
            settings["temperature"] = float(self._spec.temperature)
        if self._spec.reasoning_effort is not None:
            settings["reasoning_effort"] = str(self._spec.reasoning_effort)
        if self._spec.thinking is not None and self._spec.provider is Provider.DEEPSEEK:
            settings["thinking"] = {"type": "enabled" if self._spec.thinking else "disabled"}
        elif self._spec.thinking is False:
            settings["reasoning_effort"] = "none"
        if self._spec.seed is not None:
            settings["seed"] = self._spec.seed
        return settings

    async def _send(self, prompt: Prompt, settings: Mapping[str, Any], timeout_seconds: float) -> tuple[bytes, str | None]:
        response_format: dict[str, Any] = {"type": self._format}
        if self._format == "json_schema":
            schema = _without_lengths(prompt.schema) if self._own_endpoint else dict(prompt.schema)
            response_format["json_schema"] = {"name": SCHEMA_NAME, "strict": True, "schema": schema}
        known = dict(settings)
        beyond = {"thinking": known.pop("thinking")} if "thinking" in known else None  # the SDK does not know it
        request: dict[str, Any] = {
            **known,
            "extra_body": beyond,
            "messages": [{"role": "system", "content": prompt.static}, *prompt.messages],
            "response_format": response_format,
        }
        response = await self._create(**request, timeout=timeout_seconds)
        return response.content, response.request_id

    def _check(self, choice: _Choice, completion: Completion) -> None:
        if choice.finish_reason == "content_filter" or choice.message.refusal:
            raise self._faults.refused(completion)
        if choice.finish_reason == "insufficient_system_resource":  # DeepSeek's own
            raise self._faults.overloaded(completion)
        if not completion.text.strip():
            raise self._faults.spent(self._spec.max_tokens, completion) if completion.cut_off else self._faults.empty(completion)


def _without_lengths(schema: Any) -> Any:
    match schema:
        case Mapping():
            return {name: _without_lengths(part) for name, part in schema.items() if name != "maxLength"}
        case list():
            return [_without_lengths(part) for part in schema]
        case _:
            return schema


class _Details(BaseModel):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None


class _Usage(BaseModel):
    prompt_tokens: Count  # cached ones included
    completion_tokens: Count
    prompt_tokens_details: _Details | None = None
    prompt_cache_hit_tokens: Count | None = None  # DeepSeek's own

    @property
    def tokens(self) -> Tokens:
        details = self.prompt_tokens_details or _Details()
        return Tokens(
            input=self.prompt_tokens,
            output=self.completion_tokens,
            cached=details.cached_tokens or self.prompt_cache_hit_tokens or 0,
            written=details.cache_write_tokens or 0,
        )


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Answer(BaseModel):
    """The part of the API's ChatCompletion that counts; some compatible servers leave the usage out."""

    model: str
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None
