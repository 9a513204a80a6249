"""Names the troubles of a run: sites that failed or hindered it, and code that blocked its loop."""

from __future__ import annotations

from typing import NamedTuple

from ..model import Reason


class Failures(NamedTuple):
    """The failures of one site for one reason: how many, and one example."""

    site: str
    """The site: `https://example.org`."""
    reason: Reason
    """Why its visits failed."""
    n: int
    """How many did."""
    example: str
    """The URL of one of them."""
    parser: str = ""
    """The name of the parse function that failed at these pages, which were fetched all the same. Empty: it is a matter
    of visits that failed."""


class Hindrance(NamedTuple):
    """Answers of one site that were no content: how many, and the evidence."""

    site: str
    """The site: `https://example.org`."""
    reason: Reason
    """`soft-outage` or `blocked`."""
    n: int
    """How many of its answers were no content."""
    detail: str
    """The evidence, in a few words for a person."""


class Blocked(NamedTuple):
    """Code that blocked the event loop: how often, and for how many seconds at worst."""

    culprit: str
    """`file.py:function`."""
    times: int
    """How often it blocked the loop."""
    worst_s: float
    """The longest time that it did, in seconds."""
