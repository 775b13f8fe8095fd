"""Pairs trading: two pairs that move together, one long and one short, when they have come apart."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from arena.domain.decision import Action
from arena.domain.order import PositionSide
from arena.strategies import layout
from arena.strategies.ideas import Idea, answer, keep_or_close, opening
from arena.strategies.playbook import Playbook
from arena.strategies.prompt_reader import ReadPosition, ReadPrompt, ReadSpread

FAR, NEAR = Decimal(2), Decimal("0.5")  # standard deviations
LONGEST_HALF_LIFE = Decimal(72)  # candles: six hours of five minutes
TOGETHER = Decimal("0.5")  # correlation of returns
LEG_PERCENT = 20  # of equity
MARK = "spread"  # begins the reason of a leg: which spread it belongs to

BRIEF = """\
Trade spreads between two pairs (section Spreads): a spread is log(first) - hedge_ratio * log(second) over the last day. Where it
lies far from its mean (zscore) and comes back soon (half_life), open both legs at once: zscore below zero is long first and short
second, above zero the other way, with the second's value about hedge_ratio times the first's; leave both near zero. Name the
spread in the reason of both legs, and never leave one leg alone."""


def rule(prompt: ReadPrompt) -> str:
    """Open both legs of a spread two deviations from its mean, close both when it is back, and a leg that is left alone."""
    by_name = {spread.name: spread for spread in prompt.spreads}
    ideas = [_leave(held, by_name, prompt) for held in prompt.positions.values()]
    taken = set(prompt.positions)
    room, slots = prompt.largest_size_percent, prompt.max_open_positions - len(prompt.positions)
    for spread in sorted(prompt.spreads, key=lambda s: (-abs(s.zscore or Decimal(0)), s.name)):
        if room < 2 * LEG_PERCENT or slots < 2:
            break
        if _apart(spread) and not taken & {spread.first, spread.second} and (legs := list(_legs(spread, prompt))):
            ideas += legs
            taken |= {spread.first, spread.second}
            room, slots = room - 2 * LEG_PERCENT, slots - 2
    return answer(prompt, ideas)


def _apart(spread: ReadSpread) -> bool:
    score, life = spread.zscore, spread.half_life
    return (
        score is not None
        and life is not None
        and abs(score) >= FAR
        and life <= LONGEST_HALF_LIFE
        and spread.correlation >= TOGETHER
        and spread.hedge_ratio > 0
    )


def _legs(spread: ReadSpread, prompt: ReadPrompt) -> Iterator[Idea]:
    """Yield both legs, or nothing where one of them cannot be opened."""
    assert spread.zscore is not None  # _apart
    sides = (Action.OPEN_LONG, Action.OPEN_SHORT) if spread.zscore < 0 else (Action.OPEN_SHORT, Action.OPEN_LONG)
    markets = [prompt.symbols.get(spread.first), prompt.symbols.get(spread.second)]
    stops = [None if market is None else market.default_stop for market in markets]
    sizes = _sizes(spread.hedge_ratio)
    legs = []
    for market, side, stop, size in zip(markets, sides, stops, sizes, strict=True):
        if market is None or stop is None or side not in prompt.actions.get(market.symbol, ()):
            return
        why = f"{MARK} {spread.name}, zscore {spread.zscore}"
        legs.append(opening(market, side, why, "the spread goes on growing", stop, stop * 2, size))
    yield from legs


def _sizes(hedge_ratio: Decimal) -> tuple[int, int]:
    """Return the legs' sizes, percent of equity: the larger one is `LEG_PERCENT`, the other at least half of that."""
    ratio = min(max(hedge_ratio, Decimal("0.5")), Decimal(2))
    return (LEG_PERCENT, int(LEG_PERCENT * ratio)) if ratio <= 1 else (int(LEG_PERCENT / ratio), LEG_PERCENT)


def _leave(held: ReadPosition, by_name: dict[str, ReadSpread], prompt: ReadPrompt) -> Idea:
    """Return what to do with a leg: the spread is looked up under the name that its own reason gives."""
    spread = next((s for name, s in by_name.items() if f"{MARK} {name}," in held.reason), None)
    if spread is None or spread.zscore is None:
        return keep_or_close(held, False, "the spread is not known now")
    partner = spread.second if held.symbol == spread.first else spread.first
    long_spread = (held.side is PositionSide.LONG) == (held.symbol == spread.first)
    back = spread.zscore >= -NEAR if long_spread else spread.zscore <= NEAR
    alone = partner not in prompt.positions
    return keep_or_close(held, back or alone, f"{MARK} {spread.name}, zscore {spread.zscore}{', alone' if alone else ''}")


PLAYBOOK = Playbook(
    name="pairs-trading",
    version=1,
    brief=BRIEF,
    series={layout.CLOSE: 10, "volume": 3, "rsi14": 3, "atr14": 3},
    figures=("volatility_percent", layout.VOLUME_AVERAGE, "change_1h_percent", "change_4h_percent", "change_24h_percent"),
    spreads=True,
    stop_atr=Decimal(5),
    rule=rule,
    needs=frozenset({layout.SPREADS}),
)
