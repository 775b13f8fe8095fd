"""`make chaos SEED=1 CYCLES=500`: a season under faults and kills, and whether the books survive it to the last digit.

    python -m tests.chaos [--seed 1] [--cycles 500] [--mode shared|separate] [--storm 0.06] [--kills 0.5]

Every cycle and every look is a process of its own (a fork) against the simulator, through python-binance. The last line is one
JSON object; the exit code is 0 when nothing was lost, doubled or left behind and no position was naked for too long.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from arena.adapters.recorded import generate_market
from arena.adapters.storage.sqlite import SqliteRecords
from arena.audit.verify import read_verification
from arena.domain.competitor import SeasonId
from scripts.processes import default_signals, free_port, python, running
from tasks.protection import BLIND_SECONDS, LOOK_SECONDS
from tests.chaos.audit import Audit, audit, naked, orphans
from tests.chaos.run import Life, forked
from tests.chaos.weather import rules

INTERVAL = 300
WARM_UP = 500
LETTERS = "ABC"
DEADLINE_SECONDS = 15
RECOVERY_LOOKS = 20  # at most
JUMP_SHARE = 0.03  # of the cycles before which a price jumps by 40 %
START = datetime(2030, 1, 1, tzinfo=UTC)
TOGETHER = ("DELETE /fapi/v1/algoOpenOrders", "DELETE /fapi/v1/batchOrders")


@dataclass(slots=True)
class Season:
    """The running rehearsal."""

    seed: int
    cycles: int
    mode: str
    kills: float
    directory: Path
    http: httpx.Client
    dice: random.Random
    booked: int = 0
    failed: int = 0
    ended_well: bool = False
    spared: bool = False
    boundaries: int = 60  # of a whole cycle, as of the last one that was not killed
    deck: list[int] = field(default_factory=list)
    killed_at: Counter[str] = field(default_factory=Counter)
    halts: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def play(self) -> None:
        """Play every cycle, with looks in between."""
        first = self._now() + timedelta(seconds=INTERVAL) - timedelta(seconds=self._now().timestamp() % INTERVAL)
        for number in range(self.cycles):
            self._move_to(first + timedelta(seconds=number * INTERVAL))
            if self.dice.random() < JUMP_SHARE:
                self._jump()
            self._cycle()
            self._look_as_scheduled(self._quiet_looks())
            if self.dice.random() < 0.4:
                self._advance(self.dice.uniform(30, 200))
                self._look_as_scheduled(1)
            if (number + 1) % 50 == 0:
                print(f"{number + 1} cycles, {self.killed_at.total()} kills, {self.failed} given up", flush=True)

    def calm(self) -> None:
        """End the faults and look until there is nothing more to do; a halt ends the limit orders that still rest."""
        self.http.delete("/simulator/faults").raise_for_status()
        (self.directory / "runs" / "chaos" / "HALT").write_text("the rehearsal is over\n")
        for _ in range(RECOVERY_LOOKS // 2):
            self._advance(40)  # beyond what an unknown order is waited for
            self._fork("look", 0)

    def _cycle(self) -> None:
        life = self._fork("cycle", self._drawn() if self.dice.random() < self.kills else 0)
        self.ended_well = not life.killed and life.said.startswith("cycle")
        if self.ended_well:
            self.booked, self.boundaries = self.booked + 1, max(20, life.crossed)
        elif life.said.startswith("halted"):
            self.halts.append(life.said)
            (self.directory / "runs" / "chaos" / "HALT").unlink(missing_ok=True)
        elif not life.killed:
            self.failed += 1
            self.reasons[life.said.split(":")[0]] += 1

    def _drawn(self) -> int:
        """Draw a boundary to be killed at: each of a cycle once before any comes again."""
        if not self.deck:
            self.deck = self.dice.sample(range(1, self.boundaries + 1), self.boundaries)
        return self.deck.pop()

    def _quiet_looks(self) -> int:
        """Return how many looks in a row must find nothing to do before time may jump."""
        return 1 if self.ended_well else 3

    def _look_as_scheduled(self, quiet_looks: int) -> None:
        """Look every few seconds, as the sweeps do, until there is nothing to do; then nothing happens until prices move."""
        self._advance(self.dice.uniform(0, LOOK_SECONDS))
        quiet = 0
        for _ in range(RECOVERY_LOOKS):
            said = self._look()
            quiet = quiet + 1 if said == "nothing" else 0
            if quiet == quiet_looks:
                return
            self._advance(BLIND_SECONDS if said == "blind" else LOOK_SECONDS)

    def _look(self) -> str:
        """Look once; return what was done. After a look that was killed the next one is spared: somebody must live to protect."""
        deadly = self.dice.randint(1, 12) if not self.spared and self.dice.random() < self.kills / 4 else 0
        life = self._fork("look", deadly)
        self.spared = life.killed
        return life.said

    def _jump(self) -> None:
        symbol, percent = self.dice.choice(["BTCUSDT", "DOGEUSDT", "SOLUSDT"]), self.dice.choice([-40, 40, 67])
        self.http.post("/simulator/jump", json={"symbol": symbol, "percent": percent}).raise_for_status()

    def _fork(self, what: str, deadly: int) -> Life:
        life = forked(what, self.seed, deadly, self._now().timestamp())
        if life.killed:
            self.killed_at[f"{life.said} ({what})"] += 1
        return life

    def _now(self) -> datetime:
        return datetime.fromisoformat(self.http.get("/simulator/state").json()["now"])

    def _advance(self, seconds: float) -> None:
        self.http.post("/simulator/clock", json={"advance_seconds": seconds}).raise_for_status()

    def _move_to(self, instant: datetime) -> None:
        if instant > self._now():
            self.http.post("/simulator/clock", json={"to": instant.isoformat()}).raise_for_status()


def main() -> int:
    """Play the season; return 0 when the books survived it."""
    default_signals()
    wanted = _arguments()
    directory = Path(tempfile.mkdtemp(prefix="arena-chaos-"))
    began = time.monotonic()
    with ExitStack() as closing:
        closing.callback(shutil.rmtree, directory, ignore_errors=True) if not wanted.keep else None
        http = _start(wanted, directory, closing)
        season = Season(wanted.seed, wanted.cycles, wanted.mode, wanted.kills, directory, http, random.Random(wanted.seed))
        season.play()
        faults = sum(rule["fired"] for rule in http.get("/simulator/faults").json()["rules"])
        season.calm()
        verdict = _verdict(season, http, faults)
    verdict["seconds"] = round(time.monotonic() - began)
    print(json.dumps(verdict), flush=True)
    well = (
        verdict["books_equal"]
        and verdict["verified"]
        and not (verdict["lost"] or verdict["doubled"] or verdict["orphan_stops"] or verdict["halts"])
    )
    return 0 if well and verdict["naked_seconds_max"] <= DEADLINE_SECONDS else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cycles", type=int, default=500)
    parser.add_argument("--mode", choices=["shared", "separate"], default="shared")
    parser.add_argument("--storm", type=float, default=0.06, help="share of requests that meet a fault, roughly")
    parser.add_argument("--kills", type=float, default=0.5, help="share of cycles that are killed")
    parser.add_argument("--keep", action="store_true", help="leave the files")
    return parser.parse_args()


def _start(wanted: argparse.Namespace, directory: Path, closing: ExitStack) -> httpx.Client:
    """Start the simulator over a generated market, and prepare the environment that the forks read."""
    data = generate_market(directory / "market", wanted.seed, start=START, bars=WARM_UP + wanted.cycles + 60)
    url = f"http://127.0.0.1:{free_port()}"
    command = python("-m", "arena.cli", "simulator", "--data", str(data), "--port", url.rpartition(":")[2])
    command += ["--competitors", str(len(LETTERS)), "--balance", "600" if wanted.mode == "shared" else "200"]
    log, ready = directory / "simulator.log", f"{url}/fapi/v1/ping"
    closing.enter_context(running("the simulator", command, log, dict(os.environ), ready, 60))
    (directory / "arena.env").write_text(_environment(wanted, url))
    for name in [name for name in os.environ if name.startswith(("LLM_", "BINANCE_"))]:
        del os.environ[name]
    os.environ |= {"ARENA_ENV_FILE": str(directory / "arena.env"), "NO_PROXY": "127.0.0.1"}
    os.chdir(directory)
    http = closing.enter_context(httpx.Client(base_url=url, timeout=60, verify=False, trust_env=False))
    http.post("/simulator/faults", json={"seed": wanted.seed, "rules": rules(wanted.seed, wanted.storm)}).raise_for_status()
    return http


def _environment(wanted: argparse.Namespace, url: str) -> str:
    lines = ["ENVIRONMENT=demo", "SEASON=chaos", f"ACCOUNT_MODE={wanted.mode}", f"BINANCE_TESTNET_BASE_URL={url}", "TOTAL_LLMS=3"]
    lines += ["BINANCE_TESTNET_API_KEY=simulator", "BINANCE_TESTNET_SECRET_KEY=simulator", "LLM_MAX_DECISIONS_PER_HOUR=60"]
    lines += [f"PROTECTION_DEADLINE_SECONDS={DEADLINE_SECONDS}"]
    for letter in LETTERS:
        lines += [f"LLM_{letter}_PROVIDER=openai", f"LLM_{letter}_MODEL=gambler"]
        lines += [f"LLM_{letter}_BINANCE_API_KEY=simulator-{letter}", f"LLM_{letter}_BINANCE_SECRET_KEY=simulator-{letter}"]
    return "\n".join(lines) + "\n"


def _verdict(season: Season, http: httpx.Client, faults: int) -> dict[str, Any]:
    journal, asked = http.get("/simulator/journal").json(), http.get("/simulator/state").json()["requests"]
    (season.directory / "journal.json").write_text(json.dumps(journal, indent=1))
    verified = asyncio.run(_verified(season.directory))
    tables, now = asyncio.run(_tables(season.directory)), datetime.fromisoformat(journal["now"])
    traded = {"simulator": LETTERS} if season.mode == "shared" else {f"simulator-{letter}": letter for letter in LETTERS}
    accounts = {account["keys"][0]: account for account in journal["accounts"].values()}
    audits = [audit(accounts[key], now, tables, letters) for key, letters in traded.items()]
    for each in audits:
        for fault in each.faults:
            print(fault, file=sys.stderr)
    print(f"given up: {dict(season.reasons)}; killed {dict(sorted(season.killed_at.items()))}", file=sys.stderr)
    for name in (name for key in traded for name in orphans(accounts[key])):
        print(f"{name} rests and protects nothing", file=sys.stderr)
    worst = sorted((found for key in traded for found in naked(accounts[key], now)), reverse=True)[:3]
    print(f"longest without a stop: {worst}", file=sys.stderr)
    return {
        "cycles": season.cycles,
        "booked": season.booked,
        "given_up": season.failed,
        "faults": faults,
        "kills": season.killed_at.total(),
        "boundaries": len(season.killed_at),
        "halts": len(season.halts),
        "cancelled_together": {name: asked[name]["count"] for name in TOGETHER if name in asked},
        **_summed(audits),
        "verified": verified,
    }


def _summed(audits: Sequence[Audit]) -> dict[str, Any]:
    return {
        "fills": sum(each.fills for each in audits),
        "limit_fills": sum(each.limit_fills for each in audits),
        "lost": sum(each.lost for each in audits),
        "doubled": sum(each.doubled for each in audits),
        "orphan_stops": sum(each.orphan_stops for each in audits),
        "naked_seconds_max": round(max(each.naked_seconds for each in audits), 1),
        "books_equal": all(each.books_equal for each in audits),
    }


async def _verified(directory: Path) -> bool:
    """Return whether the records are what was booked; what is not goes to stderr."""
    with SqliteRecords(directory / "runs" / "chaos" / "arena.sqlite") as records:
        found = await read_verification(records, SeasonId("chaos"))
    print(found.sentence, *found.findings, sep="\n", file=sys.stderr)
    return found.verified


async def _tables(directory: Path) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    with SqliteRecords(directory / "runs" / "chaos" / "arena.sqlite") as records:
        names = ("fills", "positions", "llm_accounts")
        return {name: [row async for row in records.rows(name, SeasonId("chaos"))] for name in names}


if __name__ == "__main__":
    sys.exit(main())
