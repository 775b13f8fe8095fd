"""Claude through the official anthropic SDK.

What is sent and what is not:
- No temperature: the SDK has no such parameter and the API refuses it. Thinking and effort only where the season has them.
- The rules are marked for the provider's cache for an hour. The default of five minutes is the length of a cycle, so the entry
  would be gone whenever it is needed. The market is not marked: it is new in every cycle, and writing it would only cost more.
- The API refuses bounds in a schema. The SDK's own rewriting moves them into the descriptions.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Any

import anthropic
from pydantic import BaseModel, Field, SecretStr, ValidationError

from arena.adapters.llm.faults import Faults
from arena.adapters.llm.prices import OwnPrices, Tokens, cost_usd
from arena.adapters.llm.tls import tls_context
from arena.application.language_model import Completion, Prompt
from arena.domain.competitor import ModelSpec

API_URL = "https://api.anthropic.com"

Count = Annotated[int, Field(ge=0)]


class ClaudeModel:
    """One competitor's Claude; implements `LanguageModel`.

    Args:
        spec: Whose `temperature` is None.
        key: Of the provider's account.
        faults: The words for what goes wrong.
        prices: Instead of the price list's.
    """

    def __init__(self, spec: ModelSpec, key: SecretStr, faults: Faults, prices: OwnPrices | None = None) -> None:
        self._spec = spec
        self._faults = faults
        self._prices = prices
        url, http = spec.base_url or API_URL, anthropic.DefaultAsyncHttpxClient(verify=tls_context())
        self._client = anthropic.AsyncAnthropic(api_key=key.get_secret_value(), base_url=url, max_retries=0, http_client=http)
        self._create = self._client.messages.with_raw_response.create  # loads slow modules: here, not in a measured call

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
        body, request_id = await self._faults.translated(call, timeout_seconds, anthropic)
        latency_ms = round((time.perf_counter() - began) * 1000)
        try:
            message = _Message.model_validate_json(body)
        except ValidationError:
            raise self._faults.unreadable(request_id) from None
        tokens = message.usage.tokens
        completion = Completion(
            text=message.text,
            model=message.model,
            request_id=request_id,
            stop_reason=message.stop_reason,
            input_tokens=tokens.input,
            cached_tokens=tokens.cached,
            output_tokens=tokens.output,
            latency_ms=latency_ms,
            parameters={**settings, "format": "json_schema"},
            cost_usd=cost_usd(self._spec, message.model, tokens, self._prices),
        )
        self._check(completion)
        return completion

    async def listed(self, timeout_seconds: float) -> tuple[str, ...] | None:
        """Return the models that the key can reach, as the provider names them; None where the server has no list.

        Raises:
            ModelFault
        """
        return await self._faults.listed(self._client, timeout_seconds, anthropic)

    def _settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"model": self._spec.model, "max_tokens": self._spec.max_tokens}
        if self._spec.thinking is not None:
            settings["thinking"] = {"type": "adaptive" if self._spec.thinking else "disabled"}
        if self._spec.reasoning_effort is not None:
            settings["effort"] = str(self._spec.reasoning_effort)
        return settings

    async def _send(self, prompt: Prompt, settings: Mapping[str, Any], timeout_seconds: float) -> tuple[bytes, str | None]:
        sent = dict(settings)
        effort = {"effort": sent.pop("effort")} if "effort" in sent else {}
        schema = anthropic.transform_schema(dict(prompt.schema))
        request: dict[str, Any] = {
            **sent,
            "system": [{"type": "text", "text": prompt.static, "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
            "messages": [*prompt.messages],
            "output_config": {**effort, "format": {"type": "json_schema", "schema": schema}},
        }
        response = await self._create(**request, timeout=timeout_seconds)
        return await response.read(), response.request_id

    def _check(self, completion: Completion) -> None:
        if completion.stop_reason == "refusal":
            raise self._faults.refused(completion)
        if not completion.text.strip():
            raise self._faults.spent(self._spec.max_tokens, completion) if completion.cut_off else self._faults.empty(completion)


class _Written(BaseModel):
    ephemeral_1h_input_tokens: Count = 0


class _Usage(BaseModel):
    input_tokens: Count  # neither read from the cache nor written into it
    output_tokens: Count
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: _Written | None = None

    @property
    def tokens(self) -> Tokens:
        read, written = self.cache_read_input_tokens or 0, self.cache_creation_input_tokens or 0
        return Tokens(
            input=self.input_tokens + read + written,
            output=self.output_tokens,
            cached=read,
            written=written,
            written_1h=self.cache_creation.ephemeral_1h_input_tokens if self.cache_creation else 0,
        )


class _Message(BaseModel):
    """The part of the API's Message that counts."""

    model: str
    content: list[dict[str, Any]]
    stop_reason: str | None = None
    usage: _Usage

    @property
    def text(self) -> str:
        return "".join(str(block.get("text", "")) for block in self.content if block.get("type") == "text")
