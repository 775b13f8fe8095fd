"""A report as a file of the kind that its name asks for."""

from __future__ import annotations

from pathlib import Path

from arena.errors import ConfigurationError
from arena.report.contents import Report

KINDS = (".html", ".md", ".pdf")


def check_kind(path: Path) -> None:
    """Raise ConfigurationError where a name asks for a kind of file that there is not, before anything is computed."""
    if path.suffix.lower() not in KINDS:
        raise ConfigurationError(f"a report is {', '.join(KINDS[:-1])} or {KINDS[-1]}, and {path.name} is none of these")


def write_report(path: Path, report: Report) -> None:
    """Write the file, in place of one of that name.

    Raises:
        ConfigurationError: It cannot be written.
    """
    match path.suffix.lower():
        case ".pdf":
            from arena.report.pdf import to_pdf

            written = to_pdf(report)
        case ".md":
            from arena.report.markdown import to_markdown

            written = to_markdown(report).encode()
        case _:
            from arena.report.html import to_html

            written = to_html(report).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written ({error.strerror}): name another place with --out") from error
