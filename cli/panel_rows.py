"""Writes the rows of the panel: what is said of a running crawl, in a width and a height. Pure: values in, rows out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from crawler import escape_text

from . import show
from .colours import Tone
from .work_places import say_places

if TYPE_CHECKING:
    from crawler import Snapshot

LABEL = 11
"""Columns of the labels at the left."""
ROOMY = 72
"""Columns from which on figures stand below each other."""
SHOWN_SITES, SHOWN_FAILURES = 5, 3
DROPPED = ("work", "", "folder", "visits", "status", "parked")
"""Rows that a low terminal goes without, by their labels; the advice has none."""
LEAST_NAME, TURN = 16, 16
"""Columns that the name of a site gets at least, and those of `, next in 10 min`."""
CALM = frozenset({"network", "idle"})
"""Bounds of a crawl that nothing holds up."""
NOTABLE = 1.1
"""From so many visits a page on, the visits are shown beside the pages."""


class Part(NamedTuple):
    """A piece of a row, which is not broken."""

    text: str
    tone: Tone | None = None


class Row(NamedTuple):
    """One row of the panel: a label or none, and pieces that fit beside each other."""

    label: str
    parts: Sequence[Part]
    between: str = "  "


def make_rows(now: Snapshot, width: int, height: int) -> list[Row]:
    """Returns the rows for a terminal. Only names of sites are cut; rows that a low terminal has no room for are left
    out, those that matter least first."""
    room = max(16, width - LABEL - 1)
    tail = [row for one in _failures(now) for row in _fold(one, room)]
    figures = [_fold(one, room) for one in _figures(now, width >= ROOMY)]
    for dropped in DROPPED:
        left = height - len(tail) - sum(map(len, figures))
        if left >= 1:
            break
        figures = [rows for rows in figures if rows[0].label != dropped]
    left = height - len(tail) - sum(map(len, figures))
    sites = _fitting(_sites(now, room), left)
    return [*chain.from_iterable(figures), *chain.from_iterable(sites), *tail]


def mean(now: Snapshot) -> str:
    """Writes how many visits are under way, as the mean of the last seconds: the instant is mostly 0 on a slow site."""
    if now.mean_in_flight >= 9.95:
        return show.number(now.mean_in_flight)
    if now.mean_in_flight >= 0.05:
        return f"{now.mean_in_flight:.1f}"
    return "< 0.1" if now.in_flight or now.visits_per_s else "0"


def progress(now: Snapshot) -> list[str]:
    """Returns how far the crawl is and how long its queue takes at least, where that is known."""
    said = []
    if far := now.progress:
        at_most, what = ("", "URL") if far.what == "urls" else ("at most ", "page")
        said.append(f"{show.number(far.done)} of {at_most}{show.many(far.total, what)}")
    if now.at_least_s and now.at_least_s >= 1 and not now.eta:
        said.append(f"at least {show.duration(show.round_down(now.at_least_s))} to go")
    return said


def _figures(now: Snapshot, is_roomy: bool) -> Iterator[Row]:
    counts = now.counts
    first, wide = (11, 9) if is_roomy else (0, 0)
    between = " " if is_roomy else "  "
    received = [f"{show.size(now.bytes):>{wide}}", f"{show.size(now.bytes_per_s):>{wide}}/s"]
    pages = [f"{show.number(now.pages):<{first}}", f"{now.pages_per_s:>{wide}.1f}/s", *received]
    yield Row("pages", [Part(one) for one in pages], between)
    if now.visits > now.pages * NOTABLE:
        visits = [f"{show.number(now.visits):<{first}}", f"{now.visits_per_s:>{wide}.1f}/s"]
        yield Row("visits", [Part(one) for one in visits], between)
    if said := progress(now):
        yield Row("so far", [Part(one) for one in said], "; ")
    if now.eta:
        yield Row("to go", [Part(word) for word in "; ".join(show.format_eta(now.eta)).split(" ")], " ")
    in_folder = counts.pages
    if in_folder > now.pages:
        yield Row(
            "folder", [Part(f"{show.many(in_folder, 'page')},"), Part(f"{show.number(now.pages)} in this run")], " "
        )
    queued = [Part(f"{show.number(counts.queued)} queued"), Part(f"on {show.many(counts.sites, 'site')}")]
    if counts.retrying:
        queued[-1] = Part(f"{queued[-1].text},")
        queued.append(Part(f"{show.number(counts.retrying)} waiting to retry", Tone.WAITING))
    yield Row("in flight", [Part(f"{mean(now):<{first}}" if is_roomy else f"{mean(now)},"), *queued], " ")
    if counts.parked:
        patterns = show.many(sum(trap.parked > 0 for trap in counts.traps), "pattern")
        parked = Part(f"{show.number(counts.parked):<{first}}", Tone.WAITING)
        yield Row("parked", [parked, Part(f"in {patterns},"), Part("until you ask for them")], " ")
    yield Row("outcome", _outcomes(now) or [Part("-")], " · ")
    yield Row("status", _statuses(now) or [Part("-")], " · ")
    if now.work and (said := say_places(now.work)):
        yield Row("work", [Part(one) for one in said], "; ")
    yield Row("bound by", [Part(now.bound_by, None if now.bound_by in CALM else Tone.WAITING)])
    if now.advice:
        yield Row("", [Part(word) for word in now.advice.split(" ")], " ")


def _outcomes(now: Snapshot) -> list[Part]:
    tones = {"fetched": Tone.GOOD, "unchanged": Tone.GOOD, "failed": Tone.BAD}
    shown = {name: n for name, n in now.dispositions.items() if name not in ("deferred", "parked")}
    return [Part(f"{name} {show.number(n)}", tones.get(name)) for name, n in show.ranked(shown)]


def _statuses(now: Snapshot) -> list[Part]:
    def tone(status: int) -> Tone | None:
        return Tone.GOOD if 200 <= status < 300 else Tone.BAD if status >= 400 else None

    return [Part(f"{status} {show.number(n)}", tone(status)) for status, n in show.ranked(now.statuses)]


def _sites(now: Snapshot, room: int) -> Iterator[list[Row]]:
    """Yields the rows of each of the busiest sites."""
    shown = [one for one in now.busiest if one.queued or one.leased][:SHOWN_SITES]
    names = [escape_text(one.site) for one in shown]
    numbers = [f"{show.number(one.queued)} queued" for one in shown]
    longest = max(map(len, numbers), default=0)
    width = room - longest - TURN - 2
    is_wide, width = width >= LEAST_NAME, min(width, max(map(len, names), default=0))
    label = "busiest"
    for name, queued, busy in zip(names, numbers, shown, strict=True):
        turn = _turn(busy.next_turn_in_s, busy.leased)
        if is_wide:
            said = f" {queued:>{longest}}, {turn}"
            rows = [Row(label, [Part(f"{_cut(name, width):<{width}}"), Part(said)], " ")]
        else:
            rows = [
                Row(label, [Part(_cut(name, room))]),
                Row("", [Part(f"  {queued}, {turn}")]),
            ]
        if busy.slowed_by:
            why = f"rests {show.duration(busy.rest_s)} each time: {escape_text(busy.slowed_by)}"
            rows += _fold(Row("", [Part(" "), *(Part(word, Tone.WAITING) for word in why.split(" "))], " "), room)
        if busy.rules or busy.proxy:
            rules = escape_text(show.format_rules(busy.rules, busy.proxy))
            rows += _fold(Row("", [Part(" "), *(Part(word) for word in rules.split(" "))], " "), room)
        yield rows
        label = ""


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else f"{name[: width - 1]}…"


def _turn(wait_s: float | None, leased: int) -> str:
    """Returns when a site is visited next."""
    if wait_s is None:
        return f"{show.number(leased)} under way" if leased else "waits"
    if wait_s < 0.5:
        return "next now"
    return f"next in {show.duration(wait_s) if wait_s >= 9.95 else f'{wait_s:.0f} s'}"


def _failures(now: Snapshot) -> Iterator[Row]:
    for label, (site, reason, n, *_) in zip(("failed", "", ""), now.failures[:SHOWN_FAILURES], strict=False):
        where = f"at {escape_text(site)}"
        if reason in show.IN_WORDS:
            yield Row(label, [Part(show.number(n), Tone.BAD), Part(f"{where}:"), Part(show.IN_WORDS[reason])], " ")
        else:
            yield Row(label, [Part(f"{show.number(n)} {reason}", Tone.BAD), Part(where)], " ")


def _fitting(sites: Iterator[list[Row]], height: int) -> Iterator[list[Row]]:
    """Yields the sites whose rows fit into the height, and one in any case."""
    for n, rows in enumerate(sites):
        height -= len(rows)
        if height < 0 and n:
            return
        yield rows


def _fold(row: Row, room: int) -> list[Row]:
    """Returns the row as several where its pieces do not fit beside each other."""
    rows: list[Row] = []
    line: list[Part] = []
    for part in row.parts:
        taken = sum(len(one.text) for one in line) + len(row.between) * len(line)
        if line and taken + len(part.text) > room:
            rows.append(row._replace(label="" if rows else row.label, parts=line))
            line = []
        line.append(part)
    return [*rows, row._replace(label="" if rows else row.label, parts=line)]
