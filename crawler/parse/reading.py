"""What a reader makes of a body, before anything is resolved, judged or remembered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from ..model import LeftOut
from .job import Job


@dataclass(slots=True)
class Reading:
    """All empty: there was nothing to read."""

    charset: str = ""
    title: str = ""
    description: str = ""
    language: str = ""
    canonical: str = ""
    """As written; resolve it against `base`."""
    refresh: str | None = None
    """Where the page leads after a while, as written; empty: to itself; None: nowhere."""
    base: str = ""
    """What hrefs are relative to, absolute; empty: the document's own URL."""
    hrefs: list[str] = field(default_factory=list)
    """As written, in document order within each kind of link; those of the kinds that the crawl follows."""
    priorities: list[int] = field(default_factory=list)
    """Of a sitemap alone: that of the request for each href, and 0 where nothing is said."""
    modified: list[int] = field(default_factory=list)
    """Of a sitemap alone: when each href last changed, in Unix seconds; 0 where nothing is said."""
    directives: list[str] = field(default_factory=list)
    """What the page asks of robots, as far as it concerns us: the contents of its robots metas and X-Robots-Tags."""
    words: str = ""
    """What a person would read, roughly: good enough to compare pages by."""
    spaced: str = ""
    """The same with a blank between elements, where that matters and is cheap: cells of a table hold numbers."""
    media: list[str] = field(default_factory=list)
    """Where its pictures, recordings, embedded documents and downloads are, as written, followed or not."""
    text: str = ""
    """What a person would read, laid out; only when asked for."""
    note: str = ""
    """What a person should know: that the rest was not read, and why."""
    left_out: int = 0
    """Bits of LeftOut: the rules that kept links of it from being read."""
    is_scanned: bool = False
    """There was no tree: see `scan`."""

    def follows(self, relations: Collection[str], job: Job) -> bool:
        """Whether a link of these relations (in lower case) is followed; noted where it is not."""
        if job.nofollow != "links" or "nofollow" not in relations:
            return True
        self.left_out |= LeftOut.NOFOLLOW
        return False

    def add_note(self, note: str) -> None:
        self.note = f"{self.note}; {note}" if self.note else note


def one_line(text: str, limit: int) -> str:
    """At most `limit` characters, runs of white space as one blank."""
    return " ".join(text[: 4 * limit].split())[:limit]
