"""`arena notify` as a person runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from arena.alerting import open_notifier
from arena.application.record import AlertKind
from arena.settings import AlertSettings
from tests.fakes.webhook import Webhook
from tests.unit.test_notifications import alert

ROOT = Path(__file__).resolve().parents[2]


def notify(command: str, **settings: str) -> tuple[int, list[str]]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ended = subprocess.run(
        [sys.executable, "-m", "arena.cli", "notify", command],
        env={**kept, "PYTHONPATH": str(ROOT), "SEASON": "first", **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in ended.stderr
    return ended.returncode, (ended.stdout + ended.stderr).splitlines()


@pytest.fixture
def webhook(httpserver: HTTPServer) -> Webhook:
    return Webhook(httpserver)


@pytest.mark.slow
def test_a_test_goes_to_every_destination_whatever_its_level_and_says_who_has_not_taken_it(webhook: Webhook) -> None:
    well, secret = f"critical|{webhook.address}", "json://secret-user-77:secret-pass-77@127.0.0.1:1/hook"
    assert notify("test", NOTIFY_URLS=well) == (0, ["ok   NOTIFY_URLS 1 (JSON)"])
    assert webhook.texts == ["A test of first: alerts arrive."]
    code, lines = notify("test", NOTIFY_URLS=f"{secret} {well}", LOG_LEVEL="DEBUG")
    assert code == 1 and len(webhook.texts) == 2
    said = [line for line in lines if not line.startswith("WARNING")]
    assert said[0].startswith("FAIL NOTIFY_URLS 1 (JSON): ") and said[1:] == ["ok   NOTIFY_URLS 2 (JSON)"]
    assert not any("secret-" in line for line in lines)


@pytest.mark.slow
def test_a_destination_that_cannot_be_is_one_sentence(webhook: Webhook) -> None:
    code, (said,) = notify("test", NOTIFY_URLS=f"{webhook.address} secret-77://x")
    assert code == 2 and said.startswith("arena: NOTIFY_URLS 2 cannot be used: ") and "secret-77" not in said
    code, (said,) = notify("test", NOTIFY_URLS=webhook.address, NOTIFY_LEVEL="loud")
    assert code == 2 and "NOTIFY_LEVEL" in said and "'critical'" in said
    assert notify("test") == (1, ["no alerts are wanted: set TELEGRAM_NOTIFICATIONS_ENABLED or NOTIFY_URLS"])


@pytest.mark.slow
def test_what_waits_is_shown_with_what_is_configured_no_more(webhook: Webhook) -> None:
    outboxes = Path("runs/first/alerts")
    two = AlertSettings(_env_file=None, notify_urls=f"{webhook.address} critical|{webhook.address}")  # type: ignore[arg-type]
    open_notifier(two, outboxes).keep([alert("LLM-A opened long"), alert("first is halted", AlertKind.HALTED)])
    code, lines = notify("pending", NOTIFY_URLS=webhook.address)
    assert (code, webhook.texts) == (0, []), "nothing is sent"
    assert [line if line[0] != " " else line.split("UTC")[1].split() for line in lines] == [
        "NOTIFY_URLS 1 (JSON): 2 waiting",
        ["info", "LLM-A", "opened", "long"],
        ["critical", "first", "is", "halted"],
        "notify-urls-2, which is not configured any more: 1 waiting",
        ["critical", "first", "is", "halted"],
    ]
    assert notify("pending")[1][0] == "notify-urls-1, which is not configured any more: 2 waiting"
