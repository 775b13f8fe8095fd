"""Every way in which asking a model fails, in the arena's words.

The sentences name the setting to change and never carry the key: what a provider says about a key is not quoted at all, and what
it says about anything else is cut short and cleared of it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import ModuleType
from typing import Any, TypeVar

from pydantic import SecretStr

from arena.application.language_model import Completion
from arena.errors import ModelFault
from arena.redaction import BLOT, redacted

T = TypeVar("T")

TRANSIENT = frozenset({"timeout", "overloaded", "rate_limited", "connection", "server_error", "empty"})
_QUOTED_LENGTH = 200
NO_SUCH_PAGE = (404, 405, 501)
_LONGEST_WAIT = timedelta(days=1)  # a longer wish is a defect of the provider
_KIND_OF_STATUS = {
    401: "authentication",
    402: "quota",  # DeepSeek: insufficient balance
    403: "authentication",
    408: "timeout",
    409: "server_error",
    429: "rate_limited",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",  # Anthropic's own
}
# Causes that hide behind a general status: by the provider's code, or by words where it gives none.
_KIND_OF_CODE = {
    "insufficient_quota": "quota",  # OpenAI, with 429
    "billing_error": "quota",  # Anthropic
    "content_filter": "refused",
    "invalid_prompt": "refused",  # OpenAI, with 400
    "model_not_found": "unknown_model",
}
_KIND_OF_WORDS = {
    "credit balance is too low": "quota",  # Anthropic, with 400
    "content exists risk": "refused",  # DeepSeek, with 400
    "model not exist": "unknown_model",  # DeepSeek, with 400
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Makes the faults of one competitor's model.

    Attributes:
        model: As configured.
        key_name: The variable that holds the key.
        key: Known here only to be cut out of what a provider says.
        base_url: None for the provider's own endpoint.
    """

    model: str
    key_name: str
    key: SecretStr
    base_url: str | None

    async def translated(self, call: Awaitable[T], seconds: float, sdk: ModuleType) -> T:
        """Await one call of an SDK, bounded as a whole: the SDK's own timeout starts anew with every byte.

        Args:
            call: Of either SDK; both come from the same generator and name their exceptions alike.
            seconds: After which the answer is no longer waited for.
            sdk: The module `anthropic` or `openai`.

        Raises:
            ModelFault
        """
        try:
            async with asyncio.timeout(seconds):
                return await call
        except (TimeoutError, sdk.APITimeoutError):
            raise self._fault("timeout", f"{self.model} did not answer within {seconds:.0f} s") from None
        except sdk.APIStatusError as error:
            raise self._status(error.status_code, error.response.headers, error.body, error.request_id) from None
        except sdk.APIError:
            where = f" at {self.base_url} (LLM_X_BASE_URL)" if self.base_url else ""
            raise self._fault("connection", f"the connection to {self.model}{where} failed") from None

    async def listed(self, client: Any, seconds: float, sdk: ModuleType) -> tuple[str, ...] | None:
        """Return the ids of the models that an SDK's client can reach; both SDKs page through them alike.

        None where a compatible server has no list, or one of a form of its own.

        Raises:
            ModelFault
        """

        async def names() -> tuple[str, ...] | None:
            try:
                return tuple([model.id async for model in client.models.list(timeout=seconds)])
            except sdk.APIStatusError as error:
                if self.base_url is not None and error.status_code in NO_SUCH_PAGE:
                    return None
                raise
            except (AttributeError, TypeError, ValueError):  # the SDKs do not check what they read
                return None

        return await self.translated(names(), seconds, sdk)

    def refused(self, answered: Completion) -> ModelFault:
        """The model or a filter of its provider declined to answer."""
        return self._fault("refused", f"{self.model} declined to answer", answered=answered)

    def empty(self, answered: Completion) -> ModelFault:
        """An answer without text."""
        return self._fault("empty", f"{self.model} answered nothing", answered=answered)

    def spent(self, max_tokens: int, answered: Completion) -> ModelFault:
        """Nothing was left of the tokens for an answer; asking again would only spend them again."""
        sentence = f"{self.model} spent all of LLM_X_MAX_TOKENS ({max_tokens}) before it answered: raise it for all competitors"
        return self._fault("empty", sentence, answered=answered, transient=False)

    def overloaded(self, answered: Completion) -> ModelFault:
        """The provider broke an answer off for lack of resources."""
        return self._fault(
            "overloaded", f"{self.model} broke off its answer, since its provider is overloaded", answered=answered
        )

    def unreadable(self, request_id: str | None) -> ModelFault:
        """A success whose body is no completion."""
        return self._fault("server_error", f"what {self.model} sent is not an answer of its API", request_id)

    def _status(self, code: int, headers: Mapping[str, str], body: object, request_id: str | None) -> ModelFault:
        error = _error_of(body)
        said = str(error.get("message") or "")
        kind = _kind(code, error, said)
        if kind == "unknown_model":
            also = " or LLM_X_BASE_URL" if self.base_url else ""
            sentence = f"the provider does not know the model {self.model!r}: change LLM_X_MODEL{also}"
            return self._fault("bad_request", sentence, request_id)
        sentence = {
            "authentication": f"{self.key_name} was refused by the provider"
            if code == 401
            else f"the provider denies {self.key_name} the use of {self.model}",
            "quota": f"the account of {self.key_name} has no credit left",
            "refused": f"the provider of {self.model} declined the prompt",
            "rate_limited": f"the provider of {self.model} asks to slow down",
            "overloaded": f"the provider of {self.model} is overloaded ({code})",
            "timeout": f"the provider of {self.model} ran out of time ({code})",
            "server_error": f"the provider of {self.model} failed ({code})",
            "bad_request": f"the provider of {self.model} refused the request ({code}): {self._quoted(said)}",
        }[kind]
        return self._fault(kind, sentence, request_id, retry_after=_retry_after(headers))

    def _quoted(self, text: str) -> str:
        secret = self.key.get_secret_value()
        shown = " ".join(redacted(text.replace(secret, BLOT) if secret else text).split())
        return shown[:_QUOTED_LENGTH] or "no reason given"

    def _fault(
        self,
        kind: str,
        sentence: str,
        request_id: str | None = None,
        *,
        transient: bool | None = None,
        retry_after: timedelta | None = None,
        answered: Completion | None = None,
    ) -> ModelFault:
        again = kind in TRANSIENT if transient is None else transient
        return ModelFault(
            sentence,
            kind=kind,
            transient=again,
            request_id=answered.request_id if answered else request_id,
            retry_after=retry_after if again else None,
            completion=answered,
        )


def _error_of(body: object) -> Mapping[str, Any]:
    """Return the error object; anthropic keeps the envelope around it, openai takes it off."""
    if not isinstance(body, Mapping):
        return {}
    inner = body.get("error", body)
    return inner if isinstance(inner, Mapping) else {"message": inner}


def _kind(status: int, error: Mapping[str, Any], said: str) -> str:
    for field in ("code", "type"):
        if (kind := _KIND_OF_CODE.get(str(error.get(field)))) is not None:
            return kind
    for words, kind in _KIND_OF_WORDS.items():
        if words in said.lower():
            return kind
    if status == 404:
        return "unknown_model"
    return _KIND_OF_STATUS.get(status, "server_error" if status >= 500 else "bad_request")


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Return the provider's wish: milliseconds, seconds or an HTTP date; None for anything else."""
    for name, seconds_per_unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * seconds_per_unit
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return timedelta(seconds=min(seconds, _LONGEST_WAIT.total_seconds()))
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(aware - datetime.now(UTC), timedelta(0)), _LONGEST_WAIT)
