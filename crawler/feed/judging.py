"""Judges what a visit says about a page: new, changed, moved, gone, or nothing yet. Pure.

A page is gone only after repeated, spaced refusals, 404 or 410, while its site answers well otherwise: before each
refusal and after it, and on the whole. All else that fails (servers, names, connections, protections, soft outages)
says nothing about the page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

HOUR = 3600.0
GAP_S = 6 * HOUR
"""Seconds between two refusals that count as two."""
REFUSALS, SPAN_S = 3, 24 * HOUR
"""Refusals, and the time from the first to the last, after which a page is gone where its site is well."""
MANY_REFUSALS, LONG_SPAN_S = 5, 14 * 24 * HOUR
"""The same where many pages of the site fail, or those that are visited beside it."""
NEAR_S = HOUR / 2
"""Seconds within which the visits before and after a refusal tell whether the site was well."""
WELL_FOR_EACH = 9
"""Pages of the site that must be well for each one that fails, so that the site counts as well."""
REDIRECTS = 2
"""Temporary redirects to the same place, so far apart as refusals, that count as a move."""
_GONE, _PERMANENT = frozenset({404, 410}), frozenset({301, 308})
_CONTENT = frozenset({"fetched", "unchanged", "duplicate"})


class Known(IntEnum):
    """The state of a page, as the feed has told it."""

    NOTHING = 0
    """It never had content."""
    THERE = 1
    MOVED = 2
    GONE = 3


class Visit(NamedTuple):
    """A visit, as its record has it."""

    at: float
    """Unix seconds when the visit began."""
    number: int
    disposition: str
    status: int | None
    reason: str | None
    digest: str | None
    location: str | None


@dataclass(slots=True)
class PageState:
    """The state of a page after its last visit."""

    visit: int = 0
    """Its last visit."""
    known: Known = Known.NOTHING
    digest: str | None = None
    """Of its last content."""
    good_at: float = 0.0
    """When it was last well."""
    is_bad: bool = False
    """Whether it was there and its last visit failed, for whatever reason."""
    refusals: int = 0
    """Spaced refusals since it was last well."""
    first_refused_at: float = 0.0
    last_refused_at: float = 0.0
    run: int = 0
    """Those of them beside which the site was well, since a page of it came back that had been refused."""
    run_since: float = 0.0
    location: str | None = None
    """Where it redirects, or did last."""
    redirects: int = 0
    """Spaced redirects to that place."""
    redirected_at: float = 0.0


class Pending(NamedTuple):
    """A refusal that waits for the next visit to its site."""

    key: str
    at: float
    fetched_at: str
    """The same as its record has it."""
    visit: int
    status: int
    was_well: bool | None
    """Whether the visit before it found the site well. None: there was none shortly before."""


@dataclass(slots=True)
class SiteState:
    """The state of a site after the last visit to one of its pages."""

    good_at: float = 0.0
    """When one of its pages was last well."""
    recovered_at: float = 0.0
    """When a page was last well again that had been refused."""
    bad: int = 0
    """Pages that were there and whose last visit failed."""
    seen_at: float = 0.0
    """When a page of it was last visited that was well or failed."""
    seen_well: bool = False
    """Whether that one was well."""
    pending: Pending | None = None


class Verdict(NamedTuple):
    """A change that a visit shows."""

    kind: str
    again: bool = False
    digest_before: str | None = None


CountWell = Callable[[float, int], int]
"""Returns how many pages of the site were well since a moment and are; it need not count further than a number."""


def observe(page: PageState, visit: Visit) -> bool | None:
    """Returns whether a visit found its site well; None: it says nothing about that."""
    if _has_content(visit):
        return True
    return False if visit.disposition == "failed" and page.known in (Known.THERE, Known.MOVED) else None


def judge(page: PageState, site: SiteState, visit: Visit) -> Verdict | None:
    """Returns the change that a visit shows, None: none; changes what is known of page and site.

    A refusal shows nothing yet: `settle` judges it with the next visit to the site.
    """
    page.visit = visit.number
    if _has_content(visit):
        return _take_content(page, site, visit)
    if visit.disposition == "redirected" and visit.location:
        return _take_redirect(page, site, visit)
    if visit.disposition == "failed" and page.known in (Known.THERE, Known.MOVED) and not page.is_bad:
        page.is_bad = True
        site.bad += 1
    return None  # excluded, or never there


def is_refusal(page: PageState, visit: Visit) -> bool:
    """Whether a visit was refused as one to a page that is gone. A protection's refusal has another reason."""
    is_refused = visit.status in _GONE and str(visit.reason).startswith("status-")
    return is_refused and visit.disposition == "failed" and page.known in (Known.THERE, Known.MOVED)


