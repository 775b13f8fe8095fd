"""What Prefect watches, and what it does then: definitions as data, applied by name, updated in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.automations import AutomationCore, EventTrigger, Posture
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ActionTypes, ChangeFlowRunState, DoNothing, RunDeployment, SendNotification

MISSED_INTERVALS = 3
SILENT_SECONDS = 90  # three heartbeats
QUIET_SECONDS = 900  # a deployment that crashes at every start is told of so often
RUN = "prefect.flow-run."
GOES_WELL = frozenset({f"{RUN}Completed", f"{RUN}Halted"})  # a state's name names its event
ENDINGS = GOES_WELL | {f"{RUN}{name}" for name in ("Skipped", "Failed", "TimedOut", "Cancelled", "Crashed")}
PROTECTING = ("protection-sweep", "emergency-shutdown")  # told of while the season is halted, too: nothing else protects then
ANYTHING = {"prefect.resource.id": f"{RUN}*"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What the automations look at and use.

    Attributes:
        deployments: Ids by name, `alert` among them.
        messengers: Notification blocks that the server itself sends with; none where no alerts are wanted.
        interval_seconds: Between two cycles.
    """

    deployments: Mapping[str, UUID]
    pool: UUID
    messengers: Sequence[UUID]
    interval_seconds: int


def automations(there: Registered) -> tuple[AutomationCore, ...]:
    """Return all of them."""
    others = [name for name in there.deployments if name not in (*PROTECTING, "alert")]
    return (
        _no_cycle(there),
        _crashed(there, "arena: a run crashed", others, while_halted=False),
        _crashed(there, "arena: a run that protects crashed", PROTECTING, while_halted=True),
        _silent(there),
        _no_worker(there),
    )


def _no_cycle(there: Registered) -> AutomationCore:
    seconds = MISSED_INTERVALS * there.interval_seconds
    return AutomationCore(
        name="arena: no cycle has completed",
        description=f"No trading cycle has completed for {MISSED_INTERVALS} intervals. Says nothing while the season is halted.",
        trigger=EventTrigger(
            match=ANYTHING,
            match_related=_runs_of(there, ["trading-cycle"]),
            expect=set(GOES_WELL),
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=seconds),
        ),
        actions=[
            _tell(
                there,
                "No cycle completes",
                f"No trading cycle has completed for {seconds} seconds. The Prefect UI shows why; `arena halt` if that is meant",
                while_halted=False,
            )
        ],
    )


def _crashed(there: Registered, name: str, deployments: Iterable[str], *, while_halted: bool) -> AutomationCore:
    names = list(deployments)
    even = "While the season is halted, too" if while_halted else "Says nothing while the season is halted"
    return AutomationCore(
        name=name,
        description=f"A run of {', '.join(names)} crashed. {even}; once in {QUIET_SECONDS // 60} minutes for each of them.",
        trigger=EventTrigger(
            match=ANYTHING,
            match_related=_runs_of(there, names),
            for_each={"related:deployment:prefect.resource.id"},
            expect={f"{RUN}Crashed"},
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(seconds=QUIET_SECONDS),
        ),
        actions=[
            _tell(
                there,
                "A run crashed",
                "{{ flow.name }} ({{ flow_run.name }}) crashed: look at it in the Prefect UI",
                while_halted=while_halted,
            )
        ],
    )


def _silent(there: Registered) -> AutomationCore:
    return AutomationCore(
        name="arena: a run has fallen silent",
        description=f"A run without a heartbeat for {SILENT_SECONDS} seconds is dead: it is Crashed, and the next may begin.",
        trigger=EventTrigger(
            match=ANYTHING,
            match_related=_runs_of(there, there.deployments),
            for_each={"prefect.resource.id"},
            after={f"{RUN}heartbeat"},
            expect={f"{RUN}heartbeat", *ENDINGS},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=SILENT_SECONDS),
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message=f"no heartbeat for {SILENT_SECONDS} seconds")],
    )


def _no_worker(there: Registered) -> AutomationCore:
    """The server sends this itself, since nobody is there who could run a deployment."""
    actions: list[ActionTypes] = [
        SendNotification(
            block_document_id=messenger,
            subject="The worker is gone",
            body="No worker answers for the work pool arena: no cycle and no sweep runs until one is started again",
        )
        for messenger in there.messengers
    ]
    return AutomationCore(
        name="arena: the worker is gone",
        description="No worker of the pool has been seen for a minute and a half. While the season is halted, too.",
        trigger=EventTrigger(
            match={"prefect.resource.id": f"prefect.work-pool.{there.pool}"},
            expect={"prefect.work-pool.not-ready"},
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=actions or [DoNothing()],
    )


def _runs_of(there: Registered, names: Iterable[str]) -> dict[str, Any]:
    ids = sorted(f"prefect.deployment.{there.deployments[name]}" for name in names)
    return {"prefect.resource.role": "deployment", "prefect.resource.id": ids}


def _tell(there: Registered, subject: str, text: str, *, while_halted: bool) -> RunDeployment:
    parameters = {"subject": subject, "text": text, "while_halted": while_halted}
    return RunDeployment(source="selected", deployment_id=there.deployments["alert"], parameters=parameters)


async def apply_automations(client: PrefectClient, wanted: Iterable[AutomationCore]) -> None:
    """Make those that are missing and change those that differ, by name; one that a person has switched off stays off."""
    for automation in wanted:
        found = await client.read_automations_by_name(automation.name)
        if not found:
            await client.create_automation(automation)
            continue
        kept = automation.model_copy(update={"enabled": found[0].enabled})
        if kept != AutomationCore.model_validate(found[0].model_dump(include=set(AutomationCore.model_fields))):
            given = kept.model_dump(exclude={"owner_resource"})  # an update must not name it, not even as None
            await client.update_automation(found[0].id, AutomationCore.model_validate(given))
