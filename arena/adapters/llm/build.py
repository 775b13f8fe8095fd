"""Which adapter asks which model. The SDKs are slow to import and are loaded for the competitors that need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr

from arena.adapters.llm.faults import Faults
from arena.adapters.llm.prices import OwnPrices, load_prices
from arena.domain.competitor import ModelSpec, Provider
from arena.errors import ConfigurationError

if TYPE_CHECKING:
    from arena.adapters.llm.claude import ClaudeModel
    from arena.adapters.llm.openai import OpenAIModel


NO_KEY = SecretStr("none")  # the SDKs send one in any case; a local server does not look at it


def build_model(
    spec: ModelSpec, api_key: SecretStr | str, key_name: str = "", prices: OwnPrices | None = None
) -> ClaudeModel | OpenAIModel:
    """Return the model of `spec`, ready to be asked; its `close` gives the connections back.

    Args:
        spec: Baselines too: they are asked over HTTP like everybody else.
        api_key: The provider's or the competitor's; may be empty for a server at `base_url`.
        key_name: The variable that holds it; the provider's where left out.
        prices: Where the price list is not to be asked.

    Raises:
        ConfigurationError: A temperature for Claude, a key that cannot be one, a base URL that is none.
    """
    key = api_key if isinstance(api_key, SecretStr) else SecretStr(api_key)
    key_name = key_name or f"{spec.provider.upper()}_API_KEY"
    if spec.base_url is not None and not key.get_secret_value():
        key = NO_KEY
    _check(spec, key, key_name)
    if not spec.baseline and prices is None:
        load_prices()
    faults = Faults(model=spec.model, key_name=key_name, key=key, base_url=spec.base_url)
    if spec.provider is Provider.CLAUDE:
        from arena.adapters.llm.claude import ClaudeModel

        return ClaudeModel(spec, key, faults, prices)
    from arena.adapters.llm.openai import OpenAIModel

    return OpenAIModel(spec, key, faults, prices)


def _check(spec: ModelSpec, key: SecretStr, key_name: str) -> None:
    text = key.get_secret_value()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        # Any of these fails deep inside the SDK, with the key in the exception.
        raise ConfigurationError(f"{key_name} is empty or holds characters that no key has: copy it again")
    if spec.base_url is not None and not spec.base_url.startswith(("http://", "https://")):
        raise ConfigurationError(f"LLM_X_BASE_URL of {spec.model} must begin with http:// or https://")
    if spec.provider is Provider.CLAUDE and spec.temperature is not None:
        raise ConfigurationError(
            f"{spec.model} takes no temperature: leave LLM_X_TEMPERATURE empty for all competitors, so that none gets one"
        )
