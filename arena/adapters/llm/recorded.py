"""What a competitor answered in another season, at the same instant, whatever it is asked now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from arena.application.language_model import Completion, Prompt
from arena.errors import ModelFault

Said = Mapping[tuple[datetime, bool], Completion]  # by instant, and whether it was asked to repair its answer


class RecordedModel:
    """Satisfies the LanguageModel port.

    Args:
        said: The competitor's answers.
        now: The instant of the cycle, UTC.
    """

    def __init__(self, said: Said, now: Callable[[], datetime]) -> None:
        self._said, self._now = said, now

    async def complete(self, prompt: Prompt, timeout_seconds: float) -> Completion:
        """Answer as then.

        Raises:
            ModelFault: It gave no answer then.
        """
        found = self._said.get((self._now(), prompt.repair is not None))
        if found is None:
            raise ModelFault("it gave no answer at this instant of the season that is replayed", kind="empty", transient=False)
        return found
