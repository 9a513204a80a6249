"""What a reader makes of a body, before anything is resolved, judged or remembered."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Reading:
    """All empty: there was nothing to read."""

    charset: str = ""
    title: str = ""
    description: str = ""
    language: str = ""
    canonical: str = ""
    """As written; resolve it against `base`."""
    base: str = ""
    """What hrefs are relative to, absolute; empty: the document's own URL."""
    hrefs: list[str] = field(default_factory=list)
    """As written, in document order within each kind of link."""
    is_followed: bool = True
    """Whether the page lets robots follow its links."""
    words: str = ""
    """What a person would read, roughly: good enough to compare pages by."""
    text: str = ""
    """What a person would read, laid out; only when asked for."""


def one_line(text: str, limit: int) -> str:
    """At most `limit` characters, runs of white space as one blank."""
    return " ".join(text[: 4 * limit].split())[:limit]
