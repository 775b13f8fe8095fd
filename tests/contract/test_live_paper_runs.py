"""Several runs share one paper account in one store: none undoes what another did, and a dead run leaves no half of anything."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from arena.adapters.paper.book import PaperBook
from arena.adapters.paper.book_text import read_book
from arena.adapters.paper.live import LivePaperAccount
from arena.adapters.storage.sqlite import SqliteRecords
from arena.domain.competitor import SHARED_ACCOUNT
from arena.domain.order import OrderStatus, PositionSide
from tests.fakes.live import LiveTape
from tests.fakes.paper import TEST
from tests.fakes.rig import make

ROOT = Path(__file__).resolve().parents[2]
D = Decimal


def quoted() -> LiveTape:
    tape = LiveTape()
    for symbol, price in (("BTCUSDT", "50000"), ("ETHUSDT", "3000")):
        tape.trade(symbol, price)
    return tape


def opened(path: Path, tape: LiveTape) -> LivePaperAccount:
    return LivePaperAccount(SqliteRecords(path), tape, TEST, SHARED_ACCOUNT, D(1_000_000))


def stored(path: Path) -> PaperBook:
    with SqliteRecords(path) as records:
        found = asyncio.run(records.load_paper_book(TEST, SHARED_ACCOUNT))
    assert found is not None
    return read_book(found[1])


def check(book: PaperBook) -> None:
    """Every number of the account follows from its trades and incomes."""
    account = book.account
    assert account.wallet_balance == sum((entry.amount for entry in account.income), D(0))
    assert [entry.tran_id for entry in account.income] == list(range(1, len(account.income) + 1))
    for symbol in book.numbers.trades:
        assert [t.trade_id for t in account.trades if t.symbol == symbol] == list(range(1, book.numbers.trades[symbol] + 1))
    for (symbol, side), bucket in account.buckets.items():
        traded = (t.side.sign * t.quantity for t in account.trades if (t.symbol, t.position_side) == (symbol, side))
        assert bucket.signed_quantity == sum(traded, D(0))
    ids = sorted([*account.orders, *account.conditionals])
    assert ids == list(range(1, book.numbers.order + 1))


@pytest.mark.parametrize("seed", range(3))
def test_runs_that_trade_at_the_same_time_lose_nothing_of_each_other(tmp_path: Path, seed: int) -> None:
    """Four runs open, protect, look and close in any order, each with a clock that goes on."""
    path = tmp_path / "arena.sqlite"
    asyncio.run(opened(path, quoted()).prepare(["BTCUSDT", "ETHUSDT"], 5))

    async def run(name: str) -> list[str]:
        chance, tape, sent = Random(f"{seed} {name}"), quoted(), []
        account = opened(path, tape)
        for number in range(12):
            tape.wait(chance.random())
            if chance.random() < 0.3:
                tape.trade("BTCUSDT", "50000")
            symbol = chance.choice(["BTCUSDT", "ETHUSDT"])
            outcome = await account.place(make(f"BUY LONG 0.1 {symbol}", f"{name}-{number}-o"))
            assert outcome.status is OrderStatus.FILLED
            stop = await account.place(make(f"SELL LONG 0.1 {symbol} STOP_MARKET 100", f"{name}-{number}-s"))
            assert stop.status is OrderStatus.RESTING
            await account.fills({symbol: 0}, tape.now - timedelta(hours=1), tape.now)
            sent += [f"{name}-{number}-o", f"{name}-{number}-s"]
            if number % 3 == 0:
                assert await account.cancel(symbol, f"{name}-{number}-s", conditional=True)
                closed = await account.place(make(f"SELL LONG 0.1 {symbol}", f"{name}-{number}-c"))
                assert closed.status is OrderStatus.FILLED
                sent.append(f"{name}-{number}-c")
        return sent

    with ThreadPoolExecutor(4) as pool:
        sent = [client_id for found in pool.map(lambda name: asyncio.run(run(name)), "abcd") for client_id in found]
    book = stored(path)
    check(book)
    kept = [p.order.client_order_id for p in (*book.account.orders.values(), *book.account.conditionals.values())]
    assert sorted(kept) == sorted(sent)
    assert sum(book.account.position(s, PositionSide.LONG).quantity for s in ("BTCUSDT", "ETHUSDT")) == D("0.1") * 4 * 8
    assert len(book.account.resting) == 4 * 8
    assert all(earlier.time <= later.time for earlier, later in pairwise(book.account.trades)), "nobody goes back in time"


def test_a_run_that_was_overtaken_sees_what_the_other_did(tmp_path: Path) -> None:
    """Another run closes the position between this one's reading and writing: its own close is refused, not made twice."""
    path, tape = tmp_path / "arena.sqlite", quoted()
    slow, fast = opened(path, tape), opened(path, tape)

    async def overtaken() -> tuple[OrderStatus, str]:
        await slow.prepare(["BTCUSDT"], 5)
        await slow.place(make("BUY LONG 0.1 BTCUSDT", "opening"))
        save, slept = slow._books.save_paper_book, []

        async def late(*args: object) -> bool:
            if not slept:
                slept.append(await fast.place(make("SELL LONG 0.1 BTCUSDT", "faster")))
            return await save(*args)  # type: ignore[arg-type]

        slow._books.save_paper_book = late  # type: ignore[method-assign, assignment]
        outcome = await slow.place(make("SELL LONG 0.1 BTCUSDT", "slower"))
        return outcome.status, outcome.message

    status, message = asyncio.run(overtaken())
    assert status is OrderStatus.REFUSED and message.startswith("no_position_to_close")
    book = stored(path)
    check(book)
    assert [trade.client_order_id for trade in book.account.trades] == ["opening", "faster"]


