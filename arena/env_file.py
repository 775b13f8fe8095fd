"""`.env` as text: one variable is given another value, and everything else stays as it was."""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Mapping
from functools import reduce
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from arena.errors import ConfigurationError

_NAME = re.compile(r"\s*(?:export[^\S\r\n]+)?[^\s=\#]+")
_EQUAL_SIGN = re.compile(r"[^\S\r\n]*=(?:[^\S\r\n]*(?![\s\#]))?")  # and the blanks before a value
_IN_QUOTES = re.compile(
    r"""'(?:\\'|[^'])*'|"(?:\\"|[^"])*"|"""
)  # a value, as python-dotenv finds its end; a # in it is no comment
_TAIL = re.compile(r"(?:[^\S\r\n]+\#[^\r\n]*)?[^\S\r\n]*(?:\r\n|\n|\r)?\Z")  # from the comment behind it on
_COMMENT = re.compile(r"\s#")  # from here on a value without quotes is cut off
_BOM = "\ufeff"
_ANY_BYTES = "surrogateescape"  # what is not UTF-8 comes out as it went in


def with_variable(text: str, name: str, value: str) -> str:
    """Return the text of a `.env` with `name` set to `value`; every other line, comment and blank is the same to the byte.

    Each line that sets it gets the value and keeps its comment: which of several counts is for the reader to decide. Without
    one a line is added at the end. Lines are told apart as python-dotenv does, which reads the settings: a quoted value may
    span several of them, and names differ in case only.

    Args:
        text: The whole file, with its line ends.
        name: In capitals.
        value: On one line; it is put in quotes where it would be read otherwise without.

    Raises:
        ConfigurationError: No quotes make it come back as it is.
    """
    value = _quoted(name, value)
    body = text.removeprefix(_BOM)
    bindings = list(parse_stream(io.StringIO(body, newline="")))
    lines = [_assigned(binding, value) if _sets(binding, name) else binding.original.string for binding in bindings]
    if not any(_sets(binding, name) for binding in bindings):
        line_end = "\r\n" if "\r\n" in body else "\n"
        lines += ["" if body.endswith(("\n", "\r")) or not body else line_end, f"{name}={value}{line_end}"]
    return text[: len(text) - len(body)] + "".join(lines)


def with_variables(text: str, values: Mapping[str, str]) -> str:
    """Return the text of a `.env` with several variables set, as `with_variable` sets one, and read once more to be sure.

    Raises:
        ConfigurationError: As `with_variable`; or a quote that is opened elsewhere in the file would swallow what is written.
    """
    changed = reduce(lambda so_far, told: with_variable(so_far, *told), values.items(), text)
    before, after = _read(text), _read(changed)
    if after != {**before, **{name: value or None for name, value in values.items()}} and values:
        raise ConfigurationError(f"{', '.join(values)} cannot be set in .env: another line has a quote that is not closed")
    return changed


def value_in(text: str, name: str) -> str:
    """Return what a `.env` says of a variable, as the settings read it; empty where it says nothing."""
    return _read(text, interpolate=True).get(name) or ""


def _read(text: str, *, interpolate: bool = False) -> dict[str, str | None]:
    """Return the variables by name in capitals; None where nothing is said."""
    found = dotenv_values(stream=io.StringIO(text.removeprefix(_BOM), newline=""), interpolate=interpolate)
    return {name.upper(): value or None for name, value in found.items()}


def read_text(path: Path) -> str | None:
    """Return a file's text with its line ends, or None where there is none; `replace_file` writes it back to the byte.

    Raises:
        ConfigurationError: It cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8", _ANY_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror})") from error


def replace_file(path: Path, text: str, mode_if_new: int) -> None:
    """Write a file whole or not at all; one that is there keeps its mode, and a symbolic link its place.

    Args:
        mode_if_new: Permission bits of a file that is not there yet.

    Raises:
        ConfigurationError: It cannot be written; it is as it was.
    """
    target, partial = path.resolve(), None
    try:
        mode = target.stat().st_mode & 0o7777 if target.exists() else mode_if_new
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f"{target.name}.")
        partial = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8", _ANY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(mode)
        partial.replace(target)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written ({error.strerror})") from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def close_to_others(path: Path) -> bool:
    """Take a file's permissions away from everybody but its owner; return whether that changed anything.

    Raises:
        ConfigurationError: They cannot be changed.
    """
    try:
        mode = path.stat().st_mode & 0o7777
        if mode & 0o077:
            path.chmod(mode & 0o700)
    except OSError as error:
        raise ConfigurationError(f"the permissions of {path} cannot be changed ({error.strerror})") from error
    return bool(mode & 0o077)


def _quoted(name: str, value: str) -> str:
    """Return a value as it has to stand, so that python-dotenv reads it back.

    Raises:
        ConfigurationError: It cannot: `${...}` is filled in also between quotes, and an escaped quote may end elsewhere.
    """
    if value.isprintable() and "${" not in value:
        if value == value.strip() and not value.startswith(("'", '"')) and not _COMMENT.search(value):
            return value
        for quote in ("'", '"'):
            if quote not in value and "\\" not in value:
                return f"{quote}{value}{quote}"
    raise ConfigurationError(f"this value of {name} cannot stand in .env (line ends, ${{ or quotes): set it in the environment")


def _sets(binding: Binding, name: str) -> bool:
    return binding.key is not None and binding.key.upper() == name


def _assigned(binding: Binding, value: str) -> str:
    """Return a binding's text, from the blank lines before it to its line end, with another value."""
    original = binding.original.string
    name = _NAME.match(original)
    assert name is not None  # the parser has found one
    sign = _EQUAL_SIGN.match(original, name.end())
    quoted = _IN_QUOTES.match(original, sign.end() if sign else name.end())
    assert quoted is not None  # it may be empty
    tail = _TAIL.search(original, quoted.end())
    assert tail is not None  # likewise
    return f"{name.group()}{sign.group() if sign else '='}{value}{tail.group()}"
