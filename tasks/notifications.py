"""Telling people."""

from __future__ import annotations

from arena import steps
from tasks.step import observed

notify = observed("notify", timeout_seconds=60)(steps.notify)
