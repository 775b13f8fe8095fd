"""Demos as a user runs them: processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def start(directory: Path, module: str = "scripts.demo", **variables: str) -> subprocess.Popen[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "DEMO_"))}
    return subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env={**environ, "DEMO_DIR": str(directory), **variables},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def processes_of(directory: Path) -> list[str]:
    """Return the command lines of processes that the demo in this directory has started and that still run."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"DEMO_DIR={directory}".encode() in environ.read_bytes().split(b"\0"):
                found.append((environ.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def run(directory: Path, module: str = "scripts.demo", **variables: str) -> tuple[int, str]:
    process = start(directory, module, **variables)
    try:
        output, _ = process.communicate(timeout=300)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(30)
    return process.returncode, output
