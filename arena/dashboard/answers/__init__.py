"""What the API answers. Amounts are exact decimals as text, times are ISO 8601 in UTC, a fraction of 1 is no percentage."""

from arena.dashboard.answers.cycle import Calibrated, Competitor, CycleFairness, CycleStory, TurnInFull
from arena.dashboard.answers.fault import Problem
from arena.dashboard.answers.market import Market
from arena.dashboard.answers.result import AccountRow, Board, Cost, Costs, Curve, Equity, FairnessFound, FairnessLine, Ranked
from arena.dashboard.answers.season import CycleTimes, Health, Status
from arena.dashboard.answers.trading import AlertRow, Alerts, Decided, Decisions, Held, Trade, Trades
from arena.dashboard.answers.units import Answer
from arena.dashboard.answers.verdict import Judged, Verdict

__all__ = [
    "AccountRow",
    "AlertRow",
    "Alerts",
    "Answer",
    "Board",
    "Calibrated",
    "Competitor",
    "Cost",
    "Costs",
    "Curve",
    "CycleFairness",
    "CycleStory",
    "CycleTimes",
    "Decided",
    "Decisions",
    "Equity",
    "FairnessFound",
    "FairnessLine",
    "Health",
    "Held",
    "Judged",
    "Market",
    "Problem",
    "Ranked",
    "Status",
    "Trade",
    "Trades",
    "TurnInFull",
    "Verdict",
]
