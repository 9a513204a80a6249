"""Defines a difference between two crawls: one URL, the ways in which it differs, and its state in both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

VERSION = 1
"""Version of the JSON object. Under the same number no field is renamed or changes its meaning."""
KINDS = ("added", "removed", "moved", "changed", "status", "robots")
"""The ways in which a URL may differ, in the order in which they are counted and shown."""


class State(NamedTuple):
    """A URL as one of the two crawls last found it."""

    status: int | None
    """The HTTP status; of a page that answered 304 the one before. None: there was no answer."""
    disposition: str | None
    """The end of its visit: `fetched`, `failed`, `excluded`, ..."""
    reason: str | None
    """Why, in one of the words of docs/records.md."""
    digest: str | None
    """`sha256:` and the hash of the body. None: not known."""
    location: str | None
    """Where a redirect led."""
    robots: str | None
    """Directives of the page for robots."""
    title: str | None
    """Its title. Of a web archive it is known only where the content changed, as is `robots`."""


class LineChanges(NamedTuple):
    """How two texts differ, line by line. A line that only stands elsewhere is no change."""

    added: int
    """Lines of the second text that the first one lacks."""
    removed: int
    """Lines of the first text that the second one lacks."""
    added_lines: Sequence[str]
    """The first of these, cut."""
    removed_lines: Sequence[str]
    """The first of those."""


class Difference(NamedTuple):
    """One URL that differs."""

    url: str
    """The URL; behind it method and id of a request that is more than a URL."""
    kinds: Sequence[str]
    """The ways in which it differs: some of `KINDS`."""
    before: State | None
    """Its state in the first crawl. None: it is not there."""
    after: State | None
    """Its state in the second crawl."""
    moved_to: str | None = None
    """Where the content is now, of one that moved."""
    moved_how: str | None = None
    """`redirect`, or `content`: the same bytes came from the other URL."""
    similarity: float | None = None
    """How alike two contents are, from 0 to 1, by the simhashes of their texts. None: not known."""
    lines: LineChanges | None = None
    """Where both texts were kept: how many lines differ."""

    def record(self) -> dict[str, object]:
        """Returns it as a JSON object; docs/looking-back.md describes its fields."""
        values = self._asdict()
        before, after = values.pop("before"), values.pop("after")
        return {
            "v": VERSION,
            **values,
            "kinds": list(self.kinds),
            "lines": self.lines and self.lines._asdict(),
            "before": before and before._asdict(),
            "after": after and after._asdict(),
        }
