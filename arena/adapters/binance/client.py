"""One connection to Binance USD-M futures: signing and transport by python-binance, clock, limits and faults here.

python-binance has no retries and no limits of its own, and takes its clock offset from the spot host. This wrapper aims it at any
futures host, keeps the clock in step with the futures server, stays within the limits, and turns every failure into an
`ArenaError`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from binance import AsyncClient
from binance.exceptions import BinanceAPIException, BinanceRequestException

from arena.adapters.binance.limits import LONGEST_WAIT_SECONDS, ORDERS, Pace, RequestBudget
from arena.errors import ConfigurationError, ExchangeError, ExchangeUnavailable, ExecutionUnknown, RateLimited
from arena.redaction import redacted

TIMEOUT_SECONDS = 5.0
READ_PAUSES = (0.2, 0.8)  # seconds; what changes nothing is asked again
RECV_WINDOW_MS = 5000  # less than an unknown order is looked for, so that it cannot land after it was given up
_PAUSES = (1.0, 2.0, 4.0)  # seconds after a 429 that does not say how long
_CLOCK = -1021
_KEYS = frozenset({-1022, -2008, -2014, -2015})
_TOO_MANY = frozenset({-1003, -1015})
_NOT_EXECUTED = frozenset({-1008})  # overloaded: refused before it reached the engine
_UNKNOWN = frozenset({-1006, -1007})
_FAILED_503 = ("Service Unavailable.", "Internal error; unable to process your request. Please try again.")
_ORDERS = "futures_create_order"
WEIGHT_HEADER = "X-MBX-USED-WEIGHT-1M"


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
        budget: Shared by all clients of this address; one of its own where left out.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str = "",
        api_secret: str = "",
        key_name: str = "the Binance API key",
        budget: RequestBudget | None = None,
        spot_url: str = "",
    ) -> None:
        self.budget = budget or RequestBudget()
        self._client = _Listening(api_key or None, api_secret or None)
        self._client.budget = self.budget
        self._client.FUTURES_URL = base_url.rstrip("/") + "/fapi"
        self._client.MARGIN_API_URL = (spot_url or base_url).rstrip("/") + "/sapi"
        self._client.REQUEST_RECVWINDOW = RECV_WINDOW_MS
        self.base_url = base_url
        self._key_name = key_name
        self._pace = Pace(ORDERS)

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close_connection()

    async def synchronise(self) -> datetime:
        """Take the clock offset from the futures server and return its time, UTC."""
        sent = time.time()
        answer = await self.read("futures_time")
        server_ms = int(answer["serverTime"])
        self._client.timestamp_offset = server_ms - int((sent + time.time()) / 2 * 1000)
        return from_ms(server_ms)

    async def read(self, method: str, **params: Any) -> Any:
        """Call a method that changes nothing; it is repeated after a fault that may pass.

        Raises:
            VenueRefusal, ExchangeUnavailable, RateLimited, ConfigurationError
        """
        for pause in READ_PAUSES:
            try:
                return await self._call(method, params, writes=False)
            except ExchangeUnavailable:
                await asyncio.sleep(pause)
        return await self._call(method, params, writes=False)

    async def write(self, method: str, **params: Any) -> Any:
        """Call a method that changes the account, once; repeated only after a 429 or a clock fault, which execute nothing.

        Raises:
            ExecutionUnknown: It may or may not have been executed.
            VenueRefusal, ExchangeUnavailable, RateLimited, ConfigurationError: It was not.
        """
        return await self._call(method, params, writes=True)

    async def _call(self, method: str, params: dict[str, Any], *, writes: bool) -> Any:
        try:
            return await self._patiently(method, params, writes=writes)
        except VenueRefusal as refusal:
            if refusal.code != _CLOCK:
                raise
        await self.synchronise()
        return await self._patiently(method, params, writes=writes)

    async def _patiently(self, method: str, params: dict[str, Any], *, writes: bool) -> Any:
        """Call within the limits; on 429 all clients of this address wait, on 418 they fall silent."""
        for pause in (*_PAUSES, None):
            await self.budget.admit(method, params)
            if method == _ORDERS:
                await self._pace.admit()
            try:
                return await self._once(method, dict(params), writes=writes)
            except RateLimited as fault:
                if fault.banned:
                    self.budget.ban(fault.retry_after)
                    raise
                wait = fault.retry_after.total_seconds() if fault.retry_after else pause
                if pause is None or wait is None or wait > LONGEST_WAIT_SECONDS:
                    raise
                self.budget.slow_down(wait)
        raise AssertionError("unreachable: the last round raises")

    async def _once(self, method: str, params: dict[str, Any], *, writes: bool) -> Any:
        uncertain: type[ExchangeError] = ExecutionUnknown if writes else ExchangeUnavailable
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await getattr(self._client, method)(**params)
        except BinanceAPIException as error:
            raise self._translated(error, uncertain) from None
        except TimeoutError:
            raise uncertain(f"{self.base_url} did not answer within {TIMEOUT_SECONDS:g} s") from None
        except aiohttp.ClientConnectorError:
            raise ExchangeUnavailable(f"{self.base_url} cannot be reached") from None
        except (aiohttp.ClientError, BinanceRequestException, OSError) as error:
            raise uncertain(f"{self.base_url} broke off its answer ({type(error).__name__})") from None

    def _translated(self, error: BinanceAPIException, uncertain: type[ExchangeError]) -> ExchangeError | ConfigurationError:
        code, message, status = int(error.code or 0), redacted(str(error.message)), int(error.status_code)
        if status in (418, 429) or code in _TOO_MANY:
            pause = _pause(getattr(error.response, "headers", {}))
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


class _Listening(AsyncClient):  # type: ignore[misc]  # python-binance is not typed
    """Reads the used weight off every answer, errors included; python-binance keeps only the last answer of all."""

    budget: RequestBudget

    async def _handle_response(self, response: aiohttp.ClientResponse) -> Any:
        used = response.headers.get(WEIGHT_HEADER, "")
        if used.isdigit():
            self.budget.note(int(used))
        return await super()._handle_response(response)


def _pause(headers: Mapping[str, str]) -> timedelta | None:
    try:
        return timedelta(seconds=float(headers["Retry-After"]))
    except (KeyError, ValueError):
        return None


def from_ms(milliseconds: int) -> datetime:
    """Return a venue time as aware UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def to_ms(moment: datetime) -> int:
    """Return an aware time as the venue writes it."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
