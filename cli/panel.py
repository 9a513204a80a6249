"""Shows a running crawl: a live panel on a terminal, a line every ten seconds elsewhere, or nothing with -q."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from crawler import escape_text

from . import show

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

    from crawler import Snapshot

REFRESH_S = 0.5
"""The event loop draws the panel itself, in a few milliseconds. Twice a second costs it about one percent."""
LINE_S = 10.0


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
        try:
            print(escape_text(text), file=sys.stderr, flush=True)
        except OSError:
            pass  # the reader is gone; the crawl continues


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
        panel = draw_panel(now, self._title, width)
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

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True, redirect_stdout=False) as live:
        yield Panel(live, title)


def draw_panel(now: Snapshot, title: str, width: int) -> Text:
    """Returns the panel as text. It is cheap to make, and nothing is cut off at 80 columns."""
    from rich.text import Text

    text = Text(no_wrap=True, overflow="ellipsis")
    for label, value in _rows(now, width):
        text.append(f" {label:<9} ", "bold" if label else "")
        text.append(f"{escape_text(value)}\n")
    head = Text(no_wrap=True, overflow="ellipsis")
    return head.append(
        f"\n {escape_text(title):<{max(0, width - 13)}}{show.duration(now.elapsed_s):>11}\n", "bold"
    ).append(text)


def _rows(now: Snapshot, width: int) -> Iterator[tuple[str, str]]:
    counts = now.counts
    received = f"{show.size(now.bytes):>9} {show.size(now.bytes_per_s):>9}/s"
    yield "pages", f"{show.number(now.pages):<12}{now.pages_per_s:>8.1f}/s    {received}"
    retrying = f", {show.number(counts.retrying)} waiting to retry" if counts.retrying else ""
    yield (
        "in flight",
        f"{now.in_flight:<12}{show.number(counts.queued)} queued on {show.many(counts.sites, 'site')}{retrying}",
    )
    if counts.parked:
        patterns = sum(trap.parked > 0 for trap in counts.traps)
        yield "parked", f"{show.number(counts.parked):<12}in {show.many(patterns, 'pattern')}, until you ask for them"
    yield "outcome", show.format_outcomes(now.dispositions) or "-"
    yield "status", show.format_counts(now.statuses) or "-"
    yield "bound by", now.bound_by
    yield from (("", line) for line in textwrap.wrap(now.advice, max(20, width - 12), break_on_hyphens=False))
    room = max(16, width - 49)
    for label, busy in zip(("busiest", "", "", "", ""), now.busiest, strict=False):
        wait_s = busy.next_turn_in_s or 0
        turn = f"in {show.duration(wait_s) if wait_s >= 9.95 else f'{wait_s:.0f} s'}" if wait_s >= 0.5 else "now"
        name = escape_text(busy.site)[:room]
        yield label, f"{name:<{room}} {show.number(busy.queued):>9} queued, next {turn}"
        if busy.slowed_by:
            yield "", f"  rests {show.duration(busy.rest_s)} each time: {escape_text(busy.slowed_by)}"
        if busy.rules or busy.proxy:
            yield "", f"  {escape_text(show.format_rules(busy.rules, busy.proxy))}"
    for label, (site, reason, n, *_) in zip(("failed", "", ""), now.failures, strict=False):
        yield label, f"{show.number(n)} {reason} at {site}"
