"""What a playbook is: what all competitors of a season are asked to trade, and the rule they are measured against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from arena.domain.decision import Action
from arena.strategies import layout
from arena.strategies.prompt_reader import ReadPrompt

Rule = Callable[[ReadPrompt], str]

CUSTOM = "custom"  # STRATEGY of a playbook that its user has written
EVERY_ACTION = frozenset(Action)


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """A way of trading, the same for all competitors of a season.

    Attributes:
        name: As STRATEGY names it.
        version: Goes up whenever something changes that a model sees or the rule does.
        brief: What the model is asked to do, in sentences.
        series: Shown of each pair: labels of `layout.SERIES` with how many of the newest values, 1 to `layout.MOST_VALUES`.
        figures: Shown of each pair: labels of `layout.FIGURES`.
        spreads: Whether the spreads between the pairs are shown.
        actions: What a decision may say; holding is always among them.
        stop_atr: Where the default stop lies, in atr14 from the price: an opening without a stop gets it.
        rule: The baseline: a pure function from what the prompt says to an answer in the schema.
        needs: Labels without which the rule does nothing.
    """

    name: str
    version: int
    brief: str
    series: Mapping[str, int]
    figures: tuple[str, ...] = ()
    spreads: bool = False
    actions: frozenset[Action] = EVERY_ACTION
    stop_atr: Decimal = Decimal(3)
    rule: Rule
    needs: frozenset[str]

    @property
    def edition(self) -> str:
        """Name and version, as they are recorded with the season."""
        return f"{self.name} {self.version}"

    @property
    def shown(self) -> frozenset[str]:
        """The labels that its prompt shows."""
        return frozenset((*self.series, *self.figures, *((layout.SPREADS,) if self.spreads else ())))
