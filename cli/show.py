"""Writes the messages of a crawl, and figures for people. Pure: values in, text out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from crawler import escape_text
from crawler.runtime.counting import many as many  # noqa: PLC0414  all of the command asks this file

if TYPE_CHECKING:
    from crawler import ArchiveFetcher, Change, Counts, Disposition, Eta, Folder, LostRecords, Reconsidered, Snapshot

Key = TypeVar("Key", bound=str | int)

WIDTH = 80
"""Columns of an ordinary terminal."""
SIZES = ("B", "kB", "MB", "GB", "TB")
IN_WORDS = {"http2-only": "speaks HTTP/2 alone"}
"""Reasons whose words do not explain themselves."""


def wrap_text(text: str, width: int) -> list[str]:
    """Returns text as lines of at most `width` columns, with control characters escaped. Long words stay whole."""
    from textwrap import wrap

    return wrap(escape_text(text), width, break_long_words=False, break_on_hyphens=False)


def fold(line: str, width: int) -> list[str]:
    """Returns a line of ours as several that fit into `width` columns (0: any). Commands to paste stay whole."""
    from textwrap import wrap

    indent = len(line) - len(line.lstrip())
    if not width or len(line) <= width or line.lstrip().startswith("crawl "):
        return [line]
    return wrap(
        line, max(width, 20), subsequent_indent=" " * (indent + 2), break_long_words=False, break_on_hyphens=False
    )


def shorten(text: str, width: int) -> str:
    """Returns a text of at most `width` columns: of a longer one its beginning and its end."""
    if len(text) <= width:
        return text
    end = max(0, (width - 1) // 3)
    return f"{text[: max(1, width - 1 - end)]}…{text[len(text) - end :]}"


def start_lines(folder: Folder, counts: Counts) -> list[str]:
    """Returns the lines at the start of a run."""
    if folder.is_new:
        lines = [first_line(folder)]
    else:
        lines = [f"continuing {folder.path}: {number(count_settled(counts))} done, {number(counts.queued)} queued"]
    changed = [_change(change) for change in folder.changes]
    return [*lines, *map(escape_text, folder.remarks), *changed, *_index_lines(folder)]


def _index_lines(folder: Folder) -> list[str]:
    """Returns a line about an index that is kept without texts."""
    kept = folder.config
    if not kept.search.index or any(sink.text or sink.markdown for sink in kept.sinks):
        return []
    return ["the index will hold only titles and addresses: crawl with --text, too"]


def first_line(folder: Folder) -> str:
    """Returns the line at the start of a new crawl."""
    return f"crawling into {folder.path}"


def lost_record_lines(lost: LostRecords) -> list[str]:
    """Returns a line about records that are missing from the outputs, and will be made again."""
    if not lost.files:
        return []
    whose = many(lost.visits, "record is", "records are")
    return [f"{whose} missing from {' and '.join(lost.files)}: visited again"]


def archive_lines(archives: ArchiveFetcher | None) -> list[str]:
    """Returns lines about the archives that a replay answers from, with what could not be read of them."""
    if archives is None:
        return []
    return [f"replaying {many(archives.captures, 'archived answer')}: the network is not used", *archives.notes]


def second_look_lines(found: Reconsidered, unparked: Sequence[str] = ()) -> list[str]:
    """Returns lines about what a continued folder looks at again, and why."""
    lines = []
    if found.pages:
        whose = many(found.pages, "page is", "pages are")
        lines.append(f"{whose} read again to find links that were left out")
    if found.from_records:
        whose = many(found.from_records, "page's links are", "pages' links are")
        lines.append(f"{whose} taken from their records")
    if found.robots:
        lines.append(f"{many(found.robots, 'site')} asked again for {'its' if found.robots == 1 else 'their'} sitemaps")
    if found.again:
        whose = many(found.again, "URL that failed or was excluded is", "URLs that failed or were excluded are")
        lines.append(f"{whose} tried again")
    if found.unparked:
        lines.append(f"{many(found.unparked, 'parked URL')} queued again")
    elif unparked:
        lines.append(f"nothing is parked under {escape_text(' or '.join(unparked))}")
    return lines


def progress_line(now: Snapshot) -> str:
    """Returns one line for a log: `key=value`, always the same keys in the same order; `-` where it is not known."""
    counts, far, eta = now.counts, now.progress, now.eta
    values = {
        "elapsed_s": f"{now.elapsed_s:.0f}",
        "pages": now.pages,
        "pages_per_s": f"{now.pages_per_s:.1f}",
        "bytes": now.bytes,
        "in_flight": now.in_flight,
        "queued": counts.queued,
        "parked": counts.parked,
        "sites": counts.sites,
        "failed": sum(n for disposition, n in now.dispositions.items() if disposition == "failed"),
        "bound_by": now.bound_by,
        "visits": now.visits,
        "visits_per_s": f"{now.visits_per_s:.1f}",
        "done": far.done if far else "-",
        "total": far.total if far else "-",
        "at_least_s": f"{now.at_least_s:.0f}" if now.at_least_s else "-",
        "eta_low_s": f"{eta.low_s:.0f}" if eta else "-",
        "eta_likely_s": f"{eta.likely_s:.0f}" if eta and eta.likely_s is not None else "-",
        "eta_high_s": f"{eta.high_s:.0f}" if eta and eta.high_s is not None else "-",
    }
    return " ".join(f"{key}={value}" for key, value in values.items())


def format_eta(eta: Eta) -> list[str]:
    """Returns how long a crawl still takes, in pieces of a line; where that cannot be said, it says so."""
    if eta.high_s is None or eta.left_high is None:
        least = [f"at least {duration(round_down(eta.low_s))}"] if eta.low_s >= 1 else []
        return [*least, f"no more can be said: {eta.why}"]
    said = f"{duration(round_down(eta.low_s))} to {duration(eta.high_s)}"
    if eta.by != "queue":
        return [f"{said}, until the limit of {eta.by}"]
    return [said, f"{format_range(eta.left_low, eta.left_high)} URLs left"]


def format_range(low: float, high: float | None) -> str:
    """Writes an interval of numbers; without an upper end, how many there are at least."""
    if high is None:
        return f"at least {number(math.floor(low))}"
    first, last = number(math.floor(low)), number(math.ceil(high))
    return first if first == last else f"{first} to {last}"


def count_settled(counts: Counts) -> int:
    return sum(counts.settled.values())


def number(value: float) -> str:
    return f"{value:,.0f}"


def size(amount: float) -> str:
    """Writes a number of bytes for people, in steps of 1000, as the dashboard does."""
    for unit in SIZES[:-1]:
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if amount >= 99.95 or unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} {SIZES[-1]}"


def duration(seconds: float) -> str:
    """Writes a duration for people, in two units at most, as the dashboard does."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms" if seconds > 0 else "0 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole, minutes, hours = round(seconds), round(seconds / 60), round(seconds / 3600)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if minutes < 1440:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{hours // 24} d {hours % 24} h"