def settle(
    page: PageState, site: SiteState, refusal: Pending, next_at: float, next_well: bool | None, count_well: CountWell
) -> Verdict | None:
    """Judges a refusal of a page once its site was visited again. Returns that the page is gone, or None.

    It counts if it is far enough from the last one that did, and the site was well meanwhile. `next_well`: whether
    the next visit found the site well.
    """
    if not page.is_bad or page.known not in (Known.THERE, Known.MOVED):
        return None
    after = next_well if next_at - refusal.at <= NEAR_S else None
    is_lonely = refusal.was_well is not False and after is not False and (refusal.was_well or after) is True
    at = refusal.at
    if not page.refusals:
        page.refusals, page.first_refused_at, page.last_refused_at = 1, at, at
        page.run, page.run_since = int(is_lonely), at
        return None
    if at - page.last_refused_at < GAP_S or site.good_at <= page.last_refused_at:
        return None
    page.refusals, page.last_refused_at = page.refusals + 1, at
    if not is_lonely or site.recovered_at >= page.run_since:  # its refusals are not to be believed: begin anew
        page.run, page.run_since = int(is_lonely), at
    else:
        page.run += 1
    if not _is_gone(page, site, count_well):
        return None
    page.known, page.is_bad, site.bad = Known.GONE, False, site.bad - 1
    return Verdict("gone")


def _has_content(visit: Visit) -> bool:
    return visit.disposition in _CONTENT and (visit.status is None or visit.status < 400)


def _take_content(page: PageState, site: SiteState, visit: Visit) -> Verdict | None:
    known, before = page.known, page.digest
    if page.refusals:
        site.recovered_at = visit.at
    _heal(page, site)
    page.known, page.good_at, site.good_at = Known.THERE, visit.at, max(site.good_at, visit.at)
    page.location, page.redirects = None, 0
    page.digest = visit.digest or before
    if known is not Known.THERE:
        return Verdict("new", again=known is not Known.NOTHING)
    is_other = visit.digest is not None and before is not None and visit.digest != before
    return Verdict("changed", digest_before=before) if is_other else None


def _take_redirect(page: PageState, site: SiteState, visit: Visit) -> Verdict | None:
    """Tells a move at once where the redirect is permanent, else when it is repeated while the site is well."""
    if page.known in (Known.NOTHING, Known.GONE):
        return None
    if page.location != visit.location:
        page.location, page.redirects, page.redirected_at = visit.location, 1, visit.at
    elif page.redirects and visit.at - page.redirected_at >= GAP_S and site.good_at > page.redirected_at:
        page.redirects, page.redirected_at = page.redirects + 1, visit.at
    is_sure = visit.status in _PERMANENT or page.redirects >= REDIRECTS
    if not page.redirects or not is_sure:
        return None
    _heal(page, site)
    page.known, page.redirects = Known.MOVED, 0  # told
    return Verdict("moved")


def _is_gone(page: PageState, site: SiteState, count_well: CountWell) -> bool:
    if page.refusals >= MANY_REFUSALS and page.last_refused_at - page.first_refused_at >= LONG_SPAN_S:
        return True
    if page.run < REFUSALS or page.last_refused_at - page.run_since < SPAN_S:
        return False
    needed = WELL_FOR_EACH * site.bad
    return site.bad <= 1 or count_well(page.run_since, needed) >= needed


def _heal(page: PageState, site: SiteState) -> None:
    if page.is_bad:
        page.is_bad = False
        site.bad -= 1
    page.refusals = 0
