"""The engines that this one is compared with. They are not a part of the project: an interpreter and a script are named to it.

PEERS_SCRIPT=  runs them: `peers.py rsi N_SYMBOLS`, `peers.py margin N_COMPETITORS`; the last line is one JSON object
PEERS_PYTHON=  the interpreter that has them; where left out, the one in PEERS_HOME, or in arena-peers in the user's cache
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import SHARED

HUNGRY = 50  # competitors from which on the peers take gigabytes
ENOUGH_BYTES = 12 * 2**30
PATIENCE_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Peers:
    """Where the peers are."""

    interpreter: Path
    script: Path

    def measured(self, work: str, size: int) -> dict[str, Any] | str:
        """Return what a peer says of a work, or why it does not do it."""
        if work == "margin" and size >= HUNGRY and available_bytes() < ENOUGH_BYTES:
            return f"{size} competitors take the peer more memory than this machine has free"
        command = [str(self.interpreter), str(self.script), work, str(size)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            return f"the peer needs more than {PATIENCE_SECONDS} s"
        if done.returncode != 0:
            return f"the peer ended with {done.returncode}: {(done.stderr.strip() or 'it said nothing').splitlines()[-1]}"
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def find_peers() -> Peers | str:
    """Return the peers of this machine, or a sentence that says how to get them."""
    script = Path(os.environ.get("PEERS_SCRIPT") or SHARED / "bench" / "peers.py")
    if not script.is_file():
        return "the peers are not compared: name their script by PEERS_SCRIPT=path/to/peers.py"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = Path(os.environ.get("PEERS_HOME") or cache / "arena-peers")
    interpreter = Path(os.environ.get("PEERS_PYTHON") or home / "bin" / "python")
    if not interpreter.is_file():
        return (
            f"the peers are not compared: there is no {interpreter}; make it with `python3 -m venv` and "
            "`pip install 'vectorbt[rust]' TA-Lib backtesting pyarrow`, or name another by PEERS_PYTHON="
        )
    return Peers(interpreter, script)


def available_bytes() -> int:
    """Return how much memory may be taken on this machine."""
    import psutil

    return int(psutil.virtual_memory().available)
