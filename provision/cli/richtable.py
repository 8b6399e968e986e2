"""Tables on a terminal, by rich: cells fold where the terminal is narrow."""

from typing import TextIO

import rich.box
import rich.console
import rich.table
from rich.text import Text

from provision.cli.tables import Table
from provision.cli.terminal import Terminal
from provision.cli.words import one_line


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
