"""One call of a model, as it is recorded whatever came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from arena.application.language_model import Completion


class Purpose(StrEnum):
    """What a model was called for."""

    DECIDE = "decide"
    REPAIR = "repair"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """A call. One that failed has a fault; one that was answered has a completion; a late or an empty answer has both.

    Attributes:
        number: In its turn, from 1; repetitions after a fault and the repair round count on.
        begun_at: By this machine's clock, UTC, as the provider's own log has it; prices and orders live by the venue's.
        latency_ms: Until the answer or the fault.
        fault: A `ModelFault` kind, `late` (no answer at the deadline, or one after it) or `defect`; None where there was none.
        error: Why no decision came of it, in a sentence: the fault's, or what is wrong with the answer; None for a decision.
        retry_after_ms: The provider's wish, where it gave one.
        request_id: The provider's.
        completion: What was answered and what it took; None where nothing that could be read came back.
    """

    number: int
    purpose: Purpose
    begun_at: datetime
    latency_ms: int
    fault: str | None = None
    error: str | None = None
    retry_after_ms: int | None = None
    request_id: str | None = None
    completion: Completion | None = None
