"""Reading the settings from the environment and from `.env`; what is wrong with them is one sentence."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import BaseSettings

from arena.errors import ConfigurationError
from arena.logs import redact_logs
from arena.redaction import keep_secret
from arena.settings import AlertSettings, LimitSettings, Settings, VenueSettings, WrittenPairs, split_pairs
from arena.strategies.custom import WrongPlaybook, custom_playbook
from arena.strategies.playbook import CUSTOM, Playbook
from arena.strategies.registry import BASELINES, PLAYBOOKS, lacks, rule_of

AnySettings = TypeVar("AnySettings", bound=BaseSettings)


def load_settings(env_file: Path | None = None) -> Settings:
    """Read the settings from the environment and, for what is not set there, from a file.

    Args:
        env_file: `.env` where left out, or what ARENA_ENV_FILE names.

    Raises:
        ConfigurationError: One sentence naming each variable that is missing or wrong; never a value that may be secret.
    """
    return _load(Settings, env_file)


def load_venue_settings(env_file: Path | None = None) -> VenueSettings:
    """Read what reaching the account needs; whatever else is wrong in `.env` does not matter.

    Raises:
        ConfigurationError: As `load_settings`.
    """
    return _load(VenueSettings, env_file)


def load_alert_settings(env_file: Path | None = None) -> AlertSettings:
    """Read where alerts go, whatever else is wrong in `.env`.

    Raises:
        ConfigurationError: As `load_settings`.
    """
    return _load(AlertSettings, env_file)


def load_limit_settings(env_file: Path | None = None) -> LimitSettings:
    """Read what sizes a competitor's orders; models, store and AVAILABLE_PAIRS do not matter.

    Raises:
        ConfigurationError: As `load_settings`.
    """
    return _load(LimitSettings, env_file)


def load_playbook(settings: Settings) -> Playbook:
    """Return the season's playbook: STRATEGY's, or with STRATEGY=custom that of the user's files.

    Raises:
        ConfigurationError: The files cannot be used, or a baseline competes that needs to see what the playbook does not show.
    """
    playbook = _custom(settings.strategy_file) if settings.strategy == CUSTOM else PLAYBOOKS[settings.strategy]
    for letter, llm in settings.llms.items():
        rule = rule_of(llm.model)
        if rule is not None and (missing := lacks(rule, playbook)):
            raise ConfigurationError(
                f"the baseline {rule} (LLM_{letter}_MODEL) needs {', '.join(sorted(missing))}, which "
                f"STRATEGY={settings.strategy} does not show: let another rule compete, or set STRATEGY={rule}"
            )
    return playbook


def _custom(brief: Path | None) -> Playbook:
    if brief is None:
        raise ConfigurationError(
            "STRATEGY=custom needs STRATEGY_FILE: a brief in Markdown, and beside it a TOML file of that name"
        )
    table = brief.with_suffix(".toml")
    try:
        return custom_playbook(brief.read_text(encoding="utf-8"), table.read_text(encoding="utf-8"), BASELINES)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the files of STRATEGY_FILE ({brief}, {table}) cannot be read ({error})") from error
    except WrongPlaybook as error:
        raise ConfigurationError(f"the playbook of STRATEGY_FILE ({brief}, {table.name}) cannot be used: {error}") from None


def written_pairs(env_file: Path | None = None) -> tuple[str, ...]:
    """Return AVAILABLE_PAIRS as it is written, with whatever is named twice or misspelt; the default where it is not set."""
    return split_pairs(_load(WrittenPairs, env_file).available_pairs)


def environment_file() -> Path:
    """Return the file that the settings are read from: `.env`, or what ARENA_ENV_FILE names."""
    return Path(os.environ.get("ARENA_ENV_FILE", ".env"))


def _load(kind: type[AnySettings], env_file: Path | None) -> AnySettings:
    path = env_file or environment_file()
    try:
        settings = kind(_env_file=path)
    except ValidationError as error:
        raise ConfigurationError(_sentence(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read as text in UTF-8 ({error})") from error
    keep_secret(_secrets(settings))
    redact_logs()
    return settings


def _secrets(value: object) -> Iterator[str]:
    """Yield every secret of the settings, however deep it is."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        yield from _secrets(dict(value))
    elif isinstance(value, Mapping):
        yield from _secrets(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _secrets(each)


def _sentence(error: ValidationError) -> str:
    faults = []
    for fault in error.errors(include_url=False, include_input=False):
        location = fault["loc"]
        if location and location[0] == "llms":
            variable = f"LLM_{location[1]}_{str(location[2]).upper()}: " if len(location) > 2 else ""
        else:
            variable = f"{str(location[0]).upper()}: " if location else ""
        what = "is missing" if fault["type"] == "missing" else fault["msg"].removeprefix("Value error, ")
        faults.append(f"{variable}{what}")
    return f"The configuration cannot be used. {'; '.join(faults)}. Change it in .env (see .env.example)."
