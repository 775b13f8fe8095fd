"""From the books to the orders: nothing here is repeated by Prefect, the client order ids decide what has happened."""

from __future__ import annotations

from arena import steps
from tasks.step import observed

settle = observed("settle")(steps.settle)
plan = observed("risk")(steps.plan)
execute = observed("execute")(steps.execute)
close = observed("book")(steps.close)
