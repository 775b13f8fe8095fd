"""Reading the settings from the environment and from `.env`; what is wrong with them is one sentence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from arena.errors import ConfigurationError
from arena.settings import AlertSettings, LimitSettings, Settings, VenueSettings, WrittenPairs, split_pairs

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


def written_pairs(env_file: Path | None = None) -> tuple[str, ...]:
    """Return AVAILABLE_PAIRS as it is written, with whatever is named twice or misspelt; the default where it is not set."""
    return split_pairs(_load(WrittenPairs, env_file).available_pairs)


def environment_file() -> Path:
    """Return the file that the settings are read from: `.env`, or what ARENA_ENV_FILE names."""
    return Path(os.environ.get("ARENA_ENV_FILE", ".env"))


def _load(kind: type[AnySettings], env_file: Path | None) -> AnySettings:
    path = env_file or environment_file()
    try:
        return kind(_env_file=path)
    except ValidationError as error:
        raise ConfigurationError(_sentence(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read as text in UTF-8 ({error})") from error


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
