"""Every variable of `.env`, checked before anything starts. Nothing here is built at import."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from arena.application.evidence import EQUAL_SETTINGS
from arena.application.levels import Level
from arena.by_letter import ByLetter
from arena.domain.competitor import LETTERS, AccountMode, Competitor, CompetitorId, Environment, ModelSpec, Provider
from arena.errors import ConfigurationError
from arena.llm_settings import KEY_NAMES, CompetitorSettings, equal_settings
from arena.strategies.playbook import CUSTOM
from arena.strategies.registry import PLAYBOOKS, is_baseline

CONFIG = SettingsConfigDict(
    env_file=".env",
    env_file_encoding="utf-8",
    extra="ignore",
    env_ignore_empty=True,
    dotenv_filtering="only_existing",  # else every line of `.env` that is no field is held against every field: LLM_X_… all are
)


class AccountKeys(BaseModel):
    """LLM_X_BINANCE_…: the key pair of a competitor's own account, with ACCOUNT_MODE=separate."""

    api_key: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")


BY_LETTER: Mapping[str, tuple[str, type[BaseModel]]] = {
    "account_keys": ("binance_", AccountKeys),
    "llms": ("", CompetitorSettings),
}  # field: (after LLM_X_, model)


class AlertSettings(BaseSettings):
    """Where alerts go."""

    model_config = CONFIG

    telegram_bot_token: SecretStr = SecretStr("")
    telegram_chat_id: str = ""
    telegram_notifications_enabled: bool = False
    notify_urls: SecretStr = SecretStr("")
    notify_level: Level = Level.INFO


class VenueSettings(BaseSettings):
    """What is needed to reach the accounts, and nothing that could stand in the way of leaving them."""

    model_config = CONFIG

    environment: Environment = Environment.DEMO
    account_mode: AccountMode = AccountMode.SHARED
    season: str = Field(default="season-1", pattern=r"^[A-Za-z0-9._-]{1,40}$")
    database_path: Path | None = None
    supabase_url: str = ""
    supabase_key: SecretStr = SecretStr("")
    supabase_db_url: SecretStr = SecretStr("")

    binance_testnet_api_key: SecretStr = SecretStr("")
    binance_testnet_secret_key: SecretStr = SecretStr("")
    binance_testnet_base_url: str = "https://demo-fapi.binance.com"
    binance_api_key: SecretStr = SecretStr("")
    binance_secret_key: SecretStr = SecretStr("")
    binance_base_url: str = "https://fapi.binance.com"
    binance_spot_base_url: str = "https://api.binance.com"
    use_testnet: bool = True

    account_keys: dict[str, AccountKeys] = Field(default_factory=dict)  # by letter, from LLM_X_BINANCE_…

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Add what is told by letter; the environment wins over `.env`."""
        assert isinstance(env_settings, EnvSettingsSource) and isinstance(dotenv_settings, EnvSettingsSource)
        values = {**dotenv_settings.env_vars, **{name: text for name, text in env_settings.env_vars.items() if text}}
        return init_settings, env_settings, dotenv_settings, ByLetter(settings_cls, values, BY_LETTER)

    @property
    def season_directory(self) -> Path:
        """What this machine keeps of a season beside its books."""
        return Path("runs") / self.season

    @property
    def contracts_file(self) -> Path:
        """Filters, margin tiers and fees of the season's pairs, as the venue was last asked for them."""
        return self.season_directory / "contracts.json"

    @property
    def judgement_file(self) -> Path:
        """What `arena verdict` has last found of the season."""
        return self.season_directory / "verdict.json"

    @property
    def outboxes(self) -> Path:
        """Where alerts wait until they are sent, a file for each destination."""
        return self.season_directory / "alerts"

    @property
    def halt_file(self) -> Path:
        """While this file exists, no cycle of the season begins and nothing is opened; its text says why."""
        return self.season_directory / "HALT"

    def database(self, season: str = "") -> Path:
        """Return the SQLite file of a season, this one by default: a folder each, unless DATABASE_PATH says otherwise."""
        return self.database_path or Path("runs") / (season or self.season) / "arena.sqlite"


class LimitSettings(VenueSettings):
    """What one competitor may bind, at the account it trades on."""

    initial_balance_per_llm: Decimal = Field(default=Decimal("200.0"), gt=0)
    max_leverage: int = Field(default=5, ge=1, le=125)
    max_open_positions: int = Field(default=5, ge=1)
    max_margin_usage: Decimal = Field(default=Decimal("0.80"), gt=0, le=1)


