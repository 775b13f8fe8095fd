"""A playbook that its user has written: a brief in Markdown, and what is shown and allowed in TOML."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from arena.domain.decision import OPENING, Action
from arena.strategies import layout
from arena.strategies.playbook import CUSTOM, Playbook

LONGEST_BRIEF = 4000  # characters; about 1000 tokens of the prompt
ALWAYS = frozenset({Action.HOLD, Action.CLOSE})  # a position can always be left


class WrongPlaybook(ValueError):
    """A sentence that names what to change in the user's files."""


class _Table(BaseModel):
    """The TOML file."""

    model_config = ConfigDict(extra="forbid")

    series: dict[str, Annotated[int, Field(ge=1, le=layout.MOST_VALUES)]] = {layout.CLOSE: layout.MOST_VALUES}
    figures: tuple[str, ...] = ()
    spreads: bool = False
    actions: tuple[Action, ...] = tuple(Action)
    stop_atr: Annotated[Decimal, Field(gt=0, le=50)] = Decimal(3)
    baseline: str = "mean-reversion"

    @field_validator("series")
    @classmethod
    def _known_series(cls, value: Mapping[str, int]) -> Mapping[str, int]:
        return {label: value[label] for label in _known(value, layout.SERIES)}

    @field_validator("figures")
    @classmethod
    def _known_figures(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _known(value, layout.FIGURES)

    @field_validator("actions")
    @classmethod
    def _can_open(cls, value: tuple[Action, ...]) -> tuple[Action, ...]:
        if OPENING.isdisjoint(value):
            raise ValueError("names neither open_long nor open_short: nothing could ever be traded")
        return value


def custom_playbook(brief: str, table: str, baselines: Mapping[str, Playbook]) -> Playbook:
    """Return the playbook of a user's two files; its edition names the first digits of their hash.

    Args:
        brief: Text of the Markdown file.
        table: Text of the TOML file; every key has a default.
        baselines: The playbooks whose rule may be its baseline, by name.

    Raises:
        WrongPlaybook
    """
    told = _read_brief(brief)
    try:
        read = _Table.model_validate(tomllib.loads(table))
    except tomllib.TOMLDecodeError as error:
        raise WrongPlaybook(f"the TOML file cannot be read: {error}") from None
    except ValidationError as error:
        raise WrongPlaybook("; ".join(_sentence(fault) for fault in error.errors(include_url=False))) from None
    if read.baseline not in baselines:
        raise WrongPlaybook(f"baseline {read.baseline} is not known; there are {', '.join(baselines)}")
    digest = hashlib.sha256(f"{told}\0{read.model_dump_json()}".encode()).hexdigest()
    return Playbook(
        name=CUSTOM,
        version=int(digest[:6], 16),
        brief=told,
        series=read.series,
        figures=read.figures,
        spreads=read.spreads,
        actions=frozenset(read.actions) | ALWAYS,
        stop_atr=read.stop_atr,
        rule=baselines[read.baseline].rule,
        needs=baselines[read.baseline].needs,
    )


def _read_brief(text: str) -> str:
    """Return the brief; a heading in it would look like a section of the prompt."""
    told = "\n".join(line.rstrip() for line in text.strip().splitlines())
    if not told:
        raise WrongPlaybook("the brief is empty: say what the models are asked to trade")
    if len(told) > LONGEST_BRIEF:
        raise WrongPlaybook(f"the brief has {len(told)} characters, more than {LONGEST_BRIEF} are not sent")
    if any(line.lstrip().startswith(layout.SECTION.strip()) for line in told.splitlines()):
        raise WrongPlaybook("a line of the brief begins with #, as the prompt's own sections do: write headings in another way")
    return told


def _known(labels: Any, universe: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [label for label in labels if label not in universe]
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is not known; there are {', '.join(universe)}")
    return tuple(labels)


def _sentence(fault: Mapping[str, Any]) -> str:
    where = ".".join(map(str, fault["loc"]))
    what = "is not a key of a playbook" if fault["type"] == "extra_forbidden" else fault["msg"].removeprefix("Value error, ")
    return f"{where} {what}"
