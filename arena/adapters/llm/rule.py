"""A rule in the place of a language model: it reads the very prompt, answers at once, and costs nothing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from arena.application.language_model import Completion, Prompt
from arena.errors import ModelFault
from arena.strategies.playbook import Rule
from arena.strategies.prompt_reader import UnreadablePrompt, read_prompt


class RuleModel:
    """Satisfies the LanguageModel port.

    Args:
        name: The rule's.
        rule: Answers the prompt that is read for it.
        seed: Of its dice, where it has some; 0 leaves them to the prompt alone.
    """

    def __init__(self, name: str, rule: Rule, seed: int = 0) -> None:
        self._name, self._rule, self._seed = name, rule, seed

    async def complete(self, prompt: Prompt, timeout_seconds: float) -> Completion:
        """Answer.

        Raises:
            ModelFault: The prompt cannot be read; asking again does not help.
        """
        try:
            read = read_prompt(f"{prompt.static}\n{prompt.user}")
            text = self._rule(replace(read, digest=f"{read.digest}{self._seed}") if self._seed else read)
        except UnreadablePrompt as error:
            raise ModelFault(str(error), kind="bad_request", transient=False) from error
        return Completion(
            text=text,
            model=f"baseline/{self._name}",
            request_id=None,
            stop_reason="stop",
            input_tokens=0,
            cached_tokens=0,
            output_tokens=0,
            latency_ms=0,
            parameters={},
            cost_usd=Decimal(0),
        )
