"""LLM_X_…: each competitor's own model, and the settings that are sent to all of them or to none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from arena.application.cutoffs import first_unknown_day
from arena.domain.competitor import Provider, ReasoningEffort

KEY_NAMES = {Provider.CLAUDE: "CLAUDE_API_KEY", Provider.DEEPSEEK: "DEEPSEEK_API_KEY", Provider.OPENAI: "OPENAI_API_KEY"}

# Which models refuse a setting at their providers' own endpoints, by name (as of November 2026, from the providers' documents);
# a compatible server is believed to take all of them.
REFUSES_TEMPERATURE = ("gpt-5*", "gpt-6*", "o[134]*", "deepseek-*")  # Claude: no model, nor does the SDK have the parameter
TEMPERATURE_UNLESS_THINKING = ("gpt-5.[2-9]*", "gpt-6*", "deepseek-*")  # of these, takes one while it does not think
REFUSES_EFFORT = (
    *("claude-3*", "claude-*-4-2025*", "claude-sonnet-4-[0-5]*", "claude-haiku-4*", "claude-opus-4-[01]*"),
    *("gpt-3*", "gpt-4*", "gpt-5*-chat*", "gpt-5*-pro*"),
)
REFUSES_THINKING_ON = (*REFUSES_EFFORT, "claude-opus-4-5*")
REFUSES_THINKING_OFF = (
    *("claude-fable*", "claude-mythos*"),
    *("gpt-3*", "gpt-4*", "gpt-5", "gpt-5-*", "gpt-5*-chat*", "gpt-5*-pro*", "gpt-5*-codex*", "o[134]*"),
)

Price = Annotated[Decimal, Field(ge=0)]  # US dollars for a million tokens


class CompetitorSettings(BaseModel):
    """LLM_X_…: one competitor."""

    provider: Provider
    model: str = Field(min_length=1)
    max_tokens: int = Field(default=4000, ge=256, le=21_000)
    temperature: Annotated[Decimal, Field(ge=0, le=2)] | None = None
    thinking: bool | None = None
    reasoning_effort: ReasoningEffort | None = None
    base_url: str | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    api_key: SecretStr = SecretStr("")
    input_price_usd: Price | None = None
    cached_price_usd: Price | None = None
    output_price_usd: Price | None = None
    knowledge_cutoff: str | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_default(cls, value: Any, info: Any) -> Any:
        return cls.model_fields[info.field_name].get_default() if value == "" else value

    @field_validator("thinking", mode="before")
    @classmethod
    def _on_or_off(cls, value: Any) -> Any:
        if isinstance(value, str) and value.lower() not in ("on", "off"):
            raise ValueError("say on or off, or leave it empty for the provider's default")
        return value

    @field_validator("knowledge_cutoff")
    @classmethod
    def _month_or_day(cls, value: str | None) -> str | None:
        if value is not None:
            first_unknown_day(value)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.input_price_usd is None) != (self.output_price_usd is None):
            raise ValueError("LLM_X_INPUT_PRICE_USD and LLM_X_OUTPUT_PRICE_USD belong together: set both or neither")
        if self.cached_price_usd is not None and self.input_price_usd is None:
            raise ValueError("LLM_X_CACHED_PRICE_USD needs LLM_X_INPUT_PRICE_USD and LLM_X_OUTPUT_PRICE_USD beside it")
        if self.thinking is False and self.reasoning_effort is not None:
            raise ValueError("LLM_X_THINKING=off and LLM_X_REASONING_EFFORT contradict each other: leave one of them empty")
        return self

    def named(self, patterns: Iterable[str]) -> bool:
        """Return whether the model is one of these at its provider's own endpoint."""
        return self.base_url is None and any(fnmatchcase(self.model, pattern) for pattern in patterns)

    def refuses_effort(self) -> bool:
        """Return whether a reasoning effort would end in an error."""
        return self.named(REFUSES_EFFORT)

    def refuses_thinking(self, on: bool, effort: ReasoningEffort | None) -> bool:
        """Return whether the model cannot be told to think, or not to; OpenAI's protocol says it by an effort alone."""
        if on and effort is None and self.provider is Provider.OPENAI:
            return True
        return self.named(REFUSES_THINKING_ON if on else REFUSES_THINKING_OFF)

    def refuses_temperature(self, thinking: bool | None) -> bool:
        """Return whether a temperature would end in an error or, with DeepSeek, would be ignored."""
        if self.provider is Provider.CLAUDE:
            return True
        return self.named(REFUSES_TEMPERATURE) and not (thinking is False and self.named(TEMPERATURE_UNLESS_THINKING))


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualSettings:
    """What every model of the season is sent; None is sent to nobody.

    Attributes:
        refused: Settings that are set and yet sent to nobody, in words, with the models that refuse them.
    """

    max_tokens: int
    temperature: Decimal | None
    thinking: bool | None
    reasoning_effort: ReasoningEffort | None
    refused: Mapping[str, tuple[str, ...]]

    def sentence(self, deadline_seconds: int) -> str:
        """Return in one line what every competitor is sent, and what none is and why."""
        set_ = {
            "temperature": self.temperature,
            "thinking": None if self.thinking is None else "on" if self.thinking else "off",
            "reasoning effort": self.reasoning_effort,
        }
        told = [f"All competitors get the same prompt, max_tokens {self.max_tokens} and a deadline of {deadline_seconds} s"]
        told += [f"{name} {value}" for name, value in set_.items() if value is not None]
        told += [
            f"no {name} is sent to anyone, because {', '.join(models)} {'refuse' if len(models) > 1 else 'refuses'} it"
            for name, models in self.refused.items()
        ]
        silent = [name for name, value in set_.items() if value is None and name not in self.refused]
        return "; ".join([*told, *([f"no {' or '.join(silent)} is set"] if silent else [])]) + "."


def equal_settings(llms: Iterable[CompetitorSettings]) -> EqualSettings:
    """Return what all of these, whose settings are alike, are sent: a setting that one of them refuses is sent to none.

    In this order, since whether thinking can be said may depend on an effort, and whether a temperature is taken on thinking.
    """
    every = tuple(llms)
    one = every[0]
    refused: dict[str, tuple[str, ...]] = {}

    def withheld(name: str, who: Iterable[CompetitorSettings]) -> bool:
        models = tuple(dict.fromkeys(llm.model for llm in who))
        if models:
            refused[name] = models
        return bool(models)

    effort, thinking, temperature = one.reasoning_effort, one.thinking, one.temperature
    if effort is not None and withheld("reasoning effort", (llm for llm in every if llm.refuses_effort())):
        effort = None
    if thinking is not None and withheld("thinking", (llm for llm in every if llm.refuses_thinking(bool(thinking), effort))):
        thinking = None
    if temperature is not None and withheld("temperature", (llm for llm in every if llm.refuses_temperature(thinking))):
        temperature = None
    return EqualSettings(
        max_tokens=one.max_tokens, temperature=temperature, thinking=thinking, reasoning_effort=effort, refused=refused
    )
