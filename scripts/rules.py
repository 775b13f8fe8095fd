"""Simple rules in the places of language models, which the simulator answers for: no key is needed."""

from __future__ import annotations

RULES = {"A": ("claude", "mean-reversion"), "B": ("deepseek", "trend-following"), "C": ("openai", "random")}


def competing_rules(simulator_url: str) -> list[str]:
    """Return the lines of `.env` that let them compete."""
    lines = ["# Baseline rules answer in the place of language models."]
    for letter, (provider, model) in RULES.items():
        url = simulator_url + ("/v1" if provider != "claude" else "")
        lines += [f"{provider.upper()}_API_KEY=demo"]
        lines += [f"LLM_{letter}_PROVIDER={provider}", f"LLM_{letter}_MODEL={model}", f"LLM_{letter}_BASE_URL={url}"]
    return lines
