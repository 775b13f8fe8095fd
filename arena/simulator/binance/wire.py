"""Parameters as they come and numbers as they go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import TypeVar

from arena.simulator.binance.refusals import WireError, illegal, invalid, missing

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,20})?")
_LEGAL_NUMBER = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"  # Binance's, whose longest whole part would not be exact here
_ENUM_REFUSALS = {"side": (-1117, "Invalid side."), "type": (-1116, "Invalid orderType.")}
_LAST_MS = 253_402_300_799_000  # the end of the year 9999

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Parameters:
    """A request's parameters; every reader raises `WireError` with Binance's code for what is missing or malformed."""

    values: Mapping[str, str]

    def has(self, name: str) -> bool:
        """Return whether it was sent with a value."""
        return bool(self.values.get(name))

    def text(self, name: str) -> str:
        """Return a mandatory text."""
        if not self.has(name):
            raise missing(name)
        return self.values[name]

    def optional(self, name: str) -> str | None:
        """Return a text, or None where it was not sent."""
        return self.values.get(name) or None

    def decimal(self, name: str) -> Decimal:
        """Return a mandatory number ≥ 0; as at Binance, 1e-05 is not one."""
        text = self.text(name)
        if not _NUMBER.fullmatch(text):
            raise illegal(name, _LEGAL_NUMBER)
        return Decimal(text)

    def integer(self, name: str) -> int:
        """Return a mandatory whole number."""
        text = self.text(name)
        if not re.fullmatch(r"-?[0-9]{1,19}", text):
            raise missing(name)
        return int(text)

    def optional_integer(self, name: str) -> int | None:
        """Return a whole number, or None where it was not sent."""
        return self.integer(name) if self.has(name) else None

    def flag(self, name: str) -> bool:
        """Return a mandatory true or false."""
        text = self.text(name).lower()
        if text not in ("true", "false"):
            raise missing(name)
        return text == "true"

    def limit(self, default: int, largest: int) -> int:
        """Return `limit`, at most `largest`."""
        limit = self.optional_integer("limit")
        if limit is not None and limit < 1:
            raise invalid("limit")
        return min(default if limit is None else limit, largest)

    def choice(self, name: str, choices: type[Choice]) -> Choice:
        """Return a mandatory member of an enumeration."""
        try:
            return choices(self.text(name))
        except ValueError:
            raise WireError(*_ENUM_REFUSALS[name]) if name in _ENUM_REFUSALS else invalid(name) from None

    def client_id(self, name: str) -> str | None:
        """Return a client order id, or None where it was not sent."""
        text = self.optional(name)
        if text is None or _CLIENT_ID.fullmatch(text):
            return text
        if len(text) > 36:
            raise WireError(-4015, "Client order id length should not be more than 36 chars")
        raise illegal(name, r"^[\.A-Z\:/a-z0-9_-]{1,36}$")

    def moment(self, name: str) -> datetime | None:
        """Return a time in milliseconds, or None where it was not sent."""
        value = self.optional_integer(name)
        if value is not None and not 0 <= value <= _LAST_MS:
            raise invalid(name)
        return None if value is None else EPOCH + timedelta(milliseconds=value)


def to_ms(moment: datetime) -> int:
    """Return a time as the wire has it."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def amount(value: Decimal) -> str:
    """Return an amount exactly, with eight decimals or as many more as it needs.

    Binance rounds to eight. The simulator does not: a wallet whose changes were rounded on the wire could not be recomputed.
    """
    whole, _, fraction = format(value + 0, "f").partition(".")  # + 0 takes the sign off a zero
    return f"{whole}.{fraction.rstrip('0').ljust(8, '0')}"


def rounded(value: Decimal, decimals: int = 8) -> str:
    """Return a quotient, which has no exact decimals, at eight of them."""
    return f"{value:.{decimals}f}"


def at(value: Decimal, unit: Decimal) -> str:
    """Return a price or quantity with the decimals of its tick or step."""
    return f"{value:.{decimals(unit)}f}"


@cache
def decimals(unit: Decimal) -> int:
    """Return the decimals of a tick or step."""
    return max(0, -int(unit.normalize().as_tuple().exponent))
