"""Names WARC files as web archives do, `PREFIX-YYYYMMDDhhmmss-SERIAL-CRAWL.warc.gz`, and finds them in a folder."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

OPEN = ".open"
"""The ending of a file that is still written: no reader may take it for a whole one."""
CRAWL_DIGITS = 8
"""Of the id of the crawl. They stand where others name the host, which is nobody's business."""
_FORM = re.compile(
    r"(?P<name>(?P<prefix>.+)-(?P<stamp>[0-9]{14})-(?P<serial>[0-9]{5,})-(?P<crawl>[0-9a-f]{8})\.warc\.gz)(?P<open>\.open)?"
)


class WarcFile(NamedTuple):
    """One WARC file of a crawl."""

    name: str
    """Its name once it is whole; records and indexes call it so from the start."""
    serial: int
    """Its number among the files of the crawl, from 0."""
    crawl: str
    """The first digits of the id of the crawl."""
    is_open: bool
    """Whether it is still written, or was when its crawl was killed."""

    @property
    def present_name(self) -> str:
        """The name that it has in its folder now."""
        return f"{self.name}{OPEN}" if self.is_open else self.name


def make_name(prefix: str, begun: float, serial: int, crawl_id: str) -> str:
    """Returns the name of a file that was begun at that second (Unix)."""
    stamp = datetime.fromtimestamp(begun, UTC).strftime("%Y%m%d%H%M%S")
    return f"{prefix}-{stamp}-{serial:05d}-{crawl_id[:CRAWL_DIGITS]}.warc.gz"


def read_name(text: str) -> WarcFile | None:
    """Returns what a name says; None: it has not this form."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    return WarcFile(found["name"], int(found["serial"]), found["crawl"], found["open"] is not None)


def serial_of(name: str) -> int:
    """Returns the number of the file of this name; -1: it is no name of a WARC file."""
    found = read_name(name)
    return found.serial if found else -1


def find_files(folder: Path, crawl_id: str = "") -> list[WarcFile]:
    """Returns the WARC files of a folder in the order in which they were written; with `crawl_id`, those of that crawl.

    A folder that is not there has none. Raises OSError.
    """
    try:
        names = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return []
    found = [one for name in names if (one := read_name(name)) is not None]
    wanted = crawl_id[:CRAWL_DIGITS]
    return sorted((one for one in found if not wanted or one.crawl == wanted), key=lambda one: (one.crawl, one.serial))
