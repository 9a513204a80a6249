"""Holds what a proof found: for each site, and for the audit as a whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from ..runtime.times import iso

MOST_BREACHES = 100
"""Breaches of one site that are told one by one; all are counted."""


class Breach(NamedTuple):
    """A request that should not have left, or not then."""

    line: int
    """Its line in the audit, from 1 on."""
    kind: str
    """`robots`, `gap`, `parallel`, `retry-after`, `delay` or `order`."""
    url: str
    why: str

    def record(self) -> dict[str, object]:
        """Returns it as JSON has it."""
        return self._asdict()


class Fault(NamedTuple):
    """A place where the audit was changed, or lacks lines."""

    line: int
    why: str

    def record(self) -> dict[str, object]:
        """Returns it as JSON has it."""
        return self._asdict()


@dataclass(slots=True)
class SiteVerdict:
    """What the audit shows of one site."""

    site: str
    requests: int = 0
    unended: int = 0
    """Requests that were under way when the crawl was killed."""
    purposes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Why the site rested, by the number of requests."""
    robots: Counter[str] = field(default_factory=Counter)
    """The digests of the robots.txt that allowed requests; or the status, where there was none."""
    least_gap_s: float | None = None
    """The shortest gap in relation to the rest that was due; None: there was but one request."""
    delay_s: float = 0.0
    """The rest that was due there."""
    most_under_way: int = 0
    allowed_under_way: int = 0
    retry_afters: int = 0
    """How often the site asked to be left alone."""
    first_at: float = 0.0
    last_at: float = 0.0
    n_breaches: int = 0
    breaches: list[Breach] = field(default_factory=list)

    @property
    def is_kept(self) -> bool:
        return not self.n_breaches

    def add(self, breach: Breach) -> None:
        self.n_breaches += 1
        if len(self.breaches) < MOST_BREACHES:
            self.breaches.append(breach)

    def record(self) -> dict[str, object]:
        """Returns it as JSON has it."""
        return {
            "site": self.site, "verdict": "kept" if self.is_kept else "breached", "requests": self.requests,
            "unended": self.unended, "purposes": dict(self.purposes), "rests": dict(self.reasons),
            "robots_txt": dict(self.robots),
            "least_gap_s": None if self.least_gap_s is None else round(self.least_gap_s, 6), "delay_s": self.delay_s,
            "most_under_way": self.most_under_way, "allowed_under_way": self.allowed_under_way,
            "retry_afters": self.retry_afters, "first_at": iso(self.first_at), "last_at": iso(self.last_at),
            "n_breaches": self.n_breaches, "breaches": [one.record() for one in self.breaches],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Proof:
    """What the audit of a crawl shows."""

    requests: int
    runs: int
    unended: int
    """Requests that were under way at a kill: their beginning is on record, and no end."""
    seal: str
    """The seal of the last line. Whoever has it can tell later whether the audit is still the same."""
    lines: int
    agent: str
    user_agent: str
    faults: tuple[Fault, ...]
    """Where the audit was changed or lacks lines."""
    sites: tuple[SiteVerdict, ...]
    remarks: tuple[str, ...] = ()
    """What could not be checked."""

    @property
    def is_kept(self) -> bool:
        """Whether the audit is whole and no site was treated worse than it should be."""
        return not self.faults and all(site.is_kept for site in self.sites)

    def record(self) -> dict[str, object]:
        """Returns it as JSON has it."""
        return {
            "verdict": "kept" if self.is_kept else "breached", "requests": self.requests, "runs": self.runs,
            "unended": self.unended, "lines": self.lines, "seal": self.seal, "user_agent": self.user_agent,
            "faults": [one.record() for one in self.faults], "remarks": list(self.remarks),
            "sites": [site.record() for site in self.sites],
        }  # fmt: skip
