"""Says which crawl it is, for sinks that several crawls share."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from ..dataclass import dataclass


@dataclass(frozen=True, slots=True)
class CrawlInfo:
    """One crawl, as a sink gets to know it before the first write."""

    id: str
    """32 hexadecimal digits, the same in every run of a crawl folder and different for every other crawl.

    A crawl that starts over (`fresh`) or keeps its state in memory gets a new one. A copy of a folder has its id.
    """
    folder: Path | None
    """Its folder; None: it has none."""
    is_new: bool
    """Whether it has not begun: no URL was ever queued."""
    software: str
    """The name and version of the software that crawls."""
    user_agent: str
    """The User-Agent that it sends."""
    contact: str
    """Where its owner can be reached; empty: not said."""
    robots: str
    """How it treats robots.txt: `obey` or `ignore`."""
    settings_digest: str
    """A digest of the settings that somebody chose, without passwords: equal settings have the same one."""
    node: str
    """The node that writes, in a crawl on several machines. Empty: one process writes all."""

    @property
    def writer_id(self) -> str:
        """32 hexadecimal digits of who writes: those of the crawl, or of one of its nodes."""
        if not self.node:
            return self.id
        return blake2b(f"{self.id}/{self.node}".encode(), digest_size=16, person=b"crawld node id").hexdigest()


def make_crawl_id(key: bytes) -> str:
    """Returns the id of the crawl whose frontier has this key. The key, which must stay secret, is not told by it."""
    return blake2b(key, digest_size=16, person=b"crawld crawl id").hexdigest()
