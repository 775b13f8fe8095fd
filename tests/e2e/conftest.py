"""Fixtures of the tests that start what a user starts."""

from __future__ import annotations

from tests.fakes.house import house  # noqa: F401
