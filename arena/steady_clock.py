"""The time of one run, for what must be shown to have happened before something else."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class SteadyClock:
    """This machine's clock as it was at the beginning, then counted on: setting the clock meanwhile does not move it."""

    def __init__(self) -> None:
        self._began_at = datetime.now(UTC)
        self._began = time.monotonic()

    def __call__(self) -> datetime:
        """Return the time now, UTC."""
        return self._began_at + timedelta(seconds=time.monotonic() - self._began)
