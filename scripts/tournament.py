"""A tournament of replays from the terminal: what the `replay-tournament` deployment does, without a worker.

    python -m scripts.tournament --data path/to/5m --rules momentum,random --windows 100

Run again, it plays what is missing. More: docs/replay.md.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from pydantic import ValidationError

from arena.configuration import load_settings
from arena.errors import ArenaError
from arena.tournament import Tournament


def main() -> int:
    """Play it; return 0 when every season was played."""
    wanted = _arguments()
    try:
        interval = wanted.interval or load_settings().llm_decision_interval_seconds
        tournament = Tournament(
            data=wanted.data,
            name=wanted.name,
            playbooks=_list(wanted.playbooks),
            rules=_list(wanted.rules),
            seeds=tuple(range(wanted.seeds)),
            start=wanted.start and wanted.start.replace(tzinfo=UTC),
            windows=wanted.windows,
            hours=wanted.hours,
            interval_seconds=interval,
        )
        tournament.shards()
    except ValidationError as error:
        print(f"tournament: --{error.errors()[0]['loc'][0]}: {error.errors()[0]['msg']}", file=sys.stderr)
        return 2
    except ArenaError as error:
        print(f"tournament: {error}", file=sys.stderr)
        return 2
    from flows.replay_tournament import replay_tournament

    ended = replay_tournament(tournament, workers=wanted.workers, dask_address=wanted.dask, return_state=True)
    print(ended.message)
    return 0 if ended.is_completed() else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.tournament")
    parser.add_argument("--data", required=True, help="folder of candles")
    parser.add_argument("--name", default="tournament", help="results lie in runs/NAME")
    parser.add_argument("--playbooks", default="free", help="separated by commas")
    parser.add_argument("--rules", default="", help="that compete in place of the models of .env, separated by commas")
    parser.add_argument("--seeds", type=int, default=1, help="how many, from 0")
    parser.add_argument("--from", dest="start", type=datetime.fromisoformat, help="of the first window, UTC")
    parser.add_argument("--windows", type=int, default=10)
    parser.add_argument("--hours", type=float, default=24.0, help="length of a window")
    parser.add_argument("--interval", type=int, default=0, help="seconds between cycles; as in .env where left out")
    parser.add_argument("--workers", type=int, default=0, help="processes; as many as there are cores where left out")
    parser.add_argument("--dask", default="", help="address of a Dask scheduler")
    return parser.parse_args()


def _list(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


if __name__ == "__main__":
    sys.exit(main())
