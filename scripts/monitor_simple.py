"""The season live in the terminal, until Ctrl-C; the same as `arena monitor`.

python -m scripts.monitor_simple        (or: python scripts/monitor_simple.py; --season NAME)
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it runs as a file

from arena.cli import main

if __name__ == "__main__":
    os.chdir(os.environ.get("ARENA_HOME", ROOT))  # from anywhere: `.env` and the books are the project's
    sys.argv = ["arena", "monitor", *sys.argv[1:]]
    main()
