"""Tables on a terminal, by rich: cells fold where it is narrow, and rows become blocks where it is very."""

from typing import TextIO

import rich.box
import rich.console
import rich.table
from rich.text import Text

from provision.cli.tables import Table, plain
from provision.cli.terminal import Terminal
from provision.cli.words import one_line

NARROW = 60
"""Columns up to which a table of several columns would be cut into slivers."""


def draw(table: Table, stream: TextIO, terminal: Terminal) -> None:
    """Print the table."""
    console = rich.console.Console(
        file=stream,
        force_terminal=True,
        color_system="standard" if terminal.colour else None,
        no_color=not terminal.colour,
        width=terminal.width,
        highlight=False,
    )
    wide = max(len(line) for line in plain(table).splitlines())
    if terminal.width <= NARROW and wide > terminal.width:
        _blocks(table, console)
        return
    drawn = rich.table.Table(
        box=rich.box.SIMPLE_HEAD if terminal.unicode else rich.box.ASCII,
        title=Text(table.title) if table.title else None,
        title_justify="left",
        header_style="bold",
        pad_edge=False,
        show_edge=False,
    )
    for column in table.columns:
        drawn.add_column(Text(column), overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(one_line(str(cell))) for cell in row))
    console.print(drawn)


def _blocks(table: Table, console: rich.console.Console) -> None:
    """Each row as lines: its first cell, and each further one that says something, named."""
    for row in table.rows:
        first, *rest = (one_line(str(cell)) for cell in row)
        console.print(Text(first, style="bold"), overflow="fold")
        for column, cell in zip(table.columns[1:], rest, strict=True):
            if cell:
                console.print(Text(f"  {column.lower()}: {cell}"), overflow="fold")
