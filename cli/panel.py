"""Shows a running crawl: a live panel on a terminal, a line every ten seconds elsewhere, or nothing with -q."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from crawler import escape_text

from . import show
from .colours import wants_colour
from .panel_rows import LABEL, make_rows
from .stderr import tell_line

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

    from crawler import Snapshot

REFRESH_S = 0.5
"""The event loop draws the panel itself, in a few milliseconds. Twice a second costs it about one percent."""
LINE_S = 10.0
ROWS, HEAD_ROWS = 24, 3
"""Rows of an ordinary terminal, and those above the figures: an empty one, the title, and the one of the cursor."""


class View(Protocol):
    """A place that shows messages and the state of the crawl."""

    every_s: float

    def refresh(self, now: Snapshot) -> None:
        """Shows the state of the crawl."""
        ...

    def tell(self, text: str) -> None:
        """Shows a message that stays."""
        ...


class Silence:
    """Shows nothing, for -q."""

    every_s = LINE_S

    def refresh(self, now: Snapshot) -> None:
        """Does nothing."""

    def tell(self, text: str) -> None:
        """Does nothing."""


class Lines:
    """Writes lines, for a pipe, a file or a service's journal."""

    every_s = LINE_S

    def refresh(self, now: Snapshot) -> None:
        self.tell(show.progress_line(now))

    def tell(self, text: str) -> None:
        tell_line(text)


class Panel:
    """Draws a live panel on a terminal."""

    every_s = REFRESH_S

    def __init__(self, live: Live, title: str) -> None:
        self._live = live
        self._title = title
        self._drawn: list[int] = []
        """The lengths of the lines that stand there."""

    def refresh(self, now: Snapshot) -> None:
        console = self._live.console
        width = console.width
        console.file.write(erase_rows(count_more_rows(self._drawn, width)))
        panel = draw_panel(now, self._title, width, console.height)
        self._live.update(panel, refresh=True)
        self._drawn = [min(line.cell_len, width) for line in panel.split("\n", allow_blank=True)]

    def tell(self, text: str) -> None:
        self._live.console.print(escape_text(text), markup=False, highlight=False, soft_wrap=True)


def count_more_rows(lengths: Sequence[int], width: int) -> int:
    """Returns how many rows more lines take since the terminal became so narrow that it broke them."""
    return sum(max(0, length - 1) // width for length in lengths)


def erase_rows(rows: int) -> str:
    """Returns what erases so many rows from the cursor on upwards. The panel erases those that it knows of."""
    return "\r\x1b[2K\x1b[1A" * rows


@contextmanager
def open_view(title: str, *, quiet: bool, is_live: bool) -> Iterator[View]:
    """Opens the right view. `is_live`: whether standard error is a terminal that is free for drawing."""
    if quiet or not is_live:
        yield Silence() if quiet else Lines()
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, no_color=not wants_colour(sys.stderr))
    with Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) as live:
        yield Panel(live, title)


def draw_panel(now: Snapshot, title: str, width: int, height: int = ROWS) -> Text:
    """Returns the panel as text of at most `height` rows where that can be. It is cheap to make."""
    from rich.text import Text

    text = Text(no_wrap=True, overflow="ellipsis", end="")
    name = escape_text(title)[: max(1, width - 13)]
    text.append(f"\n {name:<{max(0, width - 13)}}{show.duration(now.elapsed_s):>11}\n", "bold")
    for label, parts, between in make_rows(now, width, height - HEAD_ROWS):
        text.append(f" {label:<{LABEL - 2}} ", "bold" if label else "")
        for n, (said, tone) in enumerate(parts):
            text.append(between if n else "").append(said, tone)
        text.append("\n")
    text.rstrip()
    return text
