"""Defines a change: one page that is new, changed, moved or gone."""

from __future__ import annotations

from typing import NamedTuple

VERSION = 1
"""Version of the JSON object. Under the same number no field is renamed or changes its meaning."""
CHANGE_KINDS = ("new", "changed", "moved", "gone")
"""The kinds of changes: a first visit, other content, another address, and a page that is there no more."""


class PageChange(NamedTuple):
    """One change of one page."""

    cursor: str
    """Where it stands in the feed: `--since` this one gives all that come after it."""
    kind: str
    """`new`, `changed`, `moved` or `gone`."""
    url: str
    """The URL of the page."""
    at: str
    """When the visit began that showed it, RFC 3339, UTC."""
    visit: int
    """Which visit of the URL this was; its record has the rest."""
    status: int | None
    """The HTTP status of the answer."""
    digest: str | None
    """The digest of the content: of a page that is gone or moved, the last one that it had."""
    digest_before: str | None
    """Of a changed page: the digest before."""
    moved_to: str | None
    """Of a page that moved: where it redirects."""
    again: bool
    """Whether a new page had been told to be gone or to have moved."""
    since: str | None
    """Of a page that is gone: when it was first refused."""
    refusals: int
    """Of a page that is gone: how many spaced refusals showed it."""

    def record(self) -> dict[str, object]:
        """Returns it as a JSON object; docs/looking-back.md describes its fields."""
        return {"v": VERSION, **self._asdict()}
