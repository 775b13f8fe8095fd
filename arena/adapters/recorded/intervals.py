"""The length of a candle, as Binance writes it."""

from __future__ import annotations

import re
from datetime import timedelta

from arena.errors import ConfigurationError

DAY = timedelta(days=1)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": DAY}


def interval_name(interval: timedelta) -> str:
    """Return an interval as Binance writes it: 5m, 1h, 1d."""
    minutes = int(interval.total_seconds()) // 60
    for size, letter in ((1440, "d"), (60, "h")):
        if minutes and minutes % size == 0:
            return f"{minutes // size}{letter}"
    return f"{minutes}m"


def interval_of(name: str) -> timedelta:
    """Return the interval of a name.

    Raises:
        ConfigurationError: It is none, or days cannot be made of it.
    """
    match = re.fullmatch(r"([1-9]\d{0,3})([mhd])", name)
    interval = int(match[1]) * _UNITS[match[2]] if match else DAY * 2
    if interval > DAY or DAY % interval:
        raise ConfigurationError(f"{name} is no candle interval: name one such as 1m, 5m, 1h or 1d")
    return interval
