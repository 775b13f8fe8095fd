"""Leaving a pair together: where all who are in it leave, their stops and targets are cancelled at once (decision 12).

Right after it the pair is closed, before the next pair's protection is touched. The closes are sent in the cycle's order, and
none waits for another's answer: all of them are without their stops.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from arena.application.execution import leave
from arena.application.ports import Exchange
from arena.application.sending import Execution, cancelled_together
from arena.application.venue import CaughtUp
from arena.domain.competitor import CompetitorId
from arena.domain.ledger import Ledger
from arena.domain.plan import Exit, OrderPlan
from arena.together import together

# Of the mark price. An order so near to its trigger is cancelled by its own name, which says whether it has just been filled. No
# price goes further in the tenth of a second between two requests; if one did, its owner would close too much, and is flattened.
NEAR = Decimal("0.005")

Exits = Sequence[tuple[CompetitorId, Exit]]


async def leave_together(
    plans: Mapping[CompetitorId, OrderPlan],
    caught: CaughtUp,
    entered: Collection[str],
    exchange: Exchange,
    done: Mapping[CompetitorId, Execution],
    now: Callable[[], datetime],
) -> None:
    """Carry out the exits of pairs that are left by all who are in them; what is not carried out is left to `execute`.

    Args:
        plans: In the cycle's order.
        caught: The books as of just now.
        entered: Pairs in which an opening may still be filled, whose stop stays.
        exchange: Of the account that all share.
        done: By competitor; what was carried out is noted in it.
        now: The clock that orders are noted by.
    """
    marks, kept = caught.shown_marks(), {*entered, *_kept(plans, caught.settlement.ledgers)}
    senders = [llm_id for llm_id, plan in plans.items() if plan.intents()]
    for symbol, exits in _by_pair(plans):
        near = any(_is_near(each, marks.get(symbol)) for _, each in exits)
        if symbol in kept or near or not _in_turn(exits, senders, done):
            continue
        names = [name for _, each in exits for name in each.cancels]
        ended = await cancelled_together(symbol, names, exchange, conditional=True)
        if ended:
            for llm_id, each in exits:
                done[llm_id].taken_back |= ended.keys() & set(each.cancels)
                done[llm_id].begin(now)
            await together(*(_leave(each, exchange, done[llm_id]) for llm_id, each in exits))


async def _leave(leaving: Exit, exchange: Exchange, done: Execution) -> None:
    done.left[leaving.key] = await leave(leaving, exchange, done)


def _kept(plans: Mapping[CompetitorId, OrderPlan], ledgers: Mapping[CompetitorId, Ledger]) -> set[str]:
    """Return the pairs in which somebody stays."""
    left = {(llm_id, each.key) for llm_id, plan in plans.items() for each in plan.exits}
    return {key[0] for llm_id, ledger in ledgers.items() for key in ledger.positions if (llm_id, key) not in left}


def _by_pair(plans: Mapping[CompetitorId, OrderPlan]) -> list[tuple[str, Exits]]:
    """Return the exits by pair, those first that most competitors leave."""
    pairs: dict[str, list[tuple[CompetitorId, Exit]]] = {}
    for llm_id, plan in plans.items():
        for each in plan.exits:
            pairs.setdefault(each.key[0], []).append((llm_id, each))
    return sorted(pairs.items(), key=lambda pair: -len(pair[1]))


def _in_turn(exits: Exits, senders: Sequence[CompetitorId], done: Mapping[CompetitorId, Execution]) -> bool:
    """Return whether nobody would begin to send before somebody who comes earlier in the cycle's order."""
    leavers = {llm_id for llm_id, _ in exits}
    earlier = senders[: max(map(senders.index, leavers))]
    return all(llm_id in leavers or done[llm_id].began_at is not None for llm_id in earlier)


def _is_near(leaving: Exit, mark: Decimal | None) -> bool:
    """Return whether a stop or target may be about to trigger, for all that is known."""
    if mark is None or (leaving.cancels and leaving.stop is None):
        return True
    triggers = [each.order.trigger_price for each in (leaving.stop, leaving.target) if each is not None]
    return any(price is None or abs(price - mark) < mark * NEAR for price in triggers)
