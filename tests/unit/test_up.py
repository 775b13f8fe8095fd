"""What `make up` makes of a directory, an environment and a table."""

from __future__ import annotations

import configparser
import json
import socket
from datetime import timedelta
from pathlib import Path

import pytest

from arena.progress import in_words
from scripts.processes import free_port
from scripts.up import rehearsal
from scripts.up.base import Base, read_base
from scripts.up.programs import Program
from scripts.up.simulator import command
from scripts.up.status import Status, lines, to_json
from scripts.up.supervision import configuration


@pytest.fixture
def base(tmp_path: Path) -> Base:
    return Base(tmp_path)


def test_the_ports_are_kept_as_long_as_they_are_free(base: Base) -> None:
    base.ports_file.write_text(json.dumps({"prefect": free_port(), "worker": free_port()}))
    first = base.ports()
    assert base.ports() == first == base.kept_ports()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", first.prefect))
        other.listen()
        moved = base.ports()
    assert moved.prefect > first.prefect and moved.worker == first.worker
    assert base.ports().prefect == moved.prefect, "remembered, though the first one is free again"


def test_what_is_set_for_real_trading_reaches_no_rehearsal(base: Base) -> None:
    environ = {
        "BINANCE_API_KEY": "a-real-key",
        "environment": "mainnet",
        "LLM_A_API_KEY": "another",
        "PREFECT_API_URL": "https://prefect.example/api",
        "PATH": "/bin",
        "no_proxy": "example.org",
    }
    ports, file = base.ports(), base.directory / "arena.env"
    rehearsed = base.environment(environ, file, ports, rehearsal=True)
    assert not {"BINANCE_API_KEY", "environment", "LLM_A_API_KEY"} & rehearsed.keys()
    own = base.environment(environ, file, ports, rehearsal=False)
    assert (own["BINANCE_API_KEY"], own["environment"], own["LLM_A_API_KEY"]) == ("a-real-key", "mainnet", "another")
    for each in (rehearsed, own):
        assert each["PREFECT_API_URL"] == f"http://127.0.0.1:{ports.prefect}/api"
        assert each["NO_PROXY"] == "example.org,127.0.0.1,localhost"
        assert (each["PATH"], each["ARENA_ENV_FILE"]) == ("/bin", str(file))


@pytest.mark.parametrize(("interval", "deadline", "an_hour"), [("20", 10, 181), ("300", 90, 13), ("900", 90, 12)])
def test_a_rehearsals_settings_agree_at_every_interval(
    base: Base, monkeypatch: pytest.MonkeyPatch, interval: str, deadline: int, an_hour: int
) -> None:
    from arena.configuration import load_settings

    monkeypatch.setenv("LLM_DECISION_INTERVAL_SECONDS", interval)
    settings = load_settings(rehearsal.env_file(base))
    assert (settings.llm_deadline_seconds, settings.llm_max_decisions_per_hour) == (deadline, an_hour)
    assert [each.model.baseline for each in settings.competitors()] == [True] * 3
    text = (base.directory / "arena.env").read_text()
    monkeypatch.setenv("LLM_DECISION_INTERVAL_SECONDS", "60")
    assert rehearsal.env_file(base).read_text() == text, "written once: a person may have changed it"


def test_books_without_their_simulators_memory_are_refused(base: Base) -> None:
    from arena.configuration import load_settings

    settings = load_settings(rehearsal.env_file(base))
    (base.directory / "arena.sqlite").touch()
    with pytest.raises(ValueError, match="to begin anew"):
        command(base, settings)


def test_percent_signs_and_spaces_in_paths_reach_the_supervisor() -> None:
    base = Base(Path("/tmp/100% mine"))
    read = configparser.RawConfigParser()
    read.read_string(configuration(base, [Program(name="one", command=["/bin/echo", "50% of it"], ready_url="")]))
    assert read["program:one"]["command"] % {} == "/bin/echo '50% of it'"
    assert read["unix_http_server"]["file"] % {} == str(base.socket)


def test_a_path_that_is_too_long_for_a_socket_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UP_DIR", "/tmp/" + "long/" * 30)
    with pytest.raises(ValueError, match="set UP_DIR to a shorter one"):
        read_base()


def test_what_is_not_well_is_said(base: Base) -> None:
    assert lines(Status())[-1] == "All is well."
    halted = Status(faults=["the season is halted: by hand"])
    assert lines(halted)[-1] == "NOT WELL: the season is halted: by hand"
    assert json.loads(to_json(halted))["well"] is False and json.loads(to_json(Status()))["well"] is True


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (7260, "2 h 1 min"), (90_000, "1 d 1 h")]
)
def test_durations_in_words(seconds: int, words: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == words
