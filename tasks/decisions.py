"""Asking the models: all at the same time, under one deadline, each with its own retries.

One that fails is shown as failed, and the flow goes on without this competitor.
"""

from __future__ import annotations

from arena import steps
from tasks.step import observed

decide = observed("decide", task_run_name="decide {llm_id}")(steps.decide)
repair = observed("repair", task_run_name="repair {llm_id}")(steps.repair)
