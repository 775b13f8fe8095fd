"""`arena doctor` from the Prefect UI: can this worker reach everything?"""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed, Failed

from arena.doctor import Finding, examine


@flow(name="doctor")
async def doctor_check() -> State[None]:
    """Try every connection a season needs, where the worker runs; sends no order and uses no tokens."""
    findings = [finding async for finding in examine(PREFECT_API_URL.value() or "")]
    await acreate_table_artifact(table=[_row(each) for each in findings], key="doctor", description="What was tried, in order")
    wrong = [f"{each.subject}: {each.detail}" for each in findings if not each.well]
    return Failed(message="; ".join(wrong)) if wrong else Completed(message=f"all {len(findings)} are well")


def _row(finding: Finding) -> dict[str, str]:
    return {
        "": "ok" if finding.well else "FAIL",
        "what": finding.subject,
        "ms": str(finding.milliseconds),
        "found": finding.detail,
    }