RUN = """
import asyncio, sys, time
from pathlib import Path
from tests.contract.test_live_paper_runs import make, opened, quoted

async def run():
    tape = quoted()
    account = opened(Path(sys.argv[1]), tape)
    await account.prepare(["BTCUSDT"], 5)
    if sys.argv[2] == "stuck":
        async def never(*args):
            print("stuck", flush=True)
            time.sleep(60)
        account._books.save_paper_book = never
    for number in range(100_000):
        tape.wait(0.5)
        tape.trade("BTCUSDT", "50000")
        outcome = await account.place(make("BUY LONG 0.001 BTCUSDT", f"order-{number}"))
        print(outcome.client_order_id, outcome.status, flush=True)

asyncio.run(run())
"""


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.wait(10)


def start(begun: list[subprocess.Popen[str]], path: Path, how: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", RUN, str(path), how]
    begun.append(subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True))
    return begun[-1]


def test_a_run_killed_between_reading_and_writing_leaves_the_book_as_it_was(
    tmp_path: Path, begun: list[subprocess.Popen[str]]
) -> None:
    path = tmp_path / "arena.sqlite"
    asyncio.run(opened(path, quoted()).prepare(["BTCUSDT"], 5))
    asyncio.run(opened(path, quoted()).place(make("BUY LONG 0.001 BTCUSDT", "before")))
    before = path.read_bytes(), stored(path)
    process = start(begun, path, "stuck")
    assert process.stdout is not None and process.stdout.readline() == "stuck\n"
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    assert stored(path) == before[1]
    asyncio.run(opened(path, quoted()).place(make("BUY LONG 0.001 BTCUSDT", "after")))
    check(stored(path))


@pytest.mark.parametrize("seconds", [0.05, 0.21, 0.5])
def test_a_run_killed_at_any_moment_leaves_a_whole_book_with_everything_it_had_confirmed(
    tmp_path: Path, begun: list[subprocess.Popen[str]], seconds: float
) -> None:
    path = tmp_path / "arena.sqlite"
    process = start(begun, path, "running")
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    confirmed = [first, *process.stdout.readlines()]
    process.wait(10)
    book = stored(path)
    check(book)
    trades = [trade.client_order_id for trade in book.account.trades]
    assert trades == [f"order-{number}" for number in range(len(trades))]
    whole = [line.split()[0] for line in confirmed if line.endswith("filled\n")]
    assert whole and set(whole) <= set(trades) and len(trades) - len(whole) <= 1
