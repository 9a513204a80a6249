"""Finds what can read a job's records back, and counts its failures from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import orjson

from ...folder.folder import Folder
from ...metrics.metrics import MAX_FAILURES
from ...model import Url
from ...protocols import Output, Reader
from ...records import Filter, Record
from ...runtime.ownership import NOBODY, Trust
from ...runtime.private_files import Unsafe
from ...settings import Config
from ...settings.loading import load
from ...sinks import find_readable
from ..errors import NoRecords, WrongState
from ..owners import is_format_allowed

MOST_READ = 4 << 20
"""Bytes read for one answer. A filter with few matches continues with the next request."""
MOST_LOOKED = 64 << 20
"""Bytes read backwards from the end of an output, to find the last records that match."""
AT_ONCE = 10_000
FAILED = Filter(disposition="failed")


def outputs(folder: Path, chosen: Callable[[], Config], base: Config, trust: Trust = NOBODY) -> Sequence[Output]:
    """Returns the outputs that a crawl folder has, without those in formats that no job may choose. Blocks.

    `chosen` returns the job's settings, which count where the folder has none. Raises ConfigError.
    """
    settings = folder / "crawl.toml"
    config = load(settings, trust=trust) if settings.is_file() else chosen()
    allowed = tuple(sink for sink in config.sinks if is_format_allowed(sink, base))
    return Folder(folder, config.model_copy(update={"sinks": allowed})).outputs


def reader(found: Sequence[Output]) -> Reader:
    """Returns the reader of the first output that can be read back. Raises NoRecords if none can."""
    return readable_output(found)[1]


def readable_output(found: Sequence[Output]) -> tuple[Output, Reader]:
    """Returns the first output that can be read back, and its reader. Raises NoRecords if none can."""
    one = find_readable(found)
    if one is None:
        raise NoRecords("pages: this job keeps no records that can be read back")
    return one


@contextmanager
def readable() -> Iterator[None]:
    """Raises WrongState where something else stands in the place of an output's file."""
    try:
        yield
    except Unsafe as error:
        raise WrongState(str(error)) from error


class Failure(NamedTuple):
    """The failures of one site for one reason: their number and an example."""

    site: str
    reason: str
    n: int
    example: str


@dataclass(slots=True)
class Failures:
    """Counts the failed visits of one output by site and reason. Each part of the output is read once."""

    read_to: int = 0
    groups: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    def update(self, reader: Reader) -> None:
        """Counts the records written since the last call. Blocks."""
        if reader.end() < self.read_to:  # the output was started again
            self.read_to, self.groups = 0, {}
        is_last = False
        while not is_last:
            lines, self.read_to, is_last = reader.read(self.read_to, AT_ONCE, FAILED, MOST_READ)
            for line in lines:
                self._count(orjson.loads(line))

    def most(self, limit: int) -> list[Failure]:
        """Returns the sites and reasons with most failures."""
        ranked = sorted(self.groups.items(), key=lambda group: -group[1][0])[:limit]
        return [Failure(site, reason, n, example) for (site, reason), (n, example) in ranked]

    def _count(self, record: Record) -> None:
        url, reason = str(record["url"]), str(record.get("reason"))
        key = Url(url).site, reason
        n, example = self.groups.get(key, (0, url))
        if n or len(self.groups) < MAX_FAILURES:
            self.groups[key] = n + 1, example
