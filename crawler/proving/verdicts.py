"""Holds the findings of a proof: for each site, and for the audit as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ..runtime.times import iso

AUDIT = "requests.audit"
"""The file in which a crawl records its requests."""
MOST_BREACHES = 100
"""Breaches of one site that are told one by one; all are counted."""


class Breach(NamedTuple):
    """A request that should not have left, or not then."""

    line: int
    """Its line in the audit, from 1 on."""
    kind: str
    """`robots`, `gap`, `parallel`, `retry-after`, `delay` or `order`."""
    url: str
    """The URL that was asked for."""
    why: str
    """The rule that it broke, with the figures."""
    file: str = AUDIT
    """The file that the line stands in: a crawl on several event loops has one for each."""

    def record(self) -> dict[str, object]:
        """Returns it as JSON has it."""
        return self._asdict()


class Fault(NamedTuple):
    """A place where the audit was changed, or lacks lines."""

    line: int
    """The number of the line, from 1 on."""
    why: str
    """The trouble with it."""
    file: str = AUDIT
    """The file that it stands in."""

    def record(self) -> dict[str, object]:
        """Returns it as JSON has it."""
        return self._asdict()


class TermsChange(NamedTuple):
    """A change of the terms of politeness while the crawl ran."""

    line: int
    """Its line in the audit, from 1 on."""
    at: str
    """When it came into force."""
    who: str
    """The one who changed them, as the program or the daemon told."""
    changed: Mapping[str, tuple[object, object]]
    """The old and the new value by name."""
    file: str = AUDIT
    """The file that the line stands in."""

    def record(self) -> dict[str, object]:
        """Returns it as JSON has it."""
        changed = {name: {"old": old, "new": new} for name, (old, new) in self.changed.items()}
        return {"file": self.file, "line": self.line, "at": self.at, "who": self.who, "changed": changed}


@dataclass(slots=True)
class SiteVerdict:
    """The treatment of one site, as the audit shows it."""

    site: str
    """Scheme, host, and the port if it is not the scheme's own."""
    requests: int = 0
    """Requests that were sent to it."""
    unended: int = 0
    """Requests that were under way when the crawl was killed."""
    purposes: Counter[str] = field(default_factory=Counter)
    """Requests by purpose: `page`, `robots`, `requisite` ..."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Why the site rested, by the number of requests."""
    robots: Counter[str] = field(default_factory=Counter)
    """The digests of the robots.txt that allowed requests; or the status, where there was none."""
    least_gap_s: float | None = None
    """The shortest gap in relation to the rest that was due; None: there was but one request."""
    delay_s: float = 0.0
    """The rest that was due there."""
    most_under_way: int = 0
    """The most requests under way at a time."""
    allowed_under_way: int = 0
    """The most that were allowed at any time."""
    retry_afters: int = 0
    """How often the site asked to be left alone."""
    first_at: float = 0.0
    """Unix seconds of the first request."""
    last_at: float = 0.0
    """Unix seconds of the last one."""
    n_breaches: int = 0
    """How many requests should not have left, or not then."""
    breaches: list[Breach] = field(default_factory=list)
    """The first of them."""

    @property
    def is_kept(self) -> bool:
        """Whether the site was treated as it should be."""
        return not self.n_breaches

    def add(self, breach: Breach) -> None:
        """Counts a breach, and keeps it if there is room."""
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
    """The findings of one check of an audit of requests."""

    requests: int
    """Requests on record."""
    runs: int
    """Runs on record. Of a crawl on several event loops each loop counts its own."""
    unended: int
    """Requests that were under way at a kill: their beginning is on record, and no end."""
    seal: str
    """The seal of the last line; of several files a hash of all their last seals. Whoever has it can tell later
    whether the audit is still the same."""
    lines: int
    """Lines of the audit, of all files together."""
    agent: str
    """The name of the crawler in robots.txt."""
    user_agent: str
    """The name by which it called itself."""
    faults: tuple[Fault, ...]
    """Where the audit was changed or lacks lines."""
    sites: tuple[SiteVerdict, ...]
    """The verdicts, those with breaches first."""
    changes: tuple[TermsChange, ...] = ()
    """Changes of the terms while it ran, and from one run to the next."""
    remarks: tuple[str, ...] = ()
    """Checks that could not be made."""

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
            "changes": [one.record() for one in self.changes],
            "sites": [site.record() for site in self.sites],
        }  # fmt: skip
