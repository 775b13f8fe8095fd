"""The `arena` command."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from arena.dashboard_cli import dashboard
from arena.data_cli import data as data_commands
from arena.db_cli import db
from arena.domain.competitor import LETTERS
from arena.errors import ArenaError
from arena.notify_cli import notify
from arena.power_cli import power
from arena.replay_cli import replay
from arena.setup_cli import setup
from arena.show_cli import show
from arena.verdict_cli import report, verdict

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Language models compete on Binance USD-M futures.")

pairs = typer.Typer(no_args_is_help=True, help="Check and choose the pairs of a season.")
app.add_typer(pairs, name="pairs")
app.add_typer(db, name="db")
app.add_typer(data_commands, name="data")
app.add_typer(notify, name="notify")
app.add_typer(show)
app.command()(setup)
app.command()(dashboard)
app.command()(replay)
app.command()(verdict)
app.command()(report)
app.command()(power)

Pairs = Annotated[list[str] | None, typer.Argument(metavar="A,B,C", show_default=False, help="Such as BTCUSDT,ETHUSDT,SOLUSDT.")]
Preset = Annotated[str, typer.Option("--preset", help="major or low-price, instead of naming pairs.", show_default=False)]


@app.command()
def simulator(
    data: Annotated[
        Path | None, typer.Option(help="Folder of candle files, see docs/candles.md; a generated market where left out.")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65_535)] = 8900,
    speed: Annotated[float, typer.Option(min=0.001, help="Simulated seconds in a second.")] = 1.0,
    start: Annotated[
        datetime | None, typer.Option(help="First simulated instant, UTC; 500 candles into the data where left out.")
    ] = None,
    balance: Annotated[str, typer.Option(help="USDT in each account.")] = "600",
    competitors: Annotated[
        int,
        typer.Option(
            min=0, max=len(LETTERS), help="Open as many accounts more: keys simulator-A, simulator-B, ..., secret = key."
        ),
    ] = 0,
    faults: Annotated[Path | None, typer.Option(help="JSON file of fault rules, see docs/simulator.md.")] = None,
    state: Annotated[Path | None, typer.Option(help="File that keeps accounts and time, so that a restart goes on.")] = None,
) -> None:
    """Serve Binance's futures API and baseline models on loopback, over candles from files."""
    from decimal import Decimal

    from arena.simulator.app import account_keys, serve

    serve(
        data=data,
        port=port,
        speed=speed,
        start=start.replace(tzinfo=UTC) if start else None,
        balance=Decimal(balance),
        keys=account_keys(competitors),
        faults=faults,
        state=state,
    )


