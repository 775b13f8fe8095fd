"""Who competes, over what, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from string import ascii_uppercase
from typing import NewType

CompetitorId = NewType("CompetitorId", str)  # "LLM-A"
SeasonId = NewType("SeasonId", str)
AccountId = NewType("AccountId", str)  # one account at the venue: "shared", or the id of the competitor that has it alone

SHARED_ACCOUNT = AccountId("shared")
REPLAY = "replay of "  # how the market of a season in the past begins, see `Season.market`
LETTERS = tuple(first + letter for first in ("", *"ABC") for letter in ascii_uppercase)  # A to Z, AA to AZ, ... CZ, in this order


class Environment(StrEnum):
    """Whose money is at stake."""

    DEMO = "demo"  # the simulator's
    PAPER = "paper"  # nobody's: live prices, own matching
    TESTNET = "testnet"
    MAINNET = "mainnet"


class AccountMode(StrEnum):
    """How the competitors' capital is kept apart."""

    SHARED = "shared"  # one account, a ledger for each competitor
    SEPARATE = "separate"  # an account for each competitor


class Provider(StrEnum):
    """Whose API a model is asked through; any OpenAI-compatible server is `openai` with a base URL."""

    CLAUDE = "claude"
    DEEPSEEK = "deepseek"
    OPENAI = "openai"


class ReasoningEffort(StrEnum):
    """How much a model is asked to think, in the words that all providers share."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """The one thing in which competitors may differ is `provider` and `model`; the settings are the season's.

    Attributes:
        max_tokens: Upper bound of an answer, tokens.
        temperature, thinking, reasoning_effort: None where it is sent to nobody.
        base_url: None for the provider's own endpoint.
        seed: Of the server's dice, where it takes one; chance, not a setting: it may differ.
        baseline: Whether a deterministic rule answers instead of a language model.
    """

    provider: Provider
    model: str
    max_tokens: int
    temperature: Decimal | None
    base_url: str | None
    seed: int | None = None
    baseline: bool = False
    thinking: bool | None = None
    reasoning_effort: ReasoningEffort | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Competitor:
    """One model with its own capital (USDT)."""

    llm_id: CompetitorId
    model: ModelSpec
    capital: Decimal

    @property
    def letter(self) -> str:
        """The X of LLM_X, one of `LETTERS`, part of every client order id."""
        return self.llm_id.removeprefix("LLM-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """A contest: the same symbols, cadence and rules for all its competitors.

    Attributes:
        market: Where the prices come from, in words ("Binance testnet", "generated market, seed 7").
        settings: What every competitor was sent, and what none was, in words.
        strategy: Name and version of the playbook.
    """

    season_id: SeasonId
    started_at: datetime
    symbols: tuple[str, ...]
    interval_seconds: int
    competitors: tuple[Competitor, ...]
    market: str
    settings: str
    environment: Environment = Environment.DEMO
    account_mode: AccountMode = AccountMode.SHARED
    strategy: str = "free 1"

    @property
    def replayed(self) -> bool:
        """Whether it is played in a market's past."""
        return self.market.startswith(REPLAY)

    def account_of(self, llm_id: CompetitorId) -> AccountId:
        """Return the account that a competitor trades on."""
        return SHARED_ACCOUNT if self.account_mode is AccountMode.SHARED else AccountId(llm_id)

    def accounts(self) -> dict[AccountId, tuple[CompetitorId, ...]]:
        """Return the accounts with the competitors that trade on each."""
        found: dict[AccountId, tuple[CompetitorId, ...]] = {}
        for competitor in self.competitors:
            account = self.account_of(competitor.llm_id)
            found[account] = (*found.get(account, ()), competitor.llm_id)
        return found
