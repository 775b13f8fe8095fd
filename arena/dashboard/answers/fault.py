"""What is wrong with a request."""

from __future__ import annotations

from arena.dashboard.answers.units import Answer


class Fault(Answer):
    """One wrong parameter."""

    field: str
    message: str


class Problem(Answer):
    """RFC 9457, application/problem+json."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[Fault] | None = None
