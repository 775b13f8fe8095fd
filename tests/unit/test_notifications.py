"""Destinations through the real Apprise, to servers on loopback; how the settings name them, and what logs do not tell."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer

from arena.adapters.notifications.destination import Destination, read_urls, telegram_url
from arena.adapters.notifications.notifier import SilentNotifier
from arena.alerting import destinations_of, open_notifier
from arena.application.levels import Level
from arena.application.notifier import Receipt
from arena.application.record import Alert, AlertKind
from arena.errors import ConfigurationError
from arena.settings import AlertSettings
from tests.fakes.build import NOON, A
from tests.fakes.webhook import Webhook

TOKEN = "123456789:AbCdEfGhIjKlMnOpQrStUvWxYz012345678"


def alert(text: str, kind: AlertKind = AlertKind.OPENED) -> Alert:
    return Alert(kind=kind, llm_id=A, text=text, time=NOON)


def urls(text: str, level: Level = Level.INFO) -> list[tuple[str, Level]]:
    return [(each.name, each.level) for each in read_urls(SecretStr(text), level)]


def configured(**values: object) -> AlertSettings:
    return AlertSettings(_env_file=None, **values)  # type: ignore[arg-type]


def test_a_message_arrives_as_it_was_written_with_its_urgency_and_picture(httpserver: HTTPServer, tmp_path: Path) -> None:
    webhook, picture = Webhook(httpserver), tmp_path / "curve.png"
    picture.write_bytes(b"\x89PNG")
    there = Destination("there", webhook.url)
    assert there.send("a < b & c > d – 1 % *x*\nsecond line", Level.CRITICAL, [picture, tmp_path / "gone.png"])
    (sent,) = webhook.arrived
    assert (sent["title"], sent["message"]) == ("LLM Trading Arena", "a < b & c > d – 1 % *x*\nsecond line")
    assert sent["type"] == "failure" and [each["filename"] for each in sent["attachments"]] == ["curve.png"]


def test_what_is_not_taken_is_said_with_the_reason(httpserver: HTTPServer) -> None:
    refusing, nobody = Webhook(httpserver, refuses=lambda _: True), SecretStr("json://127.0.0.1:1/alerts")
    assert not Destination("there", refusing.url).send("one", Level.INFO)
    assert "500" in str(Destination("there", refusing.url).why_not("one"))
    assert Destination("nobody", nobody).why_not("one")
    assert Destination("there", Webhook(httpserver, "/well").url).why_not("one") is None


def test_a_destination_with_a_defect_does_not_raise(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import apprise

    def defect(*_: object, **__: object) -> bool:
        raise RuntimeError(f"tgram://{TOKEN}")

    monkeypatch.setattr(apprise.Apprise, "notify", defect)
    assert not Destination("there", Webhook(httpserver).url).send("one", Level.INFO)
    assert "there failed (RuntimeError)" in caplog.text and TOKEN not in caplog.text


def test_the_telegram_token_is_in_no_log(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Telegram's address holds the token, and Apprise and urllib3 log addresses."""
    from apprise.plugins.telegram import NotifyTelegram

    caplog.set_level(logging.DEBUG)
    telegram = Destination("Telegram", telegram_url(TOKEN, "-1001"))
    with HTTPServer() as server:
        server.expect_request(f"/bot{TOKEN}/sendMessage").respond_with_json({"ok": False, "description": "no"}, status=400)
        monkeypatch.setattr(NotifyTelegram, "notify_url", server.url_for("/bot"))
        assert "no" in str(telegram.why_not("one"))
    why = telegram.why_not("two")  # the server is gone
    own = [record for record in caplog.records if record.name in {"apprise", "urllib3.connectionpool", "arena.alerts"}]
    told = "\n".join([*(record.getMessage() for record in own), str(why)])
    assert "***" in told and TOKEN.split(":")[1] not in told


