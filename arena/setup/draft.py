"""`.env` as it would be: what the file says, with changes that are not written yet."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from pydantic import SecretStr

from arena.configuration import environment_file
from arena.env_file import close_to_others, read_text, replace_file, value_in, with_variables
from arena.settings import Settings

EXAMPLE = Path(".env.example")
SECRETS_MODE = 0o600  # `.env` holds keys

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A `.env` that may differ from the one on disk.

    Attributes:
        text: The whole file; of `.env.example` where there is none yet.
        new: Whether there is no file yet.
        changes: What differs, by variable.
        earlier: Answers of a round that was not well; they are offered again, and in the file only when they are given again.
    """

    path: Path
    text: str
    new: bool = False
    changes: Mapping[str, str] = field(default_factory=dict)
    earlier: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls) -> Draft:
        """Return the file as it is.

        Raises:
            ConfigurationError: It cannot be read.
        """
        path = environment_file()
        text = read_text(path)
        return cls(path=path, text=(read_text(EXAMPLE) or "") if text is None else text, new=text is None)

    def fixed(self, name: str) -> bool:
        """Return whether the environment says what a variable is, which wins over the file."""
        return bool(os.environ.get(name))

    def value(self, name: str) -> str:
        """Return what a variable is: the environment's word, the file's, or the default; may be empty."""
        return os.environ.get(name) or value_in(self.text, name) or _default(name)

    def offered(self, name: str) -> str:
        """Return what an empty line takes."""
        return self.earlier.get(name) or self.value(name)

    def having(self, values: Mapping[str, str]) -> Draft:
        """Return the draft with other values; what is so already, or comes from the environment, changes no byte.

        Raises:
            ConfigurationError: A value cannot stand in the file.
        """
        other = {name: value for name, value in values.items() if not self.fixed(name) and value != self.value(name)}
        return replace(self, text=with_variables(self.text, other), changes={**self.changes, **other})

    def load(self, read: Callable[[Path], T]) -> T:
        """Return what a reader of settings makes of it, without writing it.

        Raises:
            ConfigurationError: It cannot be used.
        """
        if not self.changes and not self.new:
            return read(self.path)
        with TemporaryDirectory(prefix="arena-setup-") as folder:  # only this user may look into it
            candidate = Path(folder) / ".env"
            replace_file(candidate, self.text, SECRETS_MODE)
            return read(candidate)

    def after(self, other: Draft) -> Draft:
        """Return the draft with what was answered in another one to be offered."""
        return replace(self, earlier=other.changes)

    def write(self) -> bool:
        """Write the file whole or not at all, for its owner's eyes only; return whether there was anything to write.

        Raises:
            ConfigurationError: It cannot be written; it is as it was.
        """
        if self.new or self.changes:
            replace_file(self.path, self.text, SECRETS_MODE)
        return close_to_others(self.path) or self.new or bool(self.changes)


def _default(name: str) -> str:
    """Return a variable's default as it would stand in `.env`."""
    known = Settings.model_fields.get(name.lower())
    value = None if known is None else known.get_default()
    if value is None or isinstance(value, SecretStr | dict):
        return ""
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
