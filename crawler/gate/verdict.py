"""Compares findings with a baseline: which are new, which are known, which are gone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ..audit import Finding, Severity

BROKEN = frozenset({"broken-link", "broken-resource", "broken-page", "doubtful-link", "hreflang-broken"})
"""Codes that all say that a URL does not answer. Which of them it is may depend on how it failed last."""
GROUPS = frozenset({"duplicate-page", "near-duplicate", "duplicate-title", "duplicate-description"})
"""Codes of findings about several pages, each of which may be named first."""
PASSING = frozenset({"slow-page"})
"""Codes of what may be otherwise a moment later. They are not checked, unless they are asked for."""
HERE = "~"
"""Stands for the site of the first seed, so that a baseline of a test server is good for others, too."""


class Key(NamedTuple):
    """The identity of a finding, the same in every run."""

    code: str
    url: str
    detail: str


class Judged(NamedTuple):
    """A finding, and whether the baseline knows it."""

    finding: Finding
    """The finding."""
    key: Key
    """Its identity, as the baseline has it."""
    state: Literal["new", "known"]
    """Whether the baseline knows it."""
    is_fatal: bool
    """Whether it is new and severe enough to fail the check."""


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    """The result of a check."""

    findings: Sequence[Judged]
    """All findings: errors first, each code by its URL."""
    fixed: Sequence[Key]
    """Findings of the baseline that the check did not find any more."""
    pages: int
    """Pages of the site that were read."""
    site: str
    """The site of the first seed."""
    keys: Sequence[Key] = field(default=())
    """The keys of all findings, sorted: a baseline is made of them."""

    @property
    def fatal(self) -> list[Judged]:
        """The new findings that fail the check."""
        return [one for one in self.findings if one.is_fatal]

    @property
    def passes(self) -> bool:
        """Whether nothing new is severe enough to fail the check."""
        return not self.fatal


def make_key(finding: Finding, site: str) -> Key:
    """Returns what identifies a finding whatever failed for a moment, whatever page came first, on whatever host."""
    url, detail = finding.url, finding.key[2]
    if finding.code in BROKEN:
        return Key("broken", make_relative(url, site), "")
    if finding.code in GROUPS:
        url = min([url, *(page.url for page in finding.pages)])
    return Key(finding.code, make_relative(url, site), detail.replace(site, HERE) if site else detail)


def judge(
    findings: Iterable[Finding],
    known: Collection[Key],
    *,
    site: str,
    pages: int,
    severity: Severity,
    passing: Collection[str] = (),
) -> CheckVerdict:
    """Returns the verdict on findings: new ones of this severity, or a worse one, fail the check."""
    order = list(Severity)
    judged = dict[Key, Judged]()
    for one in findings:
        if one.code in PASSING and one.code not in passing:
            continue
        key = make_key(one, site)
        is_new = key not in known
        is_fatal = is_new and order.index(one.severity) <= order.index(severity)
        judged.setdefault(key, Judged(one, key, "new" if is_new else "known", is_fatal))
    fixed = sorted(key for key in known if key not in judged)
    return CheckVerdict(list(judged.values()), fixed, pages, site, sorted(judged))


def make_relative(url: str, site: str) -> str:
    """Returns a URL with `~` for the site that is checked."""
    return HERE + url[len(site) :] if site and url.startswith(f"{site}/") else url
