"""Reading the market, once for all competitors."""

from __future__ import annotations

from arena import steps
from tasks.step import observed

snapshot = observed("snapshot")(steps.snapshot)
indicators = observed("indicators")(steps.indicators)
