"""`python -m scripts.up`, `python -m scripts.up status`, `python -m scripts.up down`."""

from __future__ import annotations

import sys
from typing import Annotated

import httpx
import typer

from arena.errors import ArenaError
from scripts.processes import NotReady
from scripts.up.base import read_base

app = typer.Typer(add_completion=False, help="A season that runs by itself on this machine. UP_DIR names where, runs/up.")


@app.callback(invoke_without_command=True)
def start(context: typer.Context) -> None:
    """Start server, worker and, without keys, the simulator; then the first cycle."""
    if context.invoked_subcommand is None:
        from scripts.up.start import up

        raise typer.Exit(up(read_base(), say))


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Say what runs and how the season stands. Ends with 0 only if all is well."""
    from scripts.up.status import lines, look, to_json

    found = look(read_base())
    say(to_json(found) if as_json else "\n".join(lines(found)))
    raise typer.Exit(0 if found.well else 1)


@app.command()
def down() -> None:
    """Stop all of it; a cycle under way is first let to its end."""
    from scripts.up.stop import down as stop

    raise typer.Exit(stop(read_base(), say))


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def main() -> None:
    """Run the command; a fault ends in its one sentence, never in a traceback."""
    try:
        app()
    except (ArenaError, NotReady, ValueError, OSError, httpx.HTTPError) as error:
        print(f"up: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
