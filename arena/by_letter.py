"""Settings that are told by letter: LLM_A_…, LLM_B_…, of the environment and of `.env`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from arena.domain.competitor import LETTERS


class ByLetter(PydanticBaseSettingsSource):
    """Gathers groups of variables that differ in their letter; a letter of which nothing is set is left out.

    Args:
        settings_cls: Whose fields are filled.
        values: Of all variables, by name in lower case.
        groups: Field of the settings: (what stands between letter and name, model of a group).
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        values: Mapping[str, str | None],
        groups: Mapping[str, tuple[str, type[BaseModel]]],
    ) -> None:
        super().__init__(settings_cls)
        self._values = values
        self._groups = groups

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return nothing: the fields this source fills are not read from one variable each."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return each group of the settings by letter."""
        known = self.settings_cls.model_fields
        return {field: self._given(infix, kind) for field, (infix, kind) in self._groups.items() if field in known}

    def _given(self, infix: str, kind: type[BaseModel]) -> dict[str, dict[str, str]]:
        found = {}
        for letter in LETTERS:
            parts = {field: self._values.get(f"llm_{letter.lower()}_{infix}{field}") for field in kind.model_fields}
            if given := {field: text for field, text in parts.items() if text}:
                found[letter] = given
        return found
