"""Alerts on their way: in order, once each, through an outage, beside a place that hangs, from several processes at once."""

from __future__ import annotations

import asyncio
import multiprocessing
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer

from arena.adapters.notifications.courier import Courier, read_waiting
from arena.adapters.notifications.destination import Destination
from arena.adapters.notifications.messages import FOLD_SECONDS, STUCK
from arena.adapters.notifications.notifier import QueuedNotifier
from arena.application.levels import Level
from arena.application.notifier import Receipt
from arena.application.record import AlertKind
from tests.fakes.webhook import Webhook
from tests.unit.test_notifications import alert

NO_LIMIT = 10_000


class Clock:
    def __init__(self) -> None:
        self.now = 1_900_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def webhook(httpserver: HTTPServer) -> Iterator[Webhook]:
    there = Webhook(httpserver)
    yield there
    there.released.set()


def courier(
    webhook: Webhook, clock: Callable[[], float] | None = None, *, level: Level = Level.INFO, limit: int = NO_LIMIT
) -> Courier:
    destination = Destination(f"to {webhook.path}", webhook.url, level)
    return Courier(destination, box(webhook), clock or Clock(), limit)


def box(webhook: Webhook) -> Path:
    return Path("alerts") / f"{webhook.path.strip('/')}.sqlite"


def waiting(webhook: Webhook) -> list[str]:
    return [each.key[2] for each in read_waiting(box(webhook))]


async def test_alerts_arrive_in_order_and_once_each_through_an_outage(webhook: Webhook) -> None:
    server = webhook.server
    notifier = QueuedNotifier([courier(webhook)])
    assert await notifier.notify([alert("1"), alert("2")]) == Receipt(sent=2)
    server.stop()
    assert await notifier.notify([alert("3")]) == Receipt(waiting=1, failing=1)
    again = QueuedNotifier([courier(webhook)])  # another process, which finds what the first has left
    assert await again.notify([alert("4"), alert("5")]) == Receipt(waiting=2), "nobody is asked again while the first fails"
    assert webhook.texts == ["1", "2"] and waiting(webhook) == ["3", "4", "5"]
    server.start()
    assert await again.notify([alert("6")]) == Receipt(sent=1)
    assert webhook.texts == ["1", "2", "3", "4", "5", "6"] and waiting(webhook) == []
    await notifier.deliver()
    assert len(webhook.texts) == 6


async def test_a_refusal_in_between_changes_no_order(webhook: Webhook) -> None:
    refusals = iter([False, True, True, False, True])
    webhook.refuses = lambda _: next(refusals, False)
    notifier = QueuedNotifier([courier(webhook)])
    notifier.keep([alert(text) for text in "abcd"])
    for _ in range(5):
        await notifier.deliver()
    assert webhook.texts == list("abcd")


async def test_the_file_is_its_owners_alone(webhook: Webhook) -> None:
    QueuedNotifier([courier(webhook)]).keep([alert("one")])
    assert {stat.S_IMODE(path.stat().st_mode) for path in box(webhook).parent.iterdir()} == {0o600}


async def test_a_destination_hears_what_it_wants_and_another_does_not_wait_for_it(
    webhook: Webhook, httpserver: HTTPServer
) -> None:
    all_of_it, urgent = webhook, Webhook(httpserver, "/urgent")
    all_of_it.refuses = lambda _: True
    notifier = QueuedNotifier([courier(all_of_it), courier(urgent, level=Level.CRITICAL)])
    told = [alert("trade"), alert("stop", AlertKind.STOPPED), alert("halt", AlertKind.HALTED)]
    assert await notifier.notify(told) == Receipt(sent=1, waiting=3, failing=1)
    assert urgent.texts == ["halt"] and waiting(all_of_it) == ["trade", "stop", "halt"]


@pytest.fixture
def another(webhook: Webhook) -> Iterator[Webhook]:
    """A place at another server: one that waits does nothing else."""
    with HTTPServer() as server:
        yield Webhook(server, "/well")
        webhook.released.set()


async def test_who_does_not_answer_is_not_waited_for_and_loses_nothing(webhook: Webhook, another: Webhook) -> None:
    """The hanging one answers after this test has seen everything else."""
    webhook.released.clear()
    hanging = Courier(Destination("hangs", SecretStr(f"{webhook.address}?rto=30")), box(webhook), Clock(), NO_LIMIT)
    well = another
    notifier = QueuedNotifier([hanging, courier(well)], patience_seconds=1.5)
    assert await notifier.notify([alert("1"), alert("2")]) == Receipt(sent=2, waiting=2, failing=1)
    assert webhook.asked.is_set() and webhook.arrived == [] and well.texts == ["1", "2"]
    assert await notifier.notify([alert("3")]) == Receipt(sent=1, waiting=1), "nobody sends beside the one that hangs"
    webhook.released.set()
    while waiting(webhook):
        await notifier.deliver()
    assert webhook.texts == ["1", "2", "3"], "what was taken in the end was not sent again"


