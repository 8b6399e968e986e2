"""Tables on stdout: plain columns for pipes, rich's on a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass

from provision.cli.words import one_line


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows of text; ``title`` stands above, where there are several tables."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    title: str = ""


def plain(table: Table) -> str:
    """Columns two spaces apart, nothing cut, no line ends in a cell, no spaces at a line's end."""
    rows = [[one_line(str(cell)) for cell in row] for row in [table.columns, *table.rows]]
    widths = [max(len(row[turn]) for row in rows) for turn in range(len(table.columns))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([*([table.title] if table.title else []), *lines]) + "\n"
