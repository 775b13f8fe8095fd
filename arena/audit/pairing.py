"""Which cell of a row was changed: the row without a mark goes with the mark without a row that differs least."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from arena.adapters.storage.marks import PROJECTED
from arena.adapters.storage.rows import Row
from arena.audit.findings import Finding, name_of, shown
from arena.audit.integrity import Integrity, Unpaired, differing

MOST = 300  # unpaired rows of a table; beyond, no cell is looked for: the table was rewritten


def found_by_marks(integrity: Integrity, strays: Iterable[tuple[str, Row]]) -> list[Finding]:
    """Return what marks show to be changed, missing or added.

    Args:
        integrity: After the last unit.
        strays: Rows, with their table, that belong to no unit.
    """
    for table, row in strays:
        integrity.unpaired.setdefault(table, Unpaired()).rows.append((None, row))
    found = list[Finding]()
    for table, unpaired in sorted(integrity.unpaired.items()):
        replaced = integrity.projected.get(table, {})
        found += _of_a_table(table, unpaired, replaced)
    return found


def _of_a_table(table: str, unpaired: Unpaired, replaced: Mapping[int, list[str]]) -> Iterator[Finding]:
    rows = unpaired.rows
    marks = unpaired.marks or [(number, own) for number, kept in replaced.items() for own in kept]
    pairs = _nearest(rows, marks, table) if len(rows) <= MOST else {}
    for i, (j, columns) in pairs.items():
        (number, row), (booked, _) = rows[i], marks[j]
        for column in sorted(columns):
            what = f"is {shown(row[column])}, and that is not what was booked"
            yield _finding(table, row, booked if number is None else number, what, column)
    yield from _beyond(table, [each for i, each in enumerate(rows) if i not in pairs])
    if table not in PROJECTED:
        taken = {j for j, _ in pairs.values()}
        yield from _missing(table, [number for j, (number, _) in enumerate(marks) if j not in taken])


def _nearest(
    rows: list[tuple[int | None, Row]], marks: list[tuple[int, str]], table: str
) -> dict[int, tuple[int, frozenset[str]]]:
    """Return the mark that goes with each row, by their places, and the columns that differ: at most half of them."""
    near = []
    for i, (number, row) in enumerate(rows):
        for j, (_, own) in enumerate(marks):
            columns = differing(own, row)
            most = 1 if number is None and table in PROJECTED else len(row) // 2  # there are marks of earlier states, much alike
            if len(columns) <= most:
                near.append((len(columns), i, j, columns))
    pairs: dict[int, tuple[int, frozenset[str]]] = {}
    taken: set[int] = set()
    for _, i, j, columns in sorted(near, key=lambda each: each[:3]):
        if i not in pairs and j not in taken:
            pairs[i] = (j, columns)
            taken.add(j)
    return pairs


def _beyond(table: str, rows: Iterable[tuple[int | None, Row]]) -> Iterator[Finding]:
    """Yield the rows that no mark fits; those of a booking that is not there together."""
    homeless = [row for number, row in rows if number is None]
    if homeless:
        one = len(homeless) == 1
        what = "is of no booking that is there" if one else f"{len(homeless)} rows are of no booking that is there"
        yield Finding(table=table, row=name_of(table, homeless[0]) if one else "", what=what)
    for number, row in rows:
        if number is not None:
            yield _finding(table, row, number, "is there, and was not booked like this")


def _missing(table: str, numbers: Iterable[int]) -> Iterator[Finding]:
    for number, count in sorted(Counter(numbers).items()):
        rows = "a row is" if count == 1 else f"{count} rows are"
        what = f"{rows} missing, or in another season"
        yield Finding(table=table, row="", booking=number, what=what)


def _finding(table: str, row: Row, number: int | None, what: str, column: str | None = None) -> Finding:
    return Finding(table=table, row=name_of(table, row), column=column, booking=number, what=what)