async def test_cancellation_is_not_swallowed(webhook: Webhook) -> None:
    webhook.released.clear()
    notifier = QueuedNotifier([courier(webhook)])
    task = asyncio.create_task(notifier.notify([alert("one")]))
    await asyncio.to_thread(webhook.asked.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_repeated_alert_is_told_once_and_then_how_often(webhook: Webhook) -> None:
    clock = Clock()
    notifier = QueuedNotifier([courier(webhook, clock)])
    for _ in range(4):
        await notifier.notify([alert("the store is away", AlertKind.STORE)])
        clock.now += 60
    assert webhook.texts == ["the store is away"]
    clock.now += FOLD_SECONDS
    await notifier.deliver()
    assert webhook.texts[1:] == ["the store is away (3 times since 2030-03-17 17:47 UTC)"]


async def test_a_flood_is_told_in_as_many_messages_as_a_minute_has(webhook: Webhook) -> None:
    clock = Clock()
    notifier = QueuedNotifier([courier(webhook, clock, limit=3)])
    await notifier.notify([alert(text) for text in "abcdefg"])
    assert webhook.texts == ["a", "b", "c\nd\ne\nf\ng"]
    assert (await notifier.notify([alert("h")])).waiting == 1
    clock.now += 61
    await notifier.deliver()
    assert webhook.texts[3:] == ["h"]


async def test_a_message_that_is_refused_for_what_it_says_does_not_stand_in_the_way_for_ever(
    webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.refuses = lambda text: "poison" in text
    notifier = QueuedNotifier([courier(webhook)])
    notifier.keep([alert("poison"), alert("halted", AlertKind.HALTED)])
    for _ in range(STUCK):
        await notifier.deliver()
    assert webhook.texts == []
    await notifier.deliver()
    assert webhook.texts[0].startswith("an alert of opened could not be sent here") and webhook.texts[1:] == ["halted"]
    assert "dropped: poison" in caplog.text and waiting(webhook) == []


async def test_a_long_outage_is_not_taken_for_a_refusal(webhook: Webhook) -> None:
    webhook.refuses = lambda _: True
    notifier = QueuedNotifier([courier(webhook)])
    notifier.keep([alert("one"), alert("two")])
    for _ in range(STUCK + 3):
        await notifier.deliver()
    webhook.refuses = lambda _: False
    await notifier.deliver()
    assert webhook.texts == ["one", "two"]


async def test_where_no_file_can_be_had_alerts_are_sent_all_the_same(webhook: Webhook) -> None:
    box(webhook).parent.write_text("a file where the folder would be")
    notifier = QueuedNotifier([courier(webhook)])
    notifier.keep([alert("one")])
    webhook.refuses = lambda _: True
    assert await notifier.notify([alert("two")]) == Receipt(waiting=1, failing=1)
    webhook.refuses = lambda _: False
    assert await notifier.notify([alert("halt", AlertKind.HALTED)]) == Receipt(sent=1)
    assert webhook.texts == ["one", "two", "halt"]
    await notifier.deliver()
    assert len(webhook.texts) == 3


async def test_a_picture_waits_with_its_alert(webhook: Webhook, tmp_path: Path) -> None:
    picture = tmp_path / "curve.png"
    picture.write_bytes(b"\x89PNG")
    QueuedNotifier([courier(webhook)]).keep([alert("report", AlertKind.REPORT)], picture)
    await QueuedNotifier([courier(webhook)]).deliver()
    (sent,) = webhook.arrived
    assert [each["filename"] for each in sent["attachments"]] == ["curve.png"]


async def test_a_picture_that_is_refused_takes_no_text_with_it(webhook: Webhook, tmp_path: Path) -> None:
    (picture := tmp_path / "curve.png").write_bytes(b"\x89PNG")
    there = courier(webhook)
    send = there.destination.send
    there.destination.send = lambda text, level, pictures=(): not pictures and send(text, level)  # type: ignore[method-assign]
    notifier = QueuedNotifier([there])
    notifier.keep([alert("who leads", AlertKind.REPORT)], picture)
    for _ in range(STUCK + 1):
        await notifier.deliver()
    assert webhook.texts == ["who leads"] and waiting(webhook) == []


async def test_half_a_character_loses_nothing(webhook: Webhook) -> None:
    notifier = QueuedNotifier([courier(webhook)])
    assert await notifier.notify([alert("one"), alert("a provider said \ud83d"), alert("three")]) == Receipt(sent=3)
    assert webhook.texts == ["one", "a provider said ?", "three"]


def _tell(address: str, path: Path, who: str, count: int, begin: threading.Event) -> None:
    notifier = QueuedNotifier([Courier(Destination("there", SecretStr(address)), path, limit=NO_LIMIT)])

    async def tell() -> None:
        for number in range(count):
            await notifier.notify([alert(f"{who} {number}")])

    begin.wait(60)
    asyncio.run(tell())


def test_processes_that_send_at_once_send_every_alert_once_and_each_ones_in_order(webhook: Webhook) -> None:
    context = multiprocessing.get_context("spawn")
    begin = context.Event()
    given = [(webhook.address, box(webhook), who, 20, begin) for who in "ABC"]
    senders = [context.Process(target=_tell, args=each) for each in given]
    for sender in senders:
        sender.start()
    begin.set()
    for sender in senders:
        sender.join(120)
    assert [sender.exitcode for sender in senders] == [0, 0, 0] and waiting(webhook) == []
    for who in "ABC":
        assert [text for text in webhook.texts if text.startswith(who)] == [f"{who} {number}" for number in range(20)]
    assert len(webhook.texts) == 60


def test_who_dies_while_sending_keeps_nobody_from_sending_what_is_left(webhook: Webhook) -> None:
    """The message that was under way may have arrived: it is sent again rather than lost."""
    webhook.released.clear()
    context = multiprocessing.get_context("spawn")
    begin = context.Event()
    begin.set()
    sender = context.Process(target=_tell, args=(webhook.address, box(webhook), "A", 1, begin))
    sender.start()
    assert webhook.asked.wait(60)
    sender.kill()
    sender.join(30)
    webhook.released.set()
    notifier = QueuedNotifier([courier(webhook, time.time)])
    assert asyncio.run(notifier.notify([alert("after")])) == Receipt(sent=1)
    assert webhook.texts[-2:] == ["A 0", "after"] and waiting(webhook) == []
