"""What a sitemap's words mean to a crawl: which entries count, how soon, how fresh. Standard: sitemaps.org protocol."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from ..urls import MAX_LENGTH
from .job import Document
from .reading import Reading

MAX_LOCATIONS = 50_000
"""What a sitemap may hold, by its protocol; the rest is not read."""
MAX_BYTES = 50 << 20
"""What a sitemap may measure, by its protocol, out of its gzip; the rest is not read."""
MAX_INDEXES = 3
"""Indexes within indexes. The protocol allows one; without a bound a server could go on for ever."""
FIRST = -100
"""The priority of a sitemap that robots.txt names: it goes before pages. One in an index comes a step after its index,
and so the priority says how many indexes led to a sitemap."""
_NAMED = re.compile(r"/[^/?]*sitemap[^/?]*\.txt(?:\.gz)?(?:\?|$)", re.IGNORECASE)
_ENDS = re.compile(r"[\r\n]")
_LONGEST = 2 * MAX_LENGTH
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(.*))?)?", re.DOTALL)
_LATEST = (1 << 32) - 1


class Enough(Exception):
    """The rest need not be read; says why."""


def is_list(document: Document) -> bool:
    """Whether plain text is to be read as a sitemap: someone called it one, or its name does."""
    return document.is_sitemap or bool(_NAMED.search(document.url.path))


def read_list(texts: Iterable[str], reading: Reading) -> None:
    """A sitemap in plain text: one absolute URL a line, nothing else. Raises Enough."""
    for line in _lines(texts):
        url = line.strip("\ufeff\t\n\r ")
        if url[:8].lower().startswith(("http://", "https://")):
            add(reading, url, 0, 0)


def add(reading: Reading, url: str, priority: int, modified: int) -> None:
    """Raises Enough after the last that may be."""
    if len(reading.hrefs) >= MAX_LOCATIONS:
        raise Enough(f"only the first {MAX_LOCATIONS} entries were read")
    reading.hrefs.append(url)
    reading.priorities.append(priority)
    reading.modified.append(modified)


def within(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """As much as may be read. Raises Enough where that is not all."""
    room = MAX_BYTES
    for piece in pieces:
        if len(piece) > room:
            yield piece[:room]
            raise Enough(f"only the first {MAX_BYTES >> 20} MiB were read")
        room -= len(piece)
        yield piece


def nested_priority(priority: int) -> int | None:
    """That of the sitemaps an index names, if the index was asked for with `priority`; None: they are too deep."""
    level = priority - FIRST if FIRST <= priority <= FIRST + MAX_INDEXES else 0
    return None if level >= MAX_INDEXES else FIRST + level + 1


def page_priority(text: str) -> int:
    """`<priority>` 1.0 is -5, 0.5 (what it is by default) is 0, 0.0 is 5; nonsense is 0."""
    try:
        wished = float(text)
    except ValueError:
        return 0
    return round((0.5 - wished) * 10) if 0 <= wished <= 1 else 0


def unix_time(text: str) -> int:
    """Of a date in W3C format, from the year alone to fractions of a second; 0 for nonsense."""
    found = _DATE.fullmatch(text.strip())
    if not found:
        return 0
    year, month, day, time = found.groups()
    try:
        moment = datetime.fromisoformat(f"{year}-{month or '01'}-{day or '01'}{time or ''}")
    except ValueError:
        return 0
    try:
        seconds = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return 0
    return int(seconds) if 0 < seconds <= _LATEST else 0


def _lines(texts: Iterable[str]) -> Iterator[str]:
    """Lines that may reach over pieces; of one without an end, as much as tells that it is no URL."""
    rest = ""
    for text in texts:
        *lines, rest = _ENDS.split(rest + text)
        yield from lines
        rest = rest[:_LONGEST]
    yield rest
