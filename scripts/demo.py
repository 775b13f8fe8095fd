"""`make demo`: three competitors trade against the simulator, through the production path, in accelerated time.

Simple rules answer in the place of language models. What can be asked for: scripts/demo_request.py.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from scripts.demo_request import Cast, Demo
from scripts.demo_season import play
from scripts.rules import RULES, competing_rules


@contextlib.contextmanager
def rules(demo: Demo) -> Iterator[list[str]]:
    """The simulator answers in the place of the providers, too."""
    yield competing_rules(demo.simulator_url)


def main() -> int:
    """Run the demo; return 0 when every cycle was booked and recorded."""
    return play(Cast(command="make demo", competitors=len(RULES), cycles=24, directory="runs/demo", answering=rules))


if __name__ == "__main__":
    sys.exit(main())
