"""The one repair round: an answer that was not accepted goes back to its model with the reason, in the same words for all."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_QUOTED = 8_000  # characters of the model's own answer; a decision on every pair of a season is shorter
_NUL, _UNKNOWN = "\x00", "\ufffd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """An answer that was not accepted, and why; `repair_of` makes it.

    Attributes:
        text: The model's own answer and nothing else, as an API takes it: without surrogates and NUL, cut to `LONGEST_QUOTED`.
        error: The sentence of the `InvalidDecision`.
    """

    text: str
    error: str

    @property
    def request(self) -> str:
        """What the model is told after its own answer."""
        return f"Your answer was not accepted: {self.error}. Reply again with the whole JSON object."


def repair_of(text: str, error: str) -> Repair:
    """Return how an answer goes back to its model.

    Args:
        text: As received, not blank.
        error: Why it states no decision.
    """
    sendable = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace(_NUL, _UNKNOWN).strip()
    cut = sendable if len(sendable) <= LONGEST_QUOTED else sendable[: LONGEST_QUOTED - 1] + "…"
    return Repair(text=cut, error=error)
