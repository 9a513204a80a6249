"""Gathers findings by their code: all are counted, and the first ones of each code are kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..audit import FINDINGS, Finding, Severity

MOST_ROWS = 100
"""Findings of one code that a page shows."""
MOST_CHARS = 200_000
"""Characters of the findings of one code that are kept."""
SHOWN_PAGES = 8
"""Pages that a page names for one finding."""


@dataclass(slots=True)
class Section:
    """The findings of one code."""

    code: str
    title: str
    severity: Severity
    advice: str
    n: int = 0
    """How many findings there are."""
    rows: list[Finding] = field(default_factory=list)
    """The first of them."""
    _chars: int = 0

    def add(self, finding: Finding) -> None:
        """Counts a finding, and keeps it if there is room."""
        self.n += 1
        if len(self.rows) < MOST_ROWS and self._chars < MOST_CHARS:
            self.rows.append(finding)
            self._chars += len(finding.url) + len(finding.detail)
            self._chars += sum(len(place.url) + len(place.text) for place in finding.pages)


def gather(findings: Iterable[Finding]) -> list[Section]:
    """Returns the findings by code, in the order in which they come."""
    sections: dict[str, Section] = {}
    for finding in findings:
        code = finding.code
        if code not in sections:
            title = FINDINGS[code].title if code in FINDINGS else code
            sections[code] = Section(code, title, finding.severity, finding.advice)
        sections[code].add(finding)
    return list(sections.values())