@app.command()
def reconcile(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Show the competitors' books and the exchange side by side; changes nothing. Ends with 1 where they differ."""
    from arena.configuration import load_settings
    from arena.resuming import read_comparison
    from arena.terminal import print_comparison, tell

    found = tell(asyncio.run(read_comparison(load_settings())), print_comparison, as_json=as_json)
    raise typer.Exit(0 if found.equal else 1)


@app.command()
def doctor() -> None:
    """Try every connection a season needs, a line each; sends no order, uses no tokens. Ends with 1 if one fails."""
    from arena.doctor import examine

    async def run() -> bool:
        well = True
        async for finding in examine(os.environ.get("PREFECT_API_URL", "")):
            typer.echo(
                f"{'ok  ' if finding.well else 'FAIL'} {finding.subject:<14} {finding.milliseconds:>6} ms  {finding.detail}"
            )
            well = well and finding.well
        return well

    raise typer.Exit(0 if asyncio.run(run()) else 1)


@app.command()
def preflight(
    rehearsal: Annotated[str, typer.Option(help="The season on testnet that counts; the newest in runs/ where left out.")] = "",
) -> None:
    """See whether real money may be traded, a line each; sends one alert and no order. Ends with 1 unless all is well."""
    from arena.configuration import load_settings
    from arena.mainnet import ACKNOWLEDGEMENT, Checked, write_result
    from arena.preflight import examine

    async def run() -> list[Checked]:
        found = []
        async for checked in examine(rehearsal, os.environ.get("PREFECT_API_URL", "")):
            typer.echo(f"{'ok  ' if checked.well else 'FAIL'} {checked.subject:<14} {checked.detail}")
            found.append(checked)
        return found

    found = asyncio.run(run())
    write_result(load_settings(), found, datetime.now(UTC))
    if not all(checked.well for checked in found):
        raise typer.Exit(1)
    typer.echo(f"All is well. Real money is traded once MAINNET_ACKNOWLEDGEMENT={ACKNOWLEDGEMENT} is in .env.")


@pairs.command()
def check(
    names: Pairs = None, preset: Preset = "", as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False
) -> None:
    """Look pairs up at Binance (those of AVAILABLE_PAIRS where none are named); needs no key. Ends with 1 if one fails."""
    from arena.configuration import written_pairs
    from arena.pairs import Examination, chosen, examine
    from arena.terminal import print_pairs, tell

    def table(found: Examination) -> None:
        print_pairs(found.title, found.leverage, found.checks, found.notes)

    found = tell(
        asyncio.run(examine(chosen(names or (), preset) if names or preset else written_pairs())), table, as_json=as_json
    )
    raise typer.Exit(1 if found.every_fault else 0)


@pairs.command("set")
def set_pairs(names: Pairs = None, preset: Preset = "") -> None:
    """Check pairs, then write them into `.env` and README.md; writes nothing and ends with 1 if one fails."""
    from arena.pairs import chosen, examine, write
    from arena.terminal import print_pairs

    found = asyncio.run(examine(chosen(names or (), preset)))
    print_pairs(found.title, found.leverage, found.checks, found.notes)
    if found.every_fault:
        typer.echo(f"Nothing was written: {'; '.join(found.every_fault)}.", err=True)
        raise typer.Exit(1)
    for sentence in write(found):
        typer.echo(sentence)


@app.command()
def halt(reason: Annotated[str, typer.Option(help="Shown wherever the halt is.")] = "by hand") -> None:
    """Stop the season: no cycle begins, nothing is opened, limit orders are cancelled; positions keep their stops."""
    from arena.configuration import load_venue_settings
    from arena.standings import halt_season

    settings = load_venue_settings()
    fault = asyncio.run(halt_season(settings, reason))
    typer.echo(f"{settings.season} is halted ({settings.halt_file}){f'; {fault}' if fault else ''}")


@app.command()
def resume(
    despite_differences: Annotated[
        bool, typer.Option("--despite-differences", help="Without comparing the books with the exchange first.")
    ] = False,
) -> None:
    """Let a halted season go on, if books and exchange agree; resumes the schedule of PREFECT_API_URL. Ends with 1 if not."""
    from arena.resuming import resume_season

    resumed = asyncio.run(resume_season(os.environ.get("PREFECT_API_URL", ""), despite_differences=despite_differences))
    typer.echo(resumed.sentence)
    raise typer.Exit(0 if resumed.goes_on else 1)


@app.command()
def end(reason: Annotated[str, typer.Option(help="Shown wherever the season is.")] = "by hand") -> None:
    """End the season for good: no cycle begins in it any more. Refuses while positions are held."""
    from arena.configuration import load_venue_settings
    from arena.standings import end_season

    settings = load_venue_settings()
    asyncio.run(end_season(settings, reason))
    typer.echo(f"{settings.season} has ended; name a new SEASON in .env for the next one")


@app.command()
def shutdown() -> None:
    """Halt the season, cancel all orders and close all positions of the account, whosever they are. Asks nothing."""
    from arena.configuration import load_venue_settings
    from arena.emergency import emergency_shutdown

    ended = asyncio.run(emergency_shutdown(load_venue_settings(), "arena shutdown"))
    typer.echo(ended.sentence())
    raise typer.Exit(0 if ended.flat else 1)


def main() -> None:
    """Run the command; a fault ends in its one sentence, never in a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except ArenaError as error:
        typer.echo(f"arena: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
