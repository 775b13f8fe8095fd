"""How a step is answered, tried and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from arena.errors import ArenaError, ConfigurationError
from arena.setup.dialogue import Dialogue, Question
from arena.setup.draft import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a run of the set-up was asked for.

    Attributes:
        dialogue: Who is asked.
        given: Values that were given on the command line and are not asked for; in a step, its own.
        asking_models: Whether the rehearsal may ask the models, which uses tokens.
        closing_positions: Whether the rehearsed exit may close what an account holds without asking.
        prefect_api_url: Empty where no Prefect server is named.
    """

    dialogue: Dialogue
    given: Mapping[str, str] = field(default_factory=dict)
    asking_models: bool = True
    closing_positions: bool = False
    prefect_api_url: str = ""

    def draft(self) -> Draft:
        """Return `.env` with what was given for this step."""
        return Draft.read().having(self.given)

    def answer(self, draft: Draft, question: Question) -> Draft:
        """Return the draft with an answer in it.

        Raises:
            ConfigurationError: There is none.
        """
        name = question.variable
        present = draft.value(name)
        if draft.fixed(name):
            self.dialogue.say(f"{name} is set in the environment, which wins over .env: {question.shown(present)}")
        elif name not in self.given:
            return draft.having({name: self.dialogue.ask(question, draft.offered(name))})
        if why := question.wrong(present):
            raise ConfigurationError(why)
        return draft

    def tried(self, before: Draft, gather: Callable[[Draft], Draft], check: Callable[[Draft], str]) -> tuple[Draft, str]:
        """Ask and check until it is well; after too many answers that were not, see whether what was there before is.

        What was answered is there for an empty line when it is asked again: only what is wrong has to be typed anew.

        Returns:
            The draft that is well, and what was seen.

        Raises:
            ArenaError: None is.
        """
        draft = before
        for _ in range(self.dialogue.tries):
            draft = gather(before.after(draft))
            try:
                return draft, check(draft)
            except ArenaError as error:
                if self.dialogue.tries == 1:
                    raise
                self.dialogue.say(f"! {error}")
        self.dialogue.say("the present values stay")
        return before, check(before)

    def settled(self, gather: Callable[[Draft], Draft], check: Callable[[Draft], str]) -> str:
        """Ask, check, then write; return what was seen."""
        draft, seen = self.tried(self.draft(), gather, check)
        return written(draft, seen)

    def only(self, given: Mapping[str, str]) -> Setup:
        """Return the set-up with a step's own values."""
        return replace(self, given=given)


def written(draft: Draft, seen: str) -> str:
    """Write a draft that is well; return what was seen, and what became of `.env`."""
    what = ", ".join(draft.changes) or ("made" if draft.new else "its permissions")
    return f"{seen} ({draft.path}: {what})" if draft.write() else f"{seen} (kept)"