def round_down(seconds: float) -> float:
    """Returns seconds that `duration` does not round up."""
    return seconds - seconds % (1 if seconds < 3600 else 60 if seconds < 86400 else 3600)


def format_outcomes(dispositions: Mapping[Disposition, int]) -> str:
    """Returns the outcomes with their numbers, without deferred visits and parked URLs, which are shown elsewhere."""
    return format_counts({name: n for name, n in dispositions.items() if name not in ("deferred", "parked")})


def format_counts(counts: Mapping[Key, int]) -> str:
    """Writes counts as `fetched 12 · failed 3`, the most frequent first."""
    return " · ".join(f"{name} {number(n)}" for name, n in ranked(counts))


def ranked(counts: Mapping[Key, int]) -> list[tuple[Key, int]]:
    """Returns names with their counts, the most frequent first."""
    return sorted(counts.items(), key=lambda item: -item[1])


def _change(change: Change) -> str:
    if change.applies:
        return f"  {change.key}: now {_value(change.new)}, was {_value(change.old)}"
    return (
        f"  {change.key} stays {_value(change.old)} in this folder; --fresh or another folder (-o) takes the new value"
    )


def _value(value: object) -> str:
    from crawler.settings.toml import text_of

    return "unlimited" if value is None else escape_text(text_of(value))


def format_rules(rules: Sequence[str], proxy: str) -> str:
    """Returns the tables of settings that a site matches and the proxy that it goes to, in words."""
    said = f"settings of {', '.join(rules)}" if rules else ""
    return ", ".join(filter(None, [said, f"through {proxy}" if proxy else ""]))
