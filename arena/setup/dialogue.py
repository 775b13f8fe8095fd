"""Asking a person, or nobody."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import typer

from arena.env_file import with_variable
from arena.errors import ConfigurationError

TRIES = 3  # wrong answers in a row; then the present value stays
CLEAR = "-"  # empties what may be empty, since an empty line keeps it
SHOWN_CHARACTERS = 4  # of a secret
LEAST_SECRET = 8  # characters; of a shorter one nothing is shown


def no_fault(_: str) -> str | None:
    """Find nothing wrong with a value."""
    return None


def no_address(url: str) -> str | None:
    """Return why a text is no address of a server, or None."""
    return None if url.startswith(("http://", "https://")) else "an address begins with http:// or https://"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One variable that is asked for.

    Attributes:
        variable: Its name in `.env`.
        text: What it is, in a line.
        secret: Typed hidden, shown masked.
        choices: The only values; any where empty.
        suggested: Taken for an empty line where there is no value yet.
        optional: Whether it may be empty.
        fault: Returns what is wrong with a value, in a sentence that does not repeat a secret; None where nothing is.
    """

    variable: str
    text: str = ""
    secret: bool = False
    choices: tuple[str, ...] = ()
    suggested: str = ""
    optional: bool = False
    fault: Callable[[str], str | None] = no_fault

    def wrong(self, value: str) -> str | None:
        """Return what is wrong with a value, in a sentence, or None."""
        if not value:
            return None if self.optional else f"{self.variable} is missing: give it a value"
        if self.choices and value not in self.choices:
            return f"{self.variable} is one of {', '.join(self.choices)}, not {value}"
        return self.fault(value)

    def shown(self, value: str) -> str:
        """Return a value as it may be seen."""
        return masked(value) if self.secret else value


def masked(secret: str) -> str:
    """Return a secret's last characters, or none of a short one's."""
    return f"…{secret[-SHOWN_CHARACTERS:]}" if len(secret) >= LEAST_SECRET else "…" if secret else ""


def unwritable(variable: str, value: str) -> str | None:
    """Return why a value cannot stand in `.env`, in a sentence that does not repeat it; None where it can."""
    try:
        with_variable("", variable, value)
    except ConfigurationError as error:
        return str(error)
    return None


class Dialogue(Protocol):
    """Who is asked.

    Attributes:
        tries: How often a step may be answered before the present values stay.
    """

    tries: int

    def say(self, line: str) -> None:
        """Show a line."""
        ...

    def ask(self, question: Question, present: str) -> str:
        """Return a value that nothing is wrong with, as far as the question knows.

        Raises:
            ConfigurationError: There is none.
        """
        ...

    def agree(self, text: str, *, default: bool = True) -> bool:
        """Return whether something is to be done."""
        ...


class Terminal:
    """A person at a terminal, or lines from a pipe."""

    tries = TRIES

    def say(self, line: str) -> None:
        """Show a line."""
        typer.echo(f"  {line}")

    def ask(self, question: Question, present: str) -> str:
        """Ask until an answer is right; an empty line, or too many wrong ones, keep what is there."""
        kept = present if present and question.wrong(present) is None else question.suggested
        if question.text:
            self.say(question.text)
        for _ in range(TRIES):
            typed = self._read(question, kept)
            value = "" if typed == CLEAR and question.optional else typed or kept
            why = question.wrong(value) or (unwritable(question.variable, value) if value != kept else None)
            if why is None:
                return value
            self.say(f"! {why}")
        if kept or question.optional:
            self.say(f"{question.variable} stays as it is")
            return kept
        raise ConfigurationError(f"{question.variable} is missing, and {TRIES} answers were none")

    def agree(self, text: str, *, default: bool = True) -> bool:
        """Ask for yes or no; an empty line, or too many others, is the default."""
        for _ in range(TRIES):
            typed = self._line(f"{text} [{'Y/n' if default else 'y/N'}]", secret=False).lower()
            if typed in ("", "y", "yes", "n", "no"):
                return typed in ("y", "yes") if typed else default
            self.say("! answer yes or no")
        return default

    def _read(self, question: Question, kept: str) -> str:
        clear = f"; {CLEAR} empties it" if question.optional and kept else ""
        return self._line(f"{question.variable} [{question.shown(kept)}{clear}]", secret=question.secret)

    def _line(self, prompt: str, *, secret: bool) -> str:
        hidden = secret and sys.stdin.isatty()  # from a pipe nothing is shown anyway, and getpass would ask the terminal
        typed: str = typer.prompt(f"  {prompt}", default="", show_default=False, hide_input=hidden)
        return typed.strip()


class Unattended:
    """Nobody: what is there is used, what is missing ends it."""

    tries = 1

    def say(self, line: str) -> None:
        """Show a line."""
        typer.echo(f"  {line}")

    def ask(self, question: Question, present: str) -> str:
        """Return what is there."""
        why = question.wrong(present)
        if why is not None:
            raise ConfigurationError(why if present else f"{question.variable} is missing: put it into .env, or --set it")
        return present

    def agree(self, text: str, *, default: bool = True) -> bool:
        """Do what is done by default."""
        return default
