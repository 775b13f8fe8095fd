"""A trader without a plan of its own: at set instants it opens set trades, and closes each when its time is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from arena.adapters.llm.rule import RuleModel
from arena.domain.decision import Action
from arena.domain.order import PositionSide
from arena.strategies.ideas import Idea, answer, keep_or_close
from arena.strategies.prompt_reader import ReadPrompt

FARTHEST_STOP = Decimal("0.25")  # of the price: so far away that it ends hardly any trade
OF_RUIN = Decimal("0.6")  # and at most so much of the way to where the margin is used up


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTrade:
    """One trade.

    Attributes:
        begin, end: When it is opened and closed, UTC.
        notional: USDT.
    """

    symbol: str
    side: PositionSide
    begin: datetime
    end: datetime
    notional: Decimal
    leverage: int


class PlannedModel(RuleModel):
    """Satisfies the LanguageModel port.

    Args:
        trades: Those of a symbol do not overlap. One for which there is no room at its instant is lost.
        now: The instant of the cycle, UTC.
    """

    def __init__(self, trades: Sequence[PlannedTrade], now: Callable[[], datetime]) -> None:
        self._begins: Mapping[tuple[datetime, str], PlannedTrade] = {(each.begin, each.symbol): each for each in trades}
        self._by_symbol = {symbol: [each for each in trades if each.symbol == symbol] for symbol in {e.symbol for e in trades}}
        self._now = now
        super().__init__("matched-random", self._decide)

    def _decide(self, prompt: ReadPrompt) -> str:
        now, ideas = self._now(), []
        for symbol, market in prompt.symbols.items():
            held, planned = prompt.positions.get(symbol), self._begins.get((now, symbol))
            if held is not None:
                ideas.append(keep_or_close(held, not self._is_on(symbol, held.side, now), "its time is over, or not yet"))
            elif planned is not None:
                away = market.last * min(FARTHEST_STOP, OF_RUIN / planned.leverage)
                ideas.append(
                    Idea(
                        symbol=symbol,
                        action=Action.OPEN_LONG if planned.side is PositionSide.LONG else Action.OPEN_SHORT,
                        reason="an instant drawn at random",
                        invalidation="its time is over",
                        size_percent=max(1, round(100 * planned.notional / planned.leverage / prompt.equity)),
                        leverage=min(planned.leverage, prompt.max_leverage, market.venue_max_leverage),
                        stop_distance=away,
                        target_distance=market.last * FARTHEST_STOP,
                    )
                )
        return answer(prompt, ideas)

    def _is_on(self, symbol: str, side: PositionSide, now: datetime) -> bool:
        """Return whether a trade of this side is to be held now."""
        return any(each.side is side and each.begin <= now < each.end for each in self._by_symbol.get(symbol, ()))
