"""Market making: wait with a limit order on the side that is out of favour, and give the inventory back near the mean."""

from __future__ import annotations

from decimal import Decimal

from arena.domain.decision import Action, EntryType
from arena.domain.order import PositionSide
from arena.strategies import layout
from arena.strategies.ideas import Idea, answer, keep_or_close
from arena.strategies.playbook import Playbook
from arena.strategies.prompt_reader import ReadPrompt, ReadSymbol

SIZE_PERCENT = 15  # of equity an order: inventory is kept small
LEAST_AWAY = Decimal("0.05")  # percent between the price and the order
SHARE_OF_RANGE = Decimal("0.5")  # of a candle's usual range: as far as the order waits
TARGET_IN_WAITS = 3  # how many times that distance the target lies away: a target pays the taker's fee

BRIEF = """\
Make markets: offer to take the other side with post-only limit orders (entry_type limit), a bid below the price for a long or an
ask above it for a short. An order that nobody reaches expires when the next round begins. What is earned is the distance to the
price, at the lower fee; what is lost is lost to a price that goes on. Wait further away when range_percent, spread_percent or
volatility_percent are large, keep the inventory small (inventory_percent), give it back near the mean, and do not quote against a
strong move."""


def rule(prompt: ReadPrompt) -> str:
    """Bid below the mean of 20 closes and offer above it, half a candle's range away; close when the price is past the mean."""
    ideas: list[tuple[Decimal, Idea]] = []
    for symbol, market in prompt.symbols.items():
        score, held = market.figures.get("zscore20"), prompt.positions.get(symbol)
        if score is None:
            continue
        if held is not None:
            over = score >= 0 if held.side is PositionSide.LONG else score <= 0
            ideas.append((Decimal(0), keep_or_close(held, over, f"zscore20 is {score}")))
        elif score != 0 and (idea := _quote(market, score)) is not None:
            ideas.append((-abs(score), idea))
    return answer(prompt, (idea for _, idea in sorted(ideas, key=lambda pair: (pair[0], pair[1].symbol))))


def _quote(market: ReadSymbol, score: Decimal) -> Idea | None:
    span = market.figures.get("range_percent")
    if span is None or market.default_stop is None:
        return None
    away = market.last * max(span * SHARE_OF_RANGE, LEAST_AWAY) / 100
    return Idea(
        symbol=market.symbol,
        action=Action.OPEN_LONG if score < 0 else Action.OPEN_SHORT,
        reason=f"zscore20 is {score}, range {span} %",
        invalidation="the price goes on through the order",
        size_percent=SIZE_PERCENT,
        limit_distance=away,
        stop_distance=market.default_stop,
        target_distance=away * TARGET_IN_WAITS,
    )


PLAYBOOK = Playbook(
    name="market-making",
    version=1,
    brief=BRIEF,
    series={layout.CLOSE: 10, "volume": 5, "rsi7": 3, "atr14": 3, "adx14": 1},
    figures=(
        "spread_percent",
        "range_percent",
        "volatility_percent",
        "return_autocorrelation",
        "zscore20",
        "half_life",
        layout.VOLUME_AVERAGE,
        "volume_ratio",
        "change_1h_percent",
        "change_24h_percent",
    ),
    entry_types=frozenset({EntryType.LIMIT}),
    stop_atr=Decimal(5),
    rule=rule,
    needs=frozenset({"zscore20", "range_percent"}),
)
