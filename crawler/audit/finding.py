"""Defines a finding: one thing that is wrong at one place of a site, with the pages that show it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How much a finding matters to the people who visit the site."""

    ERROR = "error"
    """Something does not work."""
    WARNING = "warning"
    """Something works, and worse than its owner means it to."""
    NOTICE = "notice"
    """Something to know, which may well be meant."""


class FindingPage(NamedTuple):
    """A page that shows a finding."""

    url: str
    """The URL of the page."""
    text: str = ""
    """The text of the link there, or another word that helps to find the place. Empty: there is none."""


MEASURED = frozenset({"slow-page", "large-page", "long-title", "long-description"})
"""Codes whose detail is a measure, which may differ in the next crawl."""


class Finding(NamedTuple):
    """One thing that is wrong. Findings of two crawls are compared by their `key`."""

    code: str
    """One of the words of docs/findings.md, or one of an own check. Stable."""
    severity: Severity
    """How much it matters."""
    url: str
    """The URL that it is about: the page itself, or the target of a broken link."""
    detail: str
    """A few words about the fault: `HTTP 404`, or the title that several pages share. Empty: the code says it all."""
    pages: Sequence[FindingPage]
    """The pages that show it. Empty: `url` is the page. No more than were asked for."""
    n_pages: int
    """How many pages show it, however many `pages` holds."""
    advice: str
    """One line that says what to do."""

    @property
    def key(self) -> tuple[str, str, str]:
        """The same in every crawl: code, URL, and the detail where it is no measure."""
        return self.code, self.url, "" if self.code in MEASURED else self.detail

    def record(self) -> dict[str, object]:
        """Returns the finding as a JSON object."""
        return {**self._asdict(), "severity": str(self.severity), "pages": [one._asdict() for one in self.pages]}
