"""A real language model, small and on this machine, through the whole path: `make demo-llm` as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from arena.adapters.llm.build import build_model
from arena.application.language_model import Completion, LanguageModel, Prompt
from arena.application.parsing import parse_decision
from arena.domain.competitor import ModelSpec, Provider
from arena.domain.decision import Action, Decision, InvalidDecision
from scripts import local_model
from scripts.processes import free_port, python, running
from tests.e2e.demos import ROOT, processes_of, run, start
from tests.fakes import build, walk

SYMBOLS = ("BTCUSDT",)
SECONDS = 300.0  # a machine with other work needs many times what it needs alone


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if local_model.weights() is None:
        if os.environ.get("CI") == "true":
            pytest.fail(local_model.MISSING)
        pytest.skip(local_model.MISSING)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    base, log = f"http://127.0.0.1:{free_port()}", tmp_path_factory.mktemp("model") / "model.log"
    command = python("-m", "scripts.local_model", "--port", base.rpartition(":")[2])
    with running("the local model", command, log, {**os.environ, "PYTHONPATH": str(ROOT)}, f"{base}/health", 60):
        yield f"{base}/v1"


@asynccontextmanager
async def asked(url: str, seed: int, temperature: str, tokens: int) -> AsyncIterator[LanguageModel]:
    spec = ModelSpec(
        provider=Provider.OPENAI,
        model=local_model.NAME,
        max_tokens=tokens,
        temperature=Decimal(temperature),
        base_url=url,
        seed=seed,
    )
    model = build_model(spec, "local")
    yield model
    await model.close()


def question() -> Prompt:
    return walk.prompt(walk.moving_snapshot(SYMBOLS), build.ledger())


async def answer(url: str, seed: int, temperature: str = "0.9", tokens: int = 100) -> Completion:
    async with asked(url, seed, temperature, tokens) as model:
        return await model.complete(question(), SECONDS)


async def test_a_real_answer_keeps_to_the_schema_and_comes_with_tokens_and_time(url: str) -> None:
    completion = await answer(url, 1, "0.3", tokens=400)
    assert completion.stop_reason == "stop", "the list of decisions has a longest length, so that it ends"
    (*entries,) = json.loads(completion.text)["decisions"]
    assert len(entries) <= len(SYMBOLS)
    for entry in entries:
        assert entry["action"] in set(Action) and 0 <= entry["size_percent"] <= 100 and len(entry["reason"]) <= 300
    assert isinstance(parse_decision(completion.text, SYMBOLS), Decision | InvalidDecision)
    assert completion.model == local_model.NAME
    assert completion.input_tokens > 1500 and completion.output_tokens > 10 and completion.latency_ms > 100
    assert (completion.parameters["seed"], completion.parameters["temperature"]) == (1, 0.3)
    assert completion.cost_usd is None, "nobody names a price for it"


async def test_another_seed_gives_another_answer_and_the_same_seed_the_same(url: str) -> None:
    await answer(url, 1)  # what is read anew and what comes from the cache may differ in the last digit
    texts = [(await answer(url, seed)).text for seed in (1, 2, 3, 1)]
    assert len(set(texts[:3])) == 3
    assert texts[3] == texts[0]


def test_it_ends_on_sigterm_and_says_what_is_wrong_in_a_sentence(tmp_path: Path) -> None:
    port = str(free_port())
    command = [sys.executable, "-m", "scripts.local_model", "--port", port]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as first:
        assert first.stdout is not None
        assert any(f"answers at http://127.0.0.1:{port}/v1" in line for line in first.stdout)
        second = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False, timeout=60)
        assert second.returncode == 1 and f"is port {port} taken?" in second.stderr and "Traceback" not in second.stderr
        first.send_signal(signal.SIGTERM)
        assert first.wait(30) == 0


def test_a_cycle_of_three_seeds_runs_to_its_report(tmp_path: Path) -> None:
    directory = tmp_path / "demo-llm"
    code, output = run(directory, "scripts.demo_llm", DEMO_CYCLES="1")
    assert code == 0, output
    assert "far too small to trade" in output and "cycle   1/1" in output and "Traceback" not in output
    last = output.rstrip().splitlines()[-1]
    assert last.startswith("all") and " of  3 (" in last
    board = json.loads((directory / "leaderboard.json").read_text())
    assert [each["asked"] for each in board["competitors"]] == [1, 1, 1]
    assert not any(each["baseline"] for each in board["competitors"])
    with sqlite3.connect(directory / "arena.sqlite") as books:
        calls = books.execute("SELECT llm_id, parameters FROM model_calls WHERE text IS NOT NULL").fetchall()
    seeds = {(llm_id, json.loads(parameters)["seed"]) for llm_id, parameters in calls}
    assert seeds == {("LLM-A", 1), ("LLM-B", 2), ("LLM-C", 3)}
    report = (directory / "report.html").read_text()
    assert local_model.NAME in report and "seeds, which are chance and no setting: A 1, B 2, C 3" in report
    assert processes_of(directory) == []


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    directory = tmp_path / "demo-llm"
    process = start(directory, "scripts.demo_llm")
    assert process.stdout is not None
    assert any("server are up" in line for line in process.stdout)
    log = directory / "logs" / "model.log"
    deadline = time.monotonic() + 120
    while "processing task" not in log.read_text(errors="replace") and time.monotonic() < deadline:
        time.sleep(0.5)  # until the first competitor is being answered, and the others wait
    assert len(processes_of(directory)) >= 4
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(40) == 130
    process.stdout.close()
    assert processes_of(directory) == []
