"""The steps in their order, and how some or all of them are gone through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import typer

from arena.by_letter import ByLetter
from arena.domain.competitor import LETTERS
from arena.errors import ArenaError, ConfigurationError
from arena.llm_settings import KEY_NAMES
from arena.settings import BY_LETTER, Settings
from arena.setup import contest, places, trials
from arena.setup.asking import Setup

INTERRUPTED = 130  # as a shell says it of Ctrl-C


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step.

    Attributes:
        title: What it settles.
        run: Goes through it and returns what was found; a fault leaves `.env` as it was.
        variables: Patterns of those that it asks for.
    """

    name: str
    title: str
    run: Callable[[Setup], str]
    variables: tuple[str, ...] = ()


STEPS = (
    Step(name="machine", title="Python and packages", run=places.machine),
    Step(name="season", title=".env and the season's name", run=places.season),
    Step(
        name="venue",
        title="where to trade, and the keys",
        run=places.venue,
        variables=("ENVIRONMENT", "USE_TESTNET", "ACCOUNT_MODE", "BINANCE_*", "LLM_*_BINANCE_*"),
    ),
    Step(name="pairs", title="what is traded", run=places.pairs, variables=("AVAILABLE_PAIRS",)),
    Step(name="store", title="where the state is kept", run=places.store, variables=("SUPABASE_*", "DATABASE_PATH")),
    Step(
        name="models",
        title="who competes",
        run=contest.models,
        variables=("TOTAL_LLMS", *KEY_NAMES.values(), *(f"LLM_{letter}_*" for letter in LETTERS)),
    ),
    Step(name="alerts", title="whom to tell", run=places.alerts, variables=("TELEGRAM_*", "NOTIFY_*")),
    Step(name="strategy", title="the playbook, the same for all", run=contest.strategy, variables=("STRATEGY", "STRATEGY_FILE")),
    Step(name="rehearsal", title="a cycle without orders", run=trials.rehearsal),
    Step(name="exit", title="the emergency shutdown, then resume", run=trials.way_out),
    Step(name="deployments", title="the schedule", run=trials.deployments),
)
NAMES = tuple(step.name for step in STEPS)


def chosen(only: Sequence[str], first: str, skipped: Sequence[str]) -> tuple[Step, ...]:
    """Return the steps that a command line asks for, in their order.

    Args:
        only: Names; all where there are none.
        first: The one to begin with; empty for the beginning.
        skipped: Names.

    Raises:
        ConfigurationError: There is no such step.
    """
    for name in (*only, *skipped, *([first] if first else [])):
        if name not in NAMES:
            raise ConfigurationError(f"there is no step {name}: there are {', '.join(NAMES)}")
    begin = NAMES.index(first) if first else 0
    return tuple(step for step in STEPS[begin:] if (not only or step.name in only) and step.name not in skipped)


def run(setup: Setup, steps: Sequence[Step], given: Mapping[str, str]) -> int:
    """Go through steps, each after the one before it is well; return the exit code.

    Raises:
        ConfigurationError: A step ended without being well, or something was given that none of them asks for.
    """
    owned = shared_out(steps, given)
    for step in steps:
        typer.echo(f"{NAMES.index(step.name) + 1}/{len(STEPS)} {step.name}: {step.title}")
        try:
            found = step.run(setup.only(owned[step.name]))
        except ArenaError as error:
            why = str(error).rstrip(".")
            raise ConfigurationError(f"{step.name}: {why} (`arena setup --from {step.name}` goes on from here)") from error
        except (KeyboardInterrupt, typer.Abort):
            typer.echo(f"\nstopped; .env is as it was before this step (`arena setup --from {step.name}` goes on from here)")
            return INTERRUPTED
        typer.echo(f"  ok: {found}")
    return 0


def shared_out(steps: Sequence[Step], given: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return what was given by the step that it belongs to; `season` takes what no other asks for.

    Raises:
        ConfigurationError: A name is no variable's, or its step is not gone through.
    """
    owned: dict[str, dict[str, str]] = {step.name: {} for step in steps}
    for name, value in given.items():
        if not _known(name):
            raise ConfigurationError(f"--set {name}: there is no such variable (see .env.example)")
        asking = (step.name for step in STEPS if any(fnmatchcase(name, each) for each in step.variables))
        step = next(asking, "season")
        if step not in owned:
            raise ConfigurationError(f"--set {name} belongs to the step {step}, which was not asked for")
        owned[step][name] = value
    return owned


def _known(name: str) -> bool:
    if name.lower() in set(Settings.model_fields) - set(BY_LETTER):
        return True
    return any(ByLetter(Settings, {name.lower(): "x"}, BY_LETTER)().values())
