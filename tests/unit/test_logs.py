"""What a log line looks like, that many processes may write one file, and what is blotted out."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from structlog.contextvars import bound_contextvars

from arena import logs
from arena.configuration import load_settings
from arena.errors import ModelFault
from arena.logs import configure_logging
from arena.redaction import keep_secret, redacted
from arena.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
LINES, WRITERS = 300, 4
WRITER = f"""
import logging, sys
from pathlib import Path
from arena import logs
from arena.settings import Settings
logs.FILE_BYTES, logs.FILES = 20_000, 100
logs.configure_logging(Settings(_env_file=None, log_file_path=Path("arena.log")))
for number in range({LINES}):
    logging.getLogger("arena.writer").info("%s %d %s", sys.argv[1], number, "long " * (number % 50))
"""


def configured(path: Path, **changes: Any) -> Path:
    file = path / "logs" / "arena.log"
    configure_logging(Settings(_env_file=None, log_file_path=file, **changes))
    return file


def lines(file: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


async def test_a_line_says_what_it_is_about_also_within_tasks_and_threads(tmp_path: Path) -> None:
    file, log = configured(tmp_path), logging.getLogger("arena.cycle")

    async def turn(llm_id: str) -> None:
        with bound_contextvars(competitor=llm_id):
            await asyncio.sleep(0)
            await asyncio.to_thread(log.warning, "no answer from %s", llm_id)

    with bound_contextvars(season="test", cycle=7):
        await asyncio.gather(turn("LLM-A"), turn("LLM-B"))
        log.info("booked")
    log.info("about nothing")
    found = lines(file)
    *turns, booked, nothing = found
    assert {(each["event"], each["season"], each["cycle"], each["competitor"]) for each in turns} == {
        (f"no answer from LLM-{letter}", "test", 7, f"LLM-{letter}") for letter in "AB"
    }
    assert {name: booked[name] for name in ("event", "level", "logger", "cycle")} == {
        "event": "booked",
        "level": "info",
        "logger": "arena.cycle",
        "cycle": 7,
    }
    assert "competitor" not in booked and "season" not in nothing and booked["timestamp"].endswith("Z")


def test_a_traceback_is_part_of_its_line(tmp_path: Path) -> None:
    file = configured(tmp_path)
    try:
        int("a\nb")
    except ValueError:
        logging.getLogger("arena.cycle").exception("it failed")
    (only,) = lines(file)
    assert only["event"] == "it failed" and "ValueError: invalid literal" in only["exception"]


def test_people_read_each_line_once_whatever_else_writes_to_the_console(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = (
        "import logging\nfrom arena.logs import configure_logging\nfrom arena.settings import Settings\n"
        "logging.basicConfig(level=logging.INFO)\nfor _ in range(2): configure_logging(Settings(_env_file=None))\n"
        "logging.getLogger('arena.cycle').info('booked')\nlogging.getLogger('prefect').info('theirs')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.count("booked") == 1 and "arena.cycle" in done.stdout and not done.stdout.startswith("{")
    assert "booked" not in done.stderr and "theirs" in done.stderr
    configure_logging(Settings(_env_file=None))
    logging.getLogger("arena.cycle").info("here")
    assert capsys.readouterr().out.count("here") == 1


@pytest.mark.slow
def test_many_processes_write_and_rotate_one_file_and_no_line_is_lost_or_torn(tmp_path: Path) -> None:
    environ = {"PYTHONPATH": str(ROOT)}
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, f"w{each}"], cwd=tmp_path, env=environ, stdout=subprocess.DEVNULL)
        for each in range(WRITERS)
    ]
    assert [each.wait(120) for each in writers] == [0] * WRITERS
    files = list(tmp_path.glob("arena.log*"))
    assert len(files) > 5, "it was rotated often"
    found = [tuple(line["event"].split()[:2]) for file in files for line in lines(file)]
    assert sorted(found) == sorted((f"w{writer}", str(number)) for writer in range(WRITERS) for number in range(LINES))


def test_the_oldest_files_are_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 1000)
    file = configured(tmp_path)
    for number in range(200):
        logging.getLogger("arena.cycle").info("line %d", number)
    assert len(list(file.parent.glob("arena.log*"))) == 1 + logs.FILES
    assert lines(file)[-1]["event"] == "line 199"


SECRET = "Sec/ret+key=9"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"u:{SECRET}".encode()).decode(),
        base64.b64encode(f"us:{SECRET}@".encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_secret_is_blotted_out_in_every_form(form: str) -> None:
    keep_secret([SECRET])
    told = redacted(f"GET /v1?token={form}&x=1 failed")
    assert "***" in told and form not in told and told.startswith("GET /v1?token=") and told.endswith("&x=1 failed")


@pytest.mark.parametrize(
    ("url", "hidden", "shown"),
    [
        ("discord://123456789012345678/aBcD-efgh_Token", "aBcD-efgh_Token", "discord is down"),
        ("warning|json://user:pass%2Fword1@hooks.example.com/alerts", "pass/word1", "hooks.example.com: no alerts for the user"),
        (
            "sendgrid://SG.abcdEFGH1234.ijklMNOP5678:me@mail.example.com/you@mail.example.com",
            "SG.abcdEFGH1234.ijklMNOP5678",
            "mail.example.com is down",
        ),
        (
            "postgresql://postgres:Xy7-long-password@db.example.com:5432/postgres",
            "Xy7-long-password",
            "postgres at db.example.com:5432",
        ),
    ],
)
def test_of_a_url_its_secret_parts_alone_are_blotted_out(url: str, hidden: str, shown: str) -> None:
    keep_secret([url])
    assert url not in redacted(f"it posts to {url}") and hidden not in redacted(f"key {hidden}") and redacted(shown) == shown


def test_words_are_no_secrets() -> None:
    keep_secret(["", "demo", "simulator", "simulator-A"])
    assert redacted("`arena simulator` runs the demo") == "`arena simulator` runs the demo"


def test_whoever_reads_secrets_keeps_them_out_of_logs_and_faults(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    env = tmp_path / "env"
    env.write_text(
        "LLM_A_PROVIDER=openai\nLLM_A_MODEL=m\nLLM_A_API_KEY=sk-of-A-alone-1\nLLM_B_BINANCE_SECRET_KEY=secret-of-B-1\nAPI_TOKEN=long-token-1"
    )
    load_settings(env)
    caplog.set_level(logging.DEBUG)
    anybody = logging.getLogger("somebody.else")
    try:
        Path("sk-of-A-alone-1").read_text()
    except OSError:
        anybody.exception("headers %s", {"Authorization": "Bearer long-token-1"})
    anybody.debug("%d", "secret-of-B-1")  # arguments that do not fit are told with the line
    assert all(secret not in caplog.text for secret in ("sk-of-A-alone-1", "secret-of-B-1", "long-token-1"))
    assert "No such file or directory: '***'" in caplog.text
    fault = ModelFault("it said: sk-of-A-alone-1", kind="bad_request", transient=False)
    assert str(fault) == "it said: ***"
