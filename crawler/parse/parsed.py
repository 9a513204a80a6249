"""Defines what a parse function may return beside plain data: `Parsed`, data with links of its own choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from ..dataclass import dataclass

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Link:
    """A link that a parse function gives. It belongs to the crawl if a link of the page would."""

    url: str
    """Absolute, or relative to the page's base."""
    label: str = ""
    """The `label` of the request, by which parse functions can be chosen."""
    data: Mapping[str, object] | None = None
    """The `data` of the request, values that JSON can hold."""
    priority: int = 0
    """Lower goes first within a site."""
    method: str = "GET"
    """The method of the request."""
    body: bytes = b""
    """The content that is sent, at most 256 KiB."""
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()
    """Header fields of this request alone."""


@dataclass(slots=True)
class Parsed(Generic[T]):
    """Data and links of a page."""

    data: T | None = None
    """The data of the record, and `Outcome.data`."""
    links: Iterable[Link | str] = ()
    """Links to follow, beside those that the crawl finds itself. A text is a link without more."""
    follow: bool = True
    """Whether the links that the crawl finds on this page are followed, too."""
    score: Callable[[str, str], float] | None = None
    """Says how much each of these links promises, from 0 to 1, by its URL and its text; the best are visited first. It
    is called in the worker. None: the crawl's own focus says it, if there is one."""
    relevance: float | None = None
    """How much the page is what is sought, from 0 to 1, for its record. None: the crawl's own focus says it."""
