"""Counts the records of an output part by part, each once, and keeps what is counted in a file of the crawl folder."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import orjson

from ..protocols import Reader
from ..records import ALL
from ..runtime.private_files import opener, replace_private_file
from .report import Report, make_report
from .tally import MOST_SITES, Tally

LAYOUT = 1
"""The layout of the file. One of another layout is not read, and its records are counted again."""
NAME = ".report.json"
"""The file in a crawl folder. No output can have this name: none may begin with a dot."""
PART_BYTES = 1 << 20
PART_RECORDS = 2000
LONG = 1 << 13
"""Longer records may hold fields on request. Nobody counts these, so they are left out before a record is read."""
_TO_ROBOTS = re.compile(rb',"robots":(?:null|"(?:[^"\\]|\\.)*")')
"""The last field that every record has; those on request come after it."""
MOST_BYTES = 8 << 20
"""A file that is larger is not ours."""


@dataclass(slots=True)
class Count:
    """The records of one output that are counted, from its first one up to a place.

    The last part that was counted is known by its digest. If it no longer stands where it stood, the output was cut
    back (after `kill -9`), mended or started again, and everything is counted anew: figures are never of records that
    are gone.
    """

    output: str
    """The name of the output."""
    tally: Tally = field(default_factory=Tally)
    end: int = 0
    """The place after the last record that is counted."""
    part: int = 0
    """The place at which the last part that is counted begins."""
    part_records: int = 0
    """How many records that part has."""
    digest: str = ""
    """The digest of that part."""
    counted_at: float = 0.0
    """When the last part was counted, in Unix seconds."""

    def add_part(self, reader: Reader) -> bool:
        """Counts the next part, about a megabyte. Returns whether there is more. Blocks. Raises OSError."""
        lines, end, is_last = reader.read(self.end, PART_RECORDS, ALL, PART_BYTES)
        self.counted_at = time.time()
        if lines:
            for line in lines:
                self._add(line)
            self.part, self.end, self.part_records, self.digest = self.end, end, len(lines), _digest(lines)
        return not is_last

    def still_holds(self, reader: Reader) -> bool:
        """Whether the output still has the records that are counted. Blocks. Raises OSError."""
        if not self.end:
            return True
        lines, end, _ = reader.read(self.part, self.part_records, ALL, PART_BYTES)
        return end == self.end and _digest(lines) == self.digest

    def share(self, reader: Reader) -> float:
        """Returns the part of the output that is counted, from 0 to 1. Blocks."""
        whole = reader.end()
        return min(1.0, self.end / whole) if whole else 1.0

    def report(self, share: float, most_sites: int = MOST_SITES) -> Report:
        return make_report(self.tally, self.counted_at, share, most_sites)

    def _add(self, line: bytes) -> None:
        try:
            self.tally.add(orjson.loads(without_heavy_fields(line)))
        except orjson.JSONDecodeError:
            self.tally.unreadable += 1

    # -- its file ----------------------------------------------------------------------------------------------------

    def dump(self) -> bytes:
        """Returns what the file holds."""
        place = {name: getattr(self, name) for name in _PLACE}
        return orjson.dumps({"layout": LAYOUT, **place, "tally": self.tally.to_json()})

    @classmethod
    def load(cls, text: bytes, output: str) -> Count | None:
        """Returns the count that a file holds; None if it is of another output or layout, or damaged."""
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            given = orjson.loads(text)
            if given["layout"] == LAYOUT and given["output"] == output:
                end, part, records = (int(given[name]) for name in ("end", "part", "part_records"))
                tally, counted_at = Tally.from_json(given["tally"]), float(given["counted_at"])
                return cls(output, tally, end, part, records, str(given["digest"]), counted_at)
        return None


_PLACE = ("output", "end", "part", "part_records", "digest", "counted_at")


def recall(folder: Path, output: str, reader: Reader) -> Count:
    """Returns the count that the folder keeps, or one that begins anew. Blocks. Raises OSError of the output."""
    text = b""
    with suppress(OSError), open(folder / NAME, "rb", opener=opener) as file:
        text = file.read(MOST_BYTES)
    count = Count.load(text, output)
    return count if count is not None and count.still_holds(reader) else Count(output)


def keep(folder: Path, text: bytes) -> None:
    """Writes what `Count.dump` returned into the folder. Blocks. Raises OSError."""
    with replace_private_file(folder / NAME) as file:
        file.write(text)


def _digest(lines: Sequence[bytes]) -> str:
    return blake2b(b"".join(lines), digest_size=16).hexdigest()


def without_heavy_fields(line: bytes) -> bytes:
    """Returns a long record without its fields on request, which come after the others; a short one as it is."""
    if len(line) > LONG and (found := _TO_ROBOTS.search(line)):
        return line[: found.end()] + b"}"
    return line
