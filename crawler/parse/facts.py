"""Holds the facts for a site's owner that are read from one page; `audit` collects them."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from ..dataclass import dataclass


@dataclass(slots=True)
class Facts:
    """The facts of one page, with its URLs as written."""

    links: list[tuple[str, str, str]] = field(default_factory=list)
    """Href, kind and text of each link."""
    places: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    canonicals: list[str] = field(default_factory=list)
    translations: list[tuple[str, str]] = field(default_factory=list)
    """Language and href."""
    structured: list[list[Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    loaded: list[tuple[str, str]] = field(default_factory=list)
    """Tag and href of what is loaded, or sent, by plain http."""
    images: int = 0
    without_alt: list[str] = field(default_factory=list)
    n_without_alt: int = 0
    titles: int = 0
    cut: list[str] = field(default_factory=list)
    """Names of lists that are not whole."""
