"""Finds the playbooks and the rules: every module of this package that has a `PLAYBOOK`, and the benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from arena import strategies
from arena.strategies.benchmarks import BENCHMARKS
from arena.strategies.playbook import Playbook, Rule


def _playbooks() -> dict[str, Playbook]:
    found = (
        getattr(import_module(f"{strategies.__name__}.{module.name}"), "PLAYBOOK", None)
        for module in iter_modules(strategies.__path__)
    )
    return {playbook.name: playbook for playbook in found if isinstance(playbook, Playbook)}


PLAYBOOKS: Mapping[str, Playbook] = _playbooks()
BASELINES: Mapping[str, Playbook] = {name: playbook for name, playbook in PLAYBOOKS.items() if name != "free"}
RULES: Mapping[str, Rule] = {**{name: playbook.rule for name, playbook in BASELINES.items()}, **BENCHMARKS}


def rule_of(model: str) -> str | None:
    """Return the rule that a model name means, None for a language model; what follows a `?` asks the simulator for a fault."""
    name = model.partition("?")[0]
    return name if name in RULES else None


def is_baseline(model: str) -> bool:
    """Return whether a model name means one of the rules."""
    return rule_of(model) is not None


def lacks(rule: str, playbook: Playbook) -> frozenset[str]:
    """Return what a rule needs to see and a playbook does not show."""
    return PLAYBOOKS[rule].needs - playbook.shown if rule in PLAYBOOKS else frozenset()


def summary(name: str) -> str:
    """Return what a playbook of `PLAYBOOKS` is about, in a line: its module's."""
    told = import_module(f"{strategies.__name__}.{name.replace('-', '_')}").__doc__ or ""
    return told.splitlines()[0].partition(": ")[2] or told.splitlines()[0]