class Settings(LimitSettings, AlertSettings):
    """The whole configuration; see `.env.example` for what each variable means."""

    debug: bool = False
    mainnet_acknowledgement: str = ""

    claude_api_key: SecretStr = SecretStr("")
    deepseek_api_key: SecretStr = SecretStr("")
    openai_api_key: SecretStr = SecretStr("")

    total_llms: int = Field(default=3, ge=1, le=len(LETTERS))
    available_pairs: Annotated[tuple[str, ...], NoDecode] = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "DOGEUSDT", "XRPUSDT")

    strategy: str = "free"
    strategy_file: Path | None = None

    llm_decision_interval_seconds: int = Field(default=300, ge=10)
    llm_max_decisions_per_hour: int = Field(default=12, ge=1)
    llm_daily_budget_usd: Annotated[Decimal, Field(gt=0)] | None = None
    llm_deadline_seconds: int = Field(default=90, ge=1)

    protection_deadline_seconds: int = Field(default=15, ge=15)
    protection_sweep_seconds: int = Field(default=30, ge=10)

    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8000, ge=1, le=65_535)
    api_token: SecretStr = SecretStr("")
    log_level: str = Field(default="INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")
    log_file_path: Path | None = None

    llms: dict[str, CompetitorSettings] = Field(default_factory=dict)  # by letter, from LLM_X_…

    @field_validator("available_pairs", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return split_pairs(value) if isinstance(value, str) else value

    @field_validator("available_pairs")
    @classmethod
    def _pairs(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or len(set(value)) != len(value) or not all(pair.isalnum() and pair.isascii() for pair in value):
            raise ValueError("name each pair once, separated by commas, such as BTCUSDT,ETHUSDT")
        return value

    @field_validator("strategy")
    @classmethod
    def _playbook(cls, value: str) -> str:
        if value not in (*PLAYBOOKS, CUSTOM):
            raise ValueError(f"there is no playbook {value!r}; there are {', '.join((*PLAYBOOKS, CUSTOM))}")
        return value

    @field_validator("llms", mode="before")
    @classmethod
    def _entered(cls, value: Any) -> Any:
        """Leave out a letter whose provider and model are both not set: it does not compete."""
        return {
            letter: given
            for letter, given in value.items()
            if not isinstance(given, dict) or given.keys() & {"provider", "model"}
        }

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.llm_deadline_seconds >= self.llm_decision_interval_seconds:
            raise ValueError("LLM_DEADLINE_SECONDS must be less than LLM_DECISION_INTERVAL_SECONDS")
        for field in EQUAL_SETTINGS:
            self._only_models_differ(field, f"LLM_X_{field.upper()}")
        self._seeds_for_all_or_none()
        return self

    def _only_models_differ(self, field: str, variable: str) -> None:
        values = {letter: getattr(llm, field) for letter, llm in self.llms.items()}
        if len(set(values.values())) > 1:
            shown = ", ".join(f"{letter}: {value}" for letter, value in sorted(values.items()))
            raise ValueError(
                f"{variable} must be the same for all competitors (only provider and model may differ), but is {shown}"
            )

    def _seeds_for_all_or_none(self) -> None:
        """A seed is chance, not a setting: it may differ, but nobody plays with dice that others do not have."""
        seeded = [letter for letter, llm in sorted(self.llms.items(), key=in_order) if llm.seed is not None]
        if claude := [letter for letter in seeded if self.llms[letter].provider is Provider.CLAUDE]:
            raise ValueError(f"LLM_{claude[0]}_SEED is set, but Claude's API takes no seed: leave LLM_X_SEED empty for everybody")
        if seeded and len(seeded) < len(self.llms):
            raise ValueError(f"LLM_X_SEED must be set for all competitors or for none, but only {', '.join(seeded)} has one")

    def competitors(self) -> tuple[Competitor, ...]:
        """Return the season's competitors, by letter, under equal settings.

        Raises:
            ConfigurationError: There are not as many as TOTAL_LLMS says.
        """
        if len(self.llms) != self.total_llms:
            raise ConfigurationError(
                f"TOTAL_LLMS is {self.total_llms}, but LLM_X_PROVIDER and LLM_X_MODEL are set for {len(self.llms)}: "
                "make them agree in .env (see .env.example)"
            )
        equal = equal_settings(self.llms.values())
        return tuple(
            Competitor(
                llm_id=CompetitorId(f"LLM-{letter}"),
                model=ModelSpec(
                    provider=llm.provider,
                    model=llm.model,
                    max_tokens=equal.max_tokens,
                    temperature=equal.temperature,
                    thinking=equal.thinking,
                    reasoning_effort=equal.reasoning_effort,
                    base_url=llm.base_url,
                    seed=llm.seed,
                    baseline=is_baseline(llm.model),
                ),
                capital=self.initial_balance_per_llm,
            )
            for letter, llm in sorted(self.llms.items(), key=in_order)
        )

    def equal_settings(self) -> str:
        """Return in one line what every competitor is sent, and what none is and why."""
        told = equal_settings(self.llms.values()).sentence(self.llm_deadline_seconds)
        dice = [f"{letter} {llm.seed}" for letter, llm in sorted(self.llms.items(), key=in_order) if llm.seed is not None]
        return f"{told[:-1]}; seeds, which are chance and no setting: {', '.join(dice)}." if dice else told

    def model_key(self, competitor: Competitor) -> tuple[str, SecretStr]:
        """Return a competitor's own key, or else its provider's, and the variable that holds it; empty where neither is set."""
        own = self.llms[competitor.letter].api_key
        if own.get_secret_value():
            return f"LLM_{competitor.letter}_API_KEY", own
        provider = competitor.model.provider
        keys = {
            Provider.CLAUDE: self.claude_api_key,
            Provider.DEEPSEEK: self.deepseek_api_key,
            Provider.OPENAI: self.openai_api_key,
        }
        return KEY_NAMES[provider], keys[provider]


def in_order(told: tuple[str, object]) -> int:
    """Return where a (letter, …) stands among the letters."""
    return LETTERS.index(told[0])


class WrittenPairs(VenueSettings):
    """AVAILABLE_PAIRS as a plain text, which nothing can be wrong with."""

    available_pairs: str = ",".join(Settings.model_fields["available_pairs"].default)


def split_pairs(text: str) -> tuple[str, ...]:
    """Return the symbols of a list such as `btcusdt, ETHUSDT`, in capitals."""
    return tuple(part.strip().upper() for part in text.split(",") if part.strip())
