"""The API's OpenAPI: what each field means, in which unit, and an example of every answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from arena.dashboard.answers.fault import Problem
from arena.dashboard.gate import OPEN
from arena.dashboard.glossary import MEANINGS
from arena.dashboard.problems import MEDIA_TYPE

Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/"
_SCHEME = "token"
_ETAG = {"description": "Names the answer's text; If-None-Match asks whether it is still the same.", "schema": {"type": "string"}}
_UNCHANGED = {"description": "The answer is still the one that If-None-Match names.", "headers": {"ETag": _ETAG}}


class DescribedApi(FastAPI):
    """An application that describes every field.

    Args:
        guarded: It asks for a token.
    """

    def __init__(self, guarded: bool, **given: Any) -> None:
        super().__init__(**given)
        self._guarded = guarded

    def openapi(self) -> Schema:
        """Return the description, made once."""
        if not self.openapi_schema:
            self.openapi_schema = described(super().openapi(), self._guarded)
        return self.openapi_schema


def described(found: Schema, guarded: bool) -> Schema:
    """Add to an OpenAPI document, in place, what its models leave open; return it."""
    schemas: dict[str, Schema] = found["components"]["schemas"]
    for schema in schemas.values():
        for name, field in schema.get("properties", {}).items():
            _name_field(name, field)
    if guarded:
        found["components"]["securitySchemes"] = {_SCHEME: {"type": "http", "scheme": "bearer", "description": "API_TOKEN"}}
    for path, operation in _operations(found):
        if guarded and path != OPEN:
            operation["security"] = [{_SCHEME: []}]
        if any(each["name"] == "If-None-Match" for each in operation.get("parameters", ())):
            operation["responses"]["304"] = _UNCHANGED
            operation["responses"]["200"]["headers"] = {"ETag": _ETAG}
        for status, response in operation["responses"].items():
            if status >= "400":
                _show_fault(int(status), response)
            else:
                _show(response.get("content", {}), schemas)
    return found


def _operations(found: Schema) -> Iterator[tuple[str, Schema]]:
    for path, methods in found["paths"].items():
        for operation in methods.values():
            yield path, operation


def _name_field(name: str, field: Schema) -> None:
    """Say what a field means and in which unit; a word of its own goes before the glossary's."""
    meaning, example = MEANINGS.get(name, ("", None))
    words = [field.get("description", meaning), *(f"{unit}." for unit in _units(field))]
    field["description"] = " ".join(filter(None, words))
    if example is not None and "$ref" not in field:
        field.setdefault("examples", [example])


def _units(field: Mapping[str, Any]) -> Iterator[str]:
    if "x-unit" in field:
        yield field["x-unit"]
    inside = (field[name] for name in ("items", "additionalProperties") if isinstance(field.get(name), Mapping))
    for each in (*field.get("anyOf", ()), *inside):
        yield from _units(each)


def _show(content: Schema, schemas: Mapping[str, Schema]) -> None:
    for media in content.values():
        if "schema" in media and "example" not in media:
            media["example"] = _example(media["schema"], schemas)


def _show_fault(status: int, response: Schema) -> None:
    """Tell a fault as what it is: a problem, and no answer like another."""
    told = Problem(title=HTTPStatus(status).phrase, status=status, detail=response["description"])
    example = told.model_dump(mode="json", exclude_none=True)
    response["content"] = {MEDIA_TYPE: {"schema": {"$ref": f"{_REFERENCE}Problem"}, "example": example}}


def _example(schema: Schema, schemas: Mapping[str, Schema], given: Any = None) -> Any:
    """Return a value that fits a schema.

    Args:
        given: What the glossary shows for one value of it.
    """
    if "$ref" in schema:
        return _example(schemas[schema["$ref"].removeprefix(_REFERENCE)], schemas)
    if "properties" in schema:
        return {name: _example(field, schemas, field.get("examples", [None])[0]) for name, field in schema["properties"].items()}
    if "anyOf" in schema:
        either = next((each for each in schema["anyOf"] if "$ref" in each or each.get("type") in ("array", "object")), None)
        return given if either is None else _example(either, schemas, given)
    if schema.get("type") == "array":
        return [_example(schema["items"], schemas, given)]
    allowed = [schema["const"]] if "const" in schema else schema.get("enum", [given])
    return given if given in allowed else allowed[0]
