"""The steps that say who competes, and at what: the models and the playbook."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from arena.application.evidence import EQUAL_SETTINGS
from arena.configuration import load_playbook, load_settings
from arena.doctor import look_at_model
from arena.domain.competitor import LETTERS, Competitor, Provider
from arena.llm_settings import KEY_NAMES
from arena.settings import Settings
from arena.setup.asking import Setup, written
from arena.setup.dialogue import Question, no_address
from arena.setup.draft import Draft
from arena.strategies.playbook import CUSTOM
from arena.strategies.registry import PLAYBOOKS, summary


def models(setup: Setup) -> str:
    """Say how many compete, and each one's provider, model and key; each provider is asked for its list, which costs nothing."""
    before = setup.draft()
    count = Question(variable="TOTAL_LLMS", text="How many models compete.", fault=_no_count)
    draft = setup.answer(before, count)
    letters = _letters(draft, int(draft.value("TOTAL_LLMS")))
    draft = draft.having(_entering(setup, draft, letters))
    for number, letter in enumerate(letters, 1):
        later = letters[number:]
        draft, told = setup.tried(
            draft,
            lambda so_far, who=letter: _competitor(setup, so_far, who),  # type: ignore[misc]
            lambda so_far, who=letter, later=later: _model_seen(so_far, who, later),  # type: ignore[misc]
        )
        setup.dialogue.say(told)
    return written(draft, f"{len(letters)} competitors; {_loaded(draft).equal_settings().rstrip('.')}")


def _no_count(text: str) -> str | None:
    fits = text.isdecimal() and 1 <= int(text) <= len(LETTERS)
    return None if fits else f"the number of competitors is a whole number from 1 to {len(LETTERS)}"


def _letters(draft: Draft, count: int) -> Sequence[str]:
    """Return who competes: those who do already, as many as there is room for, then the next free letters."""
    there = [letter for letter in LETTERS if _enters(draft, letter)]
    free = [letter for letter in LETTERS if letter not in there]
    return sorted([*there, *free][:count], key=LETTERS.index)


def _enters(draft: Draft, letter: str) -> bool:
    return bool(draft.value(f"LLM_{letter}_PROVIDER") or draft.value(f"LLM_{letter}_MODEL"))


def _entering(setup: Setup, draft: Draft, letters: Sequence[str]) -> dict[str, str]:
    """Return what takes everybody else out, and gives those who are new the settings of the first: only models may differ."""
    kept = Draft.read()
    there = [letter for letter in LETTERS if _enters(kept, letter)]
    gone = [letter for letter in LETTERS if letter not in letters and _enters(draft, letter)]
    first = next((letter for letter in letters if letter in there), letters[0])
    equal = {
        f"LLM_{letter}_{name.upper()}": draft.value(f"LLM_{first}_{name.upper()}")
        for letter in letters
        for name in EQUAL_SETTINGS
        if letter not in there
    }
    return {**_without(gone), **{name: value for name, value in equal.items() if name not in setup.given}}


def _without(letters: Sequence[str]) -> dict[str, str]:
    return {f"LLM_{letter}_{name}": "" for letter in letters for name in ("PROVIDER", "MODEL")}


def _competitor(setup: Setup, draft: Draft, letter: str) -> Draft:
    """Ask for one competitor."""
    provider = Question(
        variable=f"LLM_{letter}_PROVIDER",
        text=f"LLM-{letter}: any OpenAI-compatible server is openai with a BASE_URL.",
        choices=tuple(map(str, Provider)),
    )
    draft = setup.answer(draft, provider)
    draft = setup.answer(draft, Question(variable=f"LLM_{letter}_MODEL"))
    draft = setup.answer(draft, Question(variable=f"LLM_{letter}_BASE_URL", optional=True, fault=no_address))
    own = f"LLM_{letter}_API_KEY"
    if draft.value(f"LLM_{letter}_BASE_URL") or draft.value(own):
        return setup.answer(draft, Question(variable=own, secret=True, optional=True))
    return setup.answer(draft, Question(variable=KEY_NAMES[Provider(draft.value(f"LLM_{letter}_PROVIDER"))], secret=True))


def _model_seen(draft: Draft, letter: str, later: Sequence[str]) -> str:
    """Try one competitor; those who are asked for later are left out of it."""
    settings = _loaded(draft.having(_without(later)))
    settings = settings.model_copy(update={"total_llms": len(settings.llms)})
    competitor = next(each for each in settings.competitors() if each.letter == letter)
    return f"{competitor.llm_id}: {asyncio.run(_looked(settings, competitor))}"


def _loaded(draft: Draft) -> Settings:
    """Return the settings, whatever the playbook is: that is another step's."""
    return draft.having({"STRATEGY": "free"}).load(load_settings)


async def _looked(settings: Settings, competitor: Competitor) -> str:
    async with AsyncExitStack() as closing:
        return await look_at_model(settings, competitor, closing)


def strategy(setup: Setup) -> str:
    """Choose the playbook, the same for all."""
    for name in PLAYBOOKS:
        setup.dialogue.say(f"{name:<24} {summary(name)}")
    setup.dialogue.say(f"{CUSTOM:<24} your own, from STRATEGY_FILE (docs/playbooks.md).")

    def gather(draft: Draft) -> Draft:
        draft = setup.answer(draft, Question(variable="STRATEGY", choices=(*PLAYBOOKS, CUSTOM)))
        if draft.value("STRATEGY") != CUSTOM:
            return draft
        return setup.answer(draft, Question(variable="STRATEGY_FILE", text="The brief, in Markdown.", fault=_no_file))

    def check(draft: Draft) -> str:
        return f"playbook {load_playbook(draft.load(load_settings)).edition}"

    return setup.settled(gather, check)


def _no_file(path: str) -> str | None:
    return None if Path(path).is_file() else f"there is no file {path}"
