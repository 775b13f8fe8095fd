"""The store: repeated on faults, since every write is idempotent."""

from __future__ import annotations

from arena import steps
from tasks.step import observed

begin = observed("open")(steps.begin)
write_intents = observed("intents")(steps.write_intents)
append = observed("append")(steps.append)