def test_telegram_shows_what_looks_like_markup_and_splits_what_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    from apprise.plugins.telegram import NotifyTelegram

    with HTTPServer() as server:
        server.expect_request(f"/bot{TOKEN}/sendMessage").respond_with_json({"ok": True})
        monkeypatch.setattr(NotifyTelegram, "notify_url", server.url_for("/bot"))
        telegram = Destination("Telegram", telegram_url(TOKEN, "-1001"))
        assert telegram.send("margin <1.2 & *falling*", Level.INFO) and telegram.send("x" * 5000, Level.INFO)
        sent = [json.loads(request.get_data()) for request, _ in server.log]
    assert sent[0]["parse_mode"] == "HTML"
    assert "margin &lt;1.2 &amp; *falling*" in sent[0]["text"].replace("&nbsp;", " ")
    assert len(sent) > 2 and sum(each["text"].count("x") for each in sent) == 5000


@pytest.mark.parametrize(
    ("token", "chat_id", "variable"),
    [
        ("abc", "1", "TOKEN"),
        ("", "1", "TOKEN"),
        (TOKEN, "", "CHAT_ID"),
        (TOKEN, "-100,-200", "CHAT_ID"),
        (TOKEN, "1 2", "CHAT_ID"),
    ],
)
def test_telegram_settings_that_cannot_be(token: str, chat_id: str, variable: str) -> None:
    with pytest.raises(ConfigurationError, match=f"TELEGRAM_.*{variable}") as caught:
        telegram_url(token, chat_id)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("between", [" ", ",", ", ", " ,\n ", ",,"])
def test_urls_stand_one_after_the_other_each_with_its_level(between: str) -> None:
    text = between.join(["json://127.0.0.1/a", "critical|json://127.0.0.1/b", "Warning|xml://127.0.0.1/c"])
    wanted = [Level.WARNING, Level.CRITICAL, Level.WARNING]
    assert urls(text, Level.WARNING) == [(f"NOTIFY_URLS {place}", level) for place, level in enumerate(wanted, 1)]


def test_a_comma_within_a_url_is_a_part_of_it(httpserver: HTTPServer) -> None:
    webhook = Webhook(httpserver, "/a,b")
    (there,) = read_urls(SecretStr(webhook.address), Level.INFO)
    assert there.send("one", Level.INFO) and webhook.texts == ["one"]


@pytest.mark.parametrize("wrong", ["nosuchplace://secret-token-77/x", "secret-token-77", "loud|json://secret-token-77/x"])
def test_a_url_that_cannot_be_used_is_named_by_its_place_alone(wrong: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ConfigurationError, match=r"^NOTIFY_URLS 2 cannot be used") as caught:
        urls(f"json://127.0.0.1/a {wrong} json://127.0.0.1/b")
    assert "secret-token-77" not in caplog.text + str(caught.value)


def test_a_url_of_several_places_is_refused_since_one_may_take_what_another_does_not() -> None:
    with pytest.raises(ConfigurationError, match=r"^NOTIFY_URLS 1 names several places at once") as caught:
        urls(f"tgram://{TOKEN}/1001/1002")
    assert TOKEN not in str(caught.value)
    assert len(urls(f"json://127.0.0.1/a?retry=2 tgram://{TOKEN}/1001")) == 2


def test_telegram_and_other_places_are_there_together_and_alone() -> None:
    telegram = {"telegram_notifications_enabled": True, "telegram_bot_token": TOKEN, "telegram_chat_id": "-1001"}
    both = destinations_of(configured(**telegram, notify_urls="json://127.0.0.1/a", notify_level="critical"))
    assert [(each.title, each.slug, each.level) for each in both] == [
        ("Telegram", "telegram", Level.CRITICAL),
        ("NOTIFY_URLS 1 (JSON)", "notify-urls-1", Level.CRITICAL),
    ]
    assert [each.name for each in destinations_of(configured(notify_urls="json://127.0.0.1/a"))] == ["NOTIFY_URLS 1"]


def test_where_nobody_wants_alerts_nothing_is_kept(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    notifier = open_notifier(configured(), tmp_path)
    assert isinstance(notifier, SilentNotifier) and asyncio.run(notifier.notify([alert("one")])) == Receipt()
    assert caplog.text == "" and list(tmp_path.iterdir()) == []
