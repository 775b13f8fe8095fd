"""Every fault the arena raises.

Expected outcomes (an invalid answer, a risk rejection, a refused order) are values, not exceptions.

    ArenaError
    ├── ConfigurationError        a setting, key or file must be changed by the user
    ├── MarketDataError           the market could not be read, or what was read cannot be trusted
    ├── ExchangeError             the venue failed
    │   ├── ExchangeUnavailable   no answer, or a refusal to serve; nothing was executed
    │   │   └── AccountTaken      another run acts on the account now; nothing was sent
    │   ├── RateLimited           the venue asks to slow down
    │   └── ExecutionUnknown      an order may or may not have landed; look its client id up
    ├── ModelFault                a language model gave no usable completion
    └── RecordsError              the store failed
        ├── RecordsUnavailable    no answer from the store; the same is to be written again
        └── CycleConflict         another run has already booked this cycle, differently
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from arena.redaction import redacted


class ArenaError(Exception):
    """Base of all faults; its text is one sentence a user can act on, and holds no secret, whoever is quoted in it."""

    def __init__(self, message: str = "") -> None:
        super().__init__(redacted(message))


class ConfigurationError(ArenaError):
    """A setting, key or file must be changed by the user; the sentence names it."""


class MarketDataError(ArenaError):
    """The market could not be read, or what was read cannot be trusted."""


class ExchangeError(ArenaError):
    """The venue failed."""


class ExchangeUnavailable(ExchangeError):
    """No answer, or a refusal to serve; nothing was executed."""


class AccountTaken(ExchangeUnavailable):
    """Another run acts on the season's accounts now, or took over from this one; nothing was sent."""


class RateLimited(ExchangeError):
    """The venue asks to slow down.

    Attributes:
        retry_after: How long to stay silent; None where the venue did not say.
        banned: The address is banned (HTTP 418): every further request prolongs it.
    """

    def __init__(self, message: str, *, retry_after: timedelta | None = None, banned: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.banned = banned


class ExecutionUnknown(ExchangeError):
    """An order may or may not have landed, and looking its client id up did not tell."""


class ModelFault(ArenaError):
    """A language model gave no usable completion.

    Attributes:
        kind: One of `timeout`, `overloaded`, `rate_limited`, `connection`, `server_error`, `bad_request`, `authentication`,
            `quota`, `refused`, `empty`, `late`; recorded as the reason of a `NoAnswer`.
        transient: Whether asking again may help.
        retry_after: The provider's wish, where it gave one.
        request_id: The provider's id of the failed request, where it gave one.
        completion: What was answered all the same and must be paid for, such as a refusal: a `ports.Completion`, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        transient: bool,
        retry_after: timedelta | None = None,
        request_id: str | None = None,
        completion: Any = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.transient = transient
        self.retry_after = retry_after
        self.request_id = request_id
        self.completion = completion


class RecordsError(ArenaError):
    """The store failed; nothing of the unit of work was kept."""


class RecordsUnavailable(RecordsError):
    """No answer from the store: what was written may be there or not, and writing it again does no harm."""


class CycleConflict(RecordsError):
    """Another run has already booked this cycle, with other contents."""
