"""Settings of where the CPU work goes, where the queue lives, and where records go."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal

from pydantic import Field, field_validator

from .table import ForJobs, Table

OWN_FILES = frozenset({"crawl.toml", "crawl.log", "crawl.log.1", "lock", "bad-seeds.txt", "frontier.sqlite", "seeds"})
"""What stands in a crawl folder beside the sinks' files."""
MOST_NAME_BYTES = 200
"""Of a sink's file name: file systems take 255, and what is made of it may have an ending more."""
MOST_SINKS = 16


MOST_INLINE_BYTES = 1 << 16
"""What takes a millisecond or two to parse: nothing larger is read on the loop, whatever the settings say."""


class OffloadConfig(Table):
    """Where the CPU work goes."""

    executor: Literal["process", "thread", "inline"] = "process"
    """Where parsing, hashing and decompression run."""
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    """Worker processes; 0: one for each core this process may use."""
    inline_below_bytes: Annotated[int, Field(ge=0, le=MOST_INLINE_BYTES)] = 1024
    """Bodies cheaper to parse than to hand over stay on the loop, unless they are compressed or a function of yours
    reads them. Of 1 KiB a stranger can make a millisecond's work, of more in proportion."""
    batch: Annotated[int, Field(ge=1, le=256)] = 16
    """Pages handed over together at most, while all workers are busy."""
    page_cpu_s: Annotated[float, Field(gt=0)] = 10.0
    """CPU seconds one page may cost before its worker is ended; its links come from a linear scan: `parse-timeout`."""
    page_memory_bytes: Annotated[int, Field(ge=8 << 20)] = 96 << 20
    """Memory that reading one page may take, in one worker at a time; a quarter of it in all others. A page that needs
    more is read by a linear scan alone: `parse`."""


class FrontierConfig(Table):
    """What to visit next, and what is already known."""

    kind: Literal["sqlite", "memory"] = "sqlite"
    """Where the queue lives. `memory` forgets everything with the process."""
    durability: ForJobs[Literal["process", "power"]] = "power"
    """What a settled page survives: the end of the process (kill -9), or a power cut too. `process` waits for no disk;
    after a power cut, the pages of the last minute may have to be fetched again."""
    memory_bytes: Annotated[int, Field(ge=0)] = 0
    """What known URLs and active sites should take in memory: a warning is logged at four fifths of it. 0: no warning.
    A URL takes 20 bytes, a site with something queued 6,000."""


class SinkConfig(Table):
    """Where records go; one table for each output."""

    kind: ForJobs[Literal["jsonl"]] = "jsonl"
    """The format: one JSON object a line."""
    path: ForJobs[str] = "pages.jsonl"
    """File name inside the crawl folder."""
    links: ForJobs[bool] = False
    """Write the list of all links of each page."""
    text: ForJobs[bool] = False
    """Write the readable text of each page."""
    headers: ForJobs[bool] = False
    """Write the answer's header fields."""

    @field_validator("path")
    @classmethod
    def _stands_in_the_folder(cls, path: str) -> str:
        if not _is_plain(path):
            raise ValueError(
                f"should be a plain file name of 1 to {MOST_NAME_BYTES} bytes, without / and \\,"
                " that begins and ends with neither dot nor space"
            )
        if own := next((name for name in sorted(OWN_FILES) if _is_made_of(as_file(path), name)), None):
            raise ValueError(f"should not be like {own}, which the crawl writes itself: call it pages.jsonl")
        return path


def as_file(name: str) -> str:
    """The same for all names that a file system may take for one: it may not tell capitals, or how they are written."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _is_plain(name: str) -> bool:
    return (
        0 < len(name.encode()) <= MOST_NAME_BYTES
        and name.isprintable()
        and not set(name) & set("/\\")
        and not name.startswith((".", " "))
        and not name.endswith((".", " "))
    )


def _is_made_of(name: str, own: str) -> bool:
    """Whether it is one of the crawl's own files, or what is made of one: `frontier.sqlite-wal`, `crawl.toml.new`."""
    return name == own or ("." in own and name.startswith((f"{own}.", f"{own}-")))
