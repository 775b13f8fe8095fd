"""A season in the terminal: what happens now, who leads, what is held, what was decided and told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal
from math import ceil

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from arena.dashboard import answers
from arena.dashboard.glance import Glance
from arena.domain.money import plain

SHOWN_DIGITS = Context(prec=8)  # of a price; it is exact in the JSON
USUAL_WIDTH = 80  # columns
LEAST_LINES = 3  # of decisions and of alerts, however low the terminal is
GOOD, BAD, DIM = "green", "red", "dim"


def screen(glance: Glance, now: datetime, height: int | None = None) -> Group:
    """Return all of a season.

    Args:
        now: UTC, for the time to the next cycle.
        height: Lines there are; decisions and alerts share what the rest leaves. None: no limit.
    """
    parts: list[RenderableType] = [*_now(glance, now), _board(glance.leaderboard), _held(glance.positions), Text("")]
    decisions, alerts = _shares(glance, height)
    return Group(*parts, _decided(glance.decisions, decisions), _told(glance.alerts, alerts))


def waiting(why: str) -> Text:
    """Return what is shown while there is no season to show."""
    return Text(f"{_clean(why)} ...", style=DIM)


def _shares(glance: Glance, height: int | None) -> tuple[int | None, int | None]:
    """Return how many decisions and alerts there is room for."""
    if height is None:
        return None, LEAST_LINES
    headings = 3 + 3 + 3 + 2  # ranking, positions, decisions, alerts
    headings += ceil(len(_verdict(glance.leaderboard)) / USUAL_WIDTH)
    left = height - len(_now(glance, datetime.now(UTC))) - len(glance.leaderboard.competitors) - len(glance.positions) - headings
    alerts = max(LEAST_LINES, min(len(glance.alerts), left // 2))
    return max(LEAST_LINES, left - alerts), alerts


def _now(glance: Glance, now: datetime) -> list[Text]:
    status = glance.status
    lines = [Text.assemble((_clean(status.season), "bold"), "  ", _standing(status))]
    market = f"{status.market}: {status.market_warning}" if status.market_warning else status.market
    lines += [Text(_clean(f"{market}; {status.strategy}, {status.account_mode} account"), style=DIM)]
    lines += [Text(_cycle(glance)), Text(_next(status, now))]
    lost = f", {status.lost} lost" if status.lost else ""
    lines += [Text(f"{status.cycles} cycles booked{lost}; ").append(*_books(status)).append("; ").append(*_store(status))]
    return lines


def _standing(status: answers.Status) -> tuple[str, str]:
    if status.state == "running":
        return "running", GOOD
    return _clean(f"{status.state.upper()} since {clock(status.since)} UTC: {status.reason}"), f"bold {BAD}"


def _cycle(glance: Glance) -> str:
    begun, last = glance.status.under_way, glance.status.last_cycle
    if begun:
        return f"Cycle {begun.number} is under way, for {clock(begun.scheduled_at)} UTC: {glance.step}"
    if last:
        return f"No cycle is under way; {last.number} was booked for {clock(last.scheduled_at)} UTC"
    return "No cycle was booked yet"


def _next(status: answers.Status, now: datetime) -> str:
    if status.next_due_at is None:
        return "No next cycle is due"
    at = f"{clock(status.next_due_at)} UTC"
    if status.simulated_clock:
        return f"Next cycle at {at} of the simulated clock"
    seconds = round((datetime.fromisoformat(status.next_due_at) - now).total_seconds())
    return f"Next cycle in {seconds // 60}:{seconds % 60:02} ({at})" if seconds >= 0 else f"Next cycle due since {at}"


def _books(status: answers.Status) -> tuple[str, str]:
    count = status.discrepancies
    times = "once" if count == 1 else f"{count} times"
    return (f"books and exchange differed {times}", BAD) if count else ("the books agree", "")


def _store(status: answers.Status) -> tuple[str, str]:
    return ("THE STORE IS AWAY: this was read before", f"bold {BAD}") if status.store_away else ("the store answers", "")


def _board(board: answers.Board) -> Group:
    table = _table("Competitor", "Model", figures=("Equity", "ROI", "Drawdown", "Trades", "Answers"), wide=("Model",))
    for each in board.competitors:
        model = f"{each.model} (rule)" if each.baseline else each.model
        answered = "–" if each.valid_answers is None else f"{Decimal(each.valid_answers) * 100:.0f} %"
        table.add_row(
            f"{each.rank}. {each.llm_id}",
            _cell(model),
            f"{Decimal(each.equity):.2f}",
            _signed(Decimal(each.roi) * 100, " %"),
            f"{Decimal(each.max_drawdown) * 100:.2f} %",
            str(each.trades),
            answered,
        )
    return Group(table, Text(_verdict(board), style="italic"), Text(""))


def _verdict(board: answers.Board) -> str:
    """Return what may be said of who is better, and of when that is where it was judged."""
    judged = "" if board.verdict_as_of is None else f" (judged as of {board.verdict_as_of[:10]} {clock(board.verdict_as_of)} UTC)"
    return _clean(f"{board.verdict}{judged}")


def _held(positions: Sequence[answers.Held]) -> RenderableType:
    if not positions:
        return Text("Nothing is held.", style=DIM)
    table = _table("Held by", "Symbol", "", figures=("Entry", "Mark", "Stop", "Target", "Liq.", "PnL"))
    for each in positions:
        stop = Text(_price(each.stop_price)) if each.protected else Text(f"{_price(each.stop_price)} !", style=BAD)
        pnl = Text("–") if each.unrealized_pnl is None else _signed(Decimal(each.unrealized_pnl))
        goals = _price(each.target_price), _price(each.liquidation_price)
        prices = _price(each.entry_price), _price(each.mark_price), stop, *goals
        table.add_row(each.llm_id, each.symbol, each.side.lower(), *prices, pnl)
    return table


def _decided(decisions: Sequence[answers.Decided], most: int | None) -> RenderableType:
    if not decisions:
        return Text("Nothing was decided yet.", style=DIM)
    table = _table(f"Cycle {decisions[0].cycle}", "Symbol", "Decision", "Outcome", "Reason", wide=("Outcome", "Reason"))
    for each in decisions[:most]:
        table.add_row(
            each.llm_id, *map(_cell, (each.symbol, each.decision_type.replace("_", " ").lower(), each.outcome, each.reasoning))
        )
    if most is not None and len(decisions) > most:
        table.add_row("", "", "", "", f"and {len(decisions) - most} more")
    return table


def _told(alerts: Sequence[answers.AlertRow], most: int | None) -> RenderableType:
    if not alerts:
        return Text("No alerts.", style=DIM)
    table = _table("Alerts", "", wide=("",))
    for each in alerts[:most]:
        table.add_row(clock(each.time), _cell(each.text))
    return table


def _table(*headings: str, figures: Sequence[str] = (), wide: Sequence[str] = ()) -> Table:
    """Return an empty table, one line a row; the columns `wide` share what the others leave, and are cut off there."""
    table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=True, overflow="ellipsis", ratio=1 if heading in wide else None)
    for heading in figures:
        table.add_column(heading, no_wrap=True, justify="right")
    return table


def clock(text: str) -> str:
    """Return the time of day of an instant, UTC."""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%H:%M:%S}"


def _price(text: str | None) -> str:
    return "–" if text is None else plain(SHOWN_DIGITS.create_decimal(text))


def _signed(amount: Decimal, unit: str = "") -> Text:
    rounded = round(amount, 2) or Decimal("0.00")  # no −0.00
    return Text(f"{rounded:+.2f}{unit}" if rounded else f"0.00{unit}", style=GOOD if rounded > 0 else BAD if rounded < 0 else "")


def _clean(text: str | None) -> str:
    """Return a text in one line and without what a terminal would obey: models write some of it."""
    return "".join(each if each.isprintable() else " " for each in text or "")


def _cell(text: str | None) -> Text:
    """Return a cell with a text as it is; a plain string may hold markup."""
    return Text(_clean(text))
