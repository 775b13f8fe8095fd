"""Alerts through the real Apprise, to servers on loopback."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from arena.adapters.notifications import AppriseNotifier, SilentNotifier, telegram_url
from arena.application.record import Alert, AlertKind
from arena.errors import ConfigurationError
from tests.fakes.build import NOON, A

TOKEN = "123456789:AbCdEfGhIjKlMnOpQrStUvWxYz012345678"


def alerts(*texts: str) -> list[Alert]:
    return [Alert(kind=AlertKind.OPENED, llm_id=A, text=text, time=NOON) for text in texts]


def destination(server: HTTPServer, path: str = "/alerts", options: str = "") -> SecretStr:
    return SecretStr(f"json://{server.host}:{server.port}{path}{options}")


@pytest.fixture
def delivered(httpserver: HTTPServer) -> list[tuple[str, str]]:
    """The (title, text) of what arrived at /alerts."""
    arrived: list[tuple[str, str]] = []

    def take(request: Request) -> Response:
        sent = json.loads(request.get_data())
        arrived.append((sent["title"], sent["message"]))
        return Response("ok")

    httpserver.expect_request("/alerts", method="POST").respond_with_handler(take)
    return arrived


@pytest.fixture
def hanging(httpserver: HTTPServer) -> Iterator[str]:
    """A path that answers when the test is over."""
    over = threading.Event()

    def wait(_: Request) -> Response:
        over.wait(20)
        return Response("late")

    httpserver.expect_request("/hangs").respond_with_handler(wait)
    yield "/hangs"
    over.set()


async def test_one_message_per_alert_in_order(httpserver: HTTPServer, delivered: list[tuple[str, str]]) -> None:
    texts = ["LLM-A opened long 0.01 BTCUSDT at 65000", "a < b & c > d – 1 %", "LLM-B is liquidated"]
    await AppriseNotifier([destination(httpserver)]).notify(alerts(*texts))
    assert delivered == [("LLM Trading Arena", text) for text in texts]


async def test_no_alerts_no_message(httpserver: HTTPServer, delivered: list[tuple[str, str]]) -> None:
    await AppriseNotifier([destination(httpserver)]).notify([])
    assert delivered == []


async def test_a_failing_destination_is_counted_and_keeps_nothing_from_the_others(
    httpserver: HTTPServer, delivered: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    httpserver.expect_request("/broken").respond_with_data("no", status=500)
    notifier = AppriseNotifier([destination(httpserver, "/broken"), destination(httpserver)])
    await notifier.notify(alerts("one", "two"))
    assert [text for _, text in delivered] == ["one", "two"]
    assert "2 of 2 alerts were not delivered" in caplog.text


async def test_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    notifier = AppriseNotifier([SecretStr("json://127.0.0.1:1/alerts")])
    await notifier.notify(alerts("one"))
    assert "1 of 1 alerts were not delivered" in caplog.text


async def test_a_hanging_destination_costs_no_more_than_the_limit(
    httpserver: HTTPServer, hanging: str, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = AppriseNotifier([destination(httpserver, hanging, "?rto=1.5")], limit_seconds=0.3)
    began = time.perf_counter()
    await notifier.notify(alerts("one", "two", "three"))
    assert 0.25 <= time.perf_counter() - began < 0.8
    assert "3 of 3 alerts were not delivered" in caplog.text


async def test_a_destination_with_a_defect_does_not_raise(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import apprise

    async def defect(*_: object, **__: object) -> bool:
        raise RuntimeError(f"tgram://{TOKEN}")

    monkeypatch.setattr(apprise.Apprise, "async_notify", defect)
    await AppriseNotifier([destination(httpserver)]).notify(alerts("one"))
    assert "an alert destination failed (RuntimeError)" in caplog.text
    assert TOKEN not in caplog.text


async def test_cancellation_is_not_swallowed(httpserver: HTTPServer, hanging: str) -> None:
    task = asyncio.create_task(AppriseNotifier([destination(httpserver, hanging, "?rto=1")]).notify(alerts("one")))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_telegram_token_is_in_no_log(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Telegram's address holds the token, and Apprise and urllib3 log addresses."""
    from apprise.plugins.telegram import NotifyTelegram

    caplog.set_level(logging.DEBUG)
    with HTTPServer() as server:
        server.expect_request(f"/bot{TOKEN}/sendMessage").respond_with_json({"ok": False, "description": "no"}, status=400)
        monkeypatch.setattr(NotifyTelegram, "notify_url", server.url_for("/bot"))
        await AppriseNotifier([telegram_url(TOKEN, "-1001")]).notify(alerts("one"))
    await AppriseNotifier([telegram_url(TOKEN, "-1001")]).notify(alerts("two"))  # the server is gone
    own = [
        record
        for record in caplog.records
        if record.name in {"apprise", "urllib3.connectionpool", "arena.adapters.notifications"}
    ]
    told = "\n".join(record.getMessage() for record in own)
    assert "***" in told
    assert TOKEN.split(":")[1] not in told
    assert "1 of 1 alerts were not delivered" in told


async def test_telegram_shows_what_looks_like_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    from apprise.plugins.telegram import NotifyTelegram

    with HTTPServer() as server:
        server.expect_request(f"/bot{TOKEN}/sendMessage").respond_with_json({"ok": True})
        monkeypatch.setattr(NotifyTelegram, "notify_url", server.url_for("/bot"))
        await AppriseNotifier([telegram_url(TOKEN, "-1001")]).notify(alerts("margin <1.2 & *falling*"))
        ((request, _),) = server.log
    sent = json.loads(request.get_data())
    assert sent["parse_mode"] == "HTML"
    assert "margin &lt;1.2 &amp; *falling*" in sent["text"].replace("&nbsp;", " ")


def test_telegram_url() -> None:
    url = telegram_url(TOKEN, "-100200300")
    assert url.get_secret_value() == f"tgram://{TOKEN}/-100200300"
    assert TOKEN not in repr(url)
    AppriseNotifier([url])


@pytest.mark.parametrize(("token", "chat_id", "variable"), [("abc", "1", "TOKEN"), ("", "1", "TOKEN"), (TOKEN, "", "CHAT_ID")])
def test_telegram_settings_that_cannot_be(token: str, chat_id: str, variable: str) -> None:
    with pytest.raises(ConfigurationError, match=f"TELEGRAM_.*{variable}") as caught:
        telegram_url(token, chat_id)
    assert TOKEN not in str(caught.value)


def test_url_that_apprise_does_not_know(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigurationError, match="alert destination 1"):
        AppriseNotifier([SecretStr("nosuchplace://secret-token-77/x")])
    assert "secret-token-77" not in caplog.text


async def test_silence(caplog: pytest.LogCaptureFixture) -> None:
    await SilentNotifier().notify(alerts("one"))
    assert caplog.text == ""
