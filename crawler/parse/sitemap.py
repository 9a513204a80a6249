"""Decides which entries of a sitemap count, with which priority and date. Standard: sitemaps.org protocol."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from ..runtime.xml_repair import Enough
from ..urls import MAX_LENGTH
from .job import Document
from .reading import Reading

MAX_LOCATIONS = 50_000
"""Entries of a sitemap that are read: as many as the protocol allows."""
MAX_BYTES = 50 << 20
"""Unpacked bytes of a sitemap that are read: as many as the protocol allows."""
MAX_INDEXES = 3
"""Levels of nested indexes. The protocol allows one. Without a limit a server could go on for ever."""
FIRST = -100
"""The priority of a sitemap that robots.txt names: it comes before pages. A sitemap in an index comes one step after
the index, so the priority says how many indexes led to it."""
_NAMED = re.compile(r"/[^/?]*sitemap[^/?]*\.txt(?:\.gz)?(?:\?|$)", re.IGNORECASE)
_ENDS = re.compile(r"[\r\n]")
_LONGEST = 2 * MAX_LENGTH
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(.*))?)?", re.DOTALL)
_LATEST = (1 << 32) - 1


def is_list(document: Document) -> bool:
    """Whether plain text is read as a sitemap: it was named as one, or its file name says so."""
    return document.is_sitemap or bool(_NAMED.search(document.url.path))


def read_list(texts: Iterable[str], reading: Reading) -> None:
    """Reads a sitemap in plain text: one absolute URL a line, nothing else. Raises Enough."""
    for line in _lines(texts):
        url = line.strip("\ufeff\t\n\r ")
        if url[:8].lower().startswith(("http://", "https://")):
            add(reading, url, 0, 0)


def add(reading: Reading, url: str, priority: int, modified: int) -> None:
    """Adds an entry. Raises Enough if there are MAX_LOCATIONS already."""
    if len(reading.hrefs) >= MAX_LOCATIONS:
        raise Enough(f"only the first {MAX_LOCATIONS} entries were read")
    reading.hrefs.append(url)
    reading.priorities.append(priority)
    reading.modified.append(modified)


def limit_bytes(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the first MAX_BYTES. Raises Enough if there are more."""
    room = MAX_BYTES
    for piece in pieces:
        if len(piece) > room:
            yield piece[:room]
            raise Enough(f"only the first {MAX_BYTES >> 20} MiB were read")
        room -= len(piece)
        yield piece


def nested_priority(priority: int) -> int | None:
    """Returns the priority of sitemaps in an index that was requested with `priority`; None if they are too deep."""
    level = priority - FIRST if FIRST <= priority <= FIRST + MAX_INDEXES else 0
    return None if level >= MAX_INDEXES else FIRST + level + 1


def page_priority(text: str) -> int:
    """Translates `<priority>`: 1.0 is -5, 0.5 (the default) is 0, 0.0 is 5. Invalid text is 0."""
    try:
        wished = float(text)
    except ValueError:
        return 0
    return round((0.5 - wished) * 10) if 0 <= wished <= 1 else 0


def unix_time(text: str) -> int:
    """Returns a date in W3C format, from a year up to fractions of a second, in Unix seconds; 0 if it is invalid."""
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
    """Yields lines, which may span pieces. A line without an end is cut at a length that no URL has."""
    rest = ""
    for text in texts:
        *lines, rest = _ENDS.split(rest + text)
        yield from lines
        rest = rest[:_LONGEST]
    yield rest
