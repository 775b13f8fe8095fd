"""Answers that were given once: the same model, asked the same under the same settings, is not asked again."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import TypeAdapter

from arena.application.language_model import Completion, LanguageModel, Prompt
from arena.domain.competitor import ModelSpec
from arena.errors import ConfigurationError

_TABLE = "CREATE TABLE IF NOT EXISTS answers (asked TEXT PRIMARY KEY, model TEXT NOT NULL, completion TEXT NOT NULL)"
_adapter = TypeAdapter(Completion)


class Answers:
    """A SQLite file of completions by what was asked; many replays may use it at the same time.

    Args:
        path: Created with its folder where it is missing.

    Raises:
        ConfigurationError: It cannot be used.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=30, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute(_TABLE)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(
                f"the answers cannot be kept in {path} ({error}): name another file with --answers"
            ) from error

    def __enter__(self) -> Self:
        """Return the answers."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the file."""
        self._connection.close()

    def find(self, asked: str) -> Completion | None:
        """Return what was answered; None where it was never asked."""
        with closing(self._connection.execute("SELECT completion FROM answers WHERE asked = ?", (asked,))) as found:
            row = found.fetchone()
        return None if row is None else _adapter.validate_json(row[0])

    def keep(self, asked: str, model: str, completion: Completion) -> None:
        """Keep an answer; the first one stays."""
        text = _adapter.dump_json(completion).decode()
        self._connection.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", (asked, model, text))


class RememberedModel:
    """A model that answers from memory what it was asked before; satisfies the LanguageModel port.

    What it took at the time is part of the answer, cost included, so that a season played again is the same season.

    Args:
        model: Asked where the memory has nothing.
        spec: What it is; another version, or another setting, has a memory of its own. Where it is asked may move.
        answers: The memory.

    Attributes:
        asked, remembered: How many answers came from where.
    """

    def __init__(self, model: LanguageModel, spec: ModelSpec, answers: Answers) -> None:
        self._model, self._answers, self._name = model, answers, spec.model
        self._spec = json.dumps({**asdict(spec), "base_url": None}, sort_keys=True, default=str)
        self.asked = self.remembered = 0

    async def complete(self, prompt: Prompt, timeout_seconds: float) -> Completion:
        """Answer; only a completion is remembered, never a fault.

        Raises:
            ModelFault: As the model itself.
        """
        key = self._key(prompt)
        found = self._answers.find(key)
        if found is not None:
            self.remembered += 1
            return found
        completion = await self._model.complete(prompt, timeout_seconds)
        self._answers.keep(key, self._name, completion)
        self.asked += 1
        return completion

    def _key(self, prompt: Prompt) -> str:
        schema = json.dumps(prompt.schema, sort_keys=True)
        said = json.dumps(prompt.messages)
        return hashlib.sha256("\0".join((self._spec, prompt.static, said, schema)).encode()).hexdigest()
