"""Which competitors are one model: the same model entered twice is one contestant, and shows how far it differs from itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from arena.analysis.resampling import Floats
from arena.verdict.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A model in a season.

    Attributes:
        name: Of the model; with its provider where two of them have a model of that name.
        llm_ids: Of its replicas; one mostly.
        columns: Of them, among the season's competitors.
    """

    name: str
    llm_ids: tuple[str, ...]
    columns: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    """How far models differ from themselves, beside how far they differ from each other; ROI as a fraction.

    Attributes:
        name: Of the model.
        llm_ids: Its replicas.
        within: Between the best and the worst of them.
        between: Between the best and the worst model, each by the mean of its replicas; None where there is but one.
    """

    name: str
    llm_ids: tuple[str, ...]
    within: float
    between: float | None


def contestants(competitors: Sequence[Row]) -> tuple[Contestant, ...]:
    """Return who is compared: the models, and where there is none, the rules that play in their place."""
    playing = [(column, row) for column, row in enumerate(competitors) if not row["baseline"]] or list(enumerate(competitors))
    groups: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for column, row in playing:
        groups.setdefault((row["provider"], row["model"]), []).append((column, row["llm_id"]))
    models = [model for _, model in groups]
    return tuple(
        Contestant(
            name=model if models.count(model) == 1 else f"{model} ({provider})",
            llm_ids=tuple(llm_id for _, llm_id in members),
            columns=tuple(column for column, _ in members),
        )
        for (provider, model), members in groups.items()
    )


def gains_of(playing: Sequence[Contestant], gains: Floats) -> Floats:
    """Return the contestants' gains, the mean of their replicas', shape (T, contestants), of the competitors', shape (T, K)."""
    return np.column_stack([gains[:, each.columns].mean(axis=1) for each in playing])


def replicas(playing: Sequence[Contestant], roi: Floats) -> tuple[Replicas, ...]:
    """Return how far each model that plays more than once differs from itself.

    Args:
        playing: All models.
        roi: Of the competitors, fractions.
    """
    means = [float(roi[list(each.columns)].mean()) for each in playing]
    between = max(means) - min(means) if len(means) > 1 else None
    return tuple(
        Replicas(name=each.name, llm_ids=each.llm_ids, within=float(np.ptp(roi[list(each.columns)])), between=between)
        for each in playing
        if len(each.columns) > 1
    )
