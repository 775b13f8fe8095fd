"""The `arena setup` command."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

import typer

Names = list[str] | None


def setup(
    only: Annotated[Names, typer.Option("--step", "--only", help="Only this step; may be repeated.")] = None,
    first: Annotated[str, typer.Option("--from", help="Begin with this step.", show_default=False)] = "",
    skip: Annotated[Names, typer.Option("--skip", help="Leave this step out; may be repeated.")] = None,
    values: Annotated[
        Names, typer.Option("--set", metavar="NAME=VALUE", help="A value that is not asked for; may be repeated.")
    ] = None,
    unattended: Annotated[
        bool, typer.Option("--non-interactive", "--yes", help="Ask nothing: keep what is in .env, end with 2 where it lacks.")
    ] = False,
    model_calls: Annotated[
        bool, typer.Option("--model-calls/--no-model-calls", help="Whether the rehearsal asks the models, which uses tokens.")
    ] = True,
    close_positions: Annotated[
        bool, typer.Option("--close-positions", help="Let the rehearsed exit close what the account holds.")
    ] = False,
) -> None:
    """Set the arena up, step by step, each one tried before anything is written; safe to repeat.

    machine, season, venue, pairs, store, models, alerts, strategy, rehearsal, exit, deployments. An empty line keeps what is.
    """
    from arena.setup.asking import Setup
    from arena.setup.dialogue import Terminal, Unattended
    from arena.setup.steps import chosen, run

    asked = Setup(
        dialogue=Unattended() if unattended else Terminal(),
        asking_models=model_calls,
        closing_positions=close_positions,
        prefect_api_url=os.environ.get("PREFECT_API_URL", ""),
    )
    raise typer.Exit(run(asked, chosen(only or (), first, skip or ()), _given(values or ())))


def _given(values: Sequence[str]) -> dict[str, str]:
    """Return the values of `--set` by name.

    Raises:
        ConfigurationError: One is not NAME=VALUE.
    """
    from arena.errors import ConfigurationError

    told = {}
    for each in values:
        name, sign, value = each.partition("=")
        if not sign or not name.strip():
            raise ConfigurationError("--set takes NAME=VALUE, such as --set TOTAL_LLMS=3")
        told[name.strip().upper()] = value.strip()
    return told
