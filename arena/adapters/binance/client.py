"""One connection to Binance USD-M futures: signing and transport by python-binance, clock and faults here.

python-binance has no retries and no limits of its own, and takes its clock offset from the spot host. This wrapper aims it at any
futures host, keeps the clock in step with the futures server, and turns every failure into an `ArenaError`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from binance import AsyncClient
from binance.exceptions import BinanceAPIException, BinanceRequestException

from arena.errors import ConfigurationError, ExchangeError, ExchangeUnavailable, ExecutionUnknown, RateLimited

REQUEST_TIMEOUT_SECONDS = 10
_CLOCK = -1021
_KEYS = frozenset({-1022, -2008, -2014, -2015})
_TOO_MANY = frozenset({-1003, -1015})
_NOT_EXECUTED = frozenset({-1008})  # overloaded: refused before it reached the engine
_UNKNOWN = frozenset({-1006, -1007})
_FAILED_503 = ("Service Unavailable.", "Internal error; unable to process your request. Please try again.")


class VenueRefusal(ExchangeError):
    """The venue understood and said no: `code` and `message` are its own. Stays inside this package."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"Binance refused with {code}: {message}")
        self.code = code
        self.message = message


class FuturesClient:
    """python-binance's AsyncClient for one key on one futures host.

    Args:
        base_url: Scheme and host, such as `https://demo-fapi.binance.com`; the path `/fapi` is added.
        api_key, api_secret: Empty for public endpoints only.
        key_name: The setting that holds the key, for error sentences.

    Attributes:
        base_url: Scheme and host.
        used_weight: Request weight of the running minute, as of the last answer.
    """

    def __init__(self, base_url: str, api_key: str = "", api_secret: str = "", key_name: str = "the Binance API key") -> None:
        self._client = AsyncClient(api_key or None, api_secret or None, requests_params={"timeout": REQUEST_TIMEOUT_SECONDS})
        self._client.FUTURES_URL = base_url.rstrip("/") + "/fapi"
        self.base_url = base_url
        self._key_name = key_name
        self.used_weight = 0

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close_connection()

    async def synchronise(self) -> datetime:
        """Take the clock offset from the futures server and return its time, UTC."""
        sent = time.time()
        answer = await self._once("futures_time", {}, writes=False)
        server_ms = int(answer["serverTime"])
        self._client.timestamp_offset = server_ms - int((sent + time.time()) / 2 * 1000)
        return from_ms(server_ms)

    async def read(self, method: str, **params: Any) -> Any:
        """Call a method that changes nothing; a clock fault re-synchronises and repeats once.

        Raises:
            VenueRefusal, ExchangeUnavailable, RateLimited, ConfigurationError
        """
        return await self._call(method, params, writes=False)

    async def write(self, method: str, **params: Any) -> Any:
        """Call a method that changes the account, once; a clock fault re-synchronises and repeats, since it executed nothing.

        Raises:
            ExecutionUnknown: It may or may not have been executed.
            VenueRefusal, ExchangeUnavailable, RateLimited, ConfigurationError: It was not.
        """
        return await self._call(method, params, writes=True)

    async def _call(self, method: str, params: dict[str, Any], *, writes: bool) -> Any:
        try:
            return await self._once(method, params, writes=writes)
        except VenueRefusal as refusal:
            if refusal.code != _CLOCK:
                raise
        await self.synchronise()
        return await self._once(method, params, writes=writes)

    async def _once(self, method: str, params: dict[str, Any], *, writes: bool) -> Any:
        uncertain: type[ExchangeError] = ExecutionUnknown if writes else ExchangeUnavailable
        try:
            answer = await getattr(self._client, method)(**params)
        except BinanceAPIException as error:
            raise self._translated(error, uncertain) from None
        except TimeoutError:
            raise uncertain(f"{self.base_url} did not answer within {REQUEST_TIMEOUT_SECONDS} s") from None
        except aiohttp.ClientConnectorError:
            raise ExchangeUnavailable(f"{self.base_url} cannot be reached") from None
        except (aiohttp.ClientError, BinanceRequestException) as error:
            raise uncertain(f"{self.base_url} broke off its answer ({type(error).__name__})") from None
        self._note_weight()
        return answer

    def _note_weight(self) -> None:
        response = self._client.response
        if response is not None:
            self.used_weight = int(response.headers.get("X-MBX-USED-WEIGHT-1M", self.used_weight))

    def _translated(self, error: BinanceAPIException, uncertain: type[ExchangeError]) -> ExchangeError | ConfigurationError:
        code, message, status = int(error.code or 0), str(error.message), int(error.status_code)
        if status in (418, 429) or code in _TOO_MANY:
            after = getattr(error.response, "headers", {}).get("Retry-After")
            pause = timedelta(seconds=float(after)) if after else None
            return RateLimited(f"Binance asks to slow down ({status}, {code})", retry_after=pause, banned=status == 418)
        if code in _KEYS:
            return ConfigurationError(
                f"{self._key_name} was refused by {self.base_url} with {code}: check key, secret and permissions"
            )
        if code in _NOT_EXECUTED or (status == 503 and message in _FAILED_503):
            return ExchangeUnavailable(f"Binance is overloaded ({status}, {code}) and executed nothing")
        if code in _UNKNOWN or status >= 500:
            return uncertain(f"Binance answered {status} ({code})")
        return VenueRefusal(code, message)


def from_ms(milliseconds: int) -> datetime:
    """Return a venue time as aware UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def to_ms(moment: datetime) -> int:
    """Return an aware time as the venue writes it."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
