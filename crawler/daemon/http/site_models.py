"""The models of the API for the sites of a job."""

from __future__ import annotations

from typing import Literal

from .models import ListOut, Shape


class RobotsOut(Shape):
    state: Literal["not-asked", "open", "rules", "unreachable", "ignored"]
    """The site's robots.txt: not asked yet, no rules, rules, no answer, or ignored by the job's settings."""
    crawl_delay_s: float | None
    asked_in_s: float | None
    """Seconds until it may be asked for again."""
    detail: str
    """The reason why it cannot be reached."""


class SiteOut(Shape):
    site: str
    queued: int
    retrying: int
    """URLs that wait for another attempt, not among `queued`."""
    leased: int
    next_turn_in_s: float | None
    """null: only after a visit there has ended, one of this job or of another."""
    delay_s: float
    """Least seconds of rest after each visit: the job's delay, or the site's Crawl-delay if known and longer."""
    backoff_s: float
    """Seconds for which the site is still left alone, because it asked for that or could not be reached."""
    setback: str | None
    """The reason for `backoff_s`."""
    robots: RobotsOut
    rest_s: float
    """Seconds of rest after each visit now: longer than `delay_s` while the site is slow or in trouble."""
    slowed_by: str
    """Why it rests longer than `delay_s`, in words: `answers take 2.1 s`. Empty: it does not."""
    per_site: int
    """Visits at a time: the job's number, or one if the site asks for a Crawl-delay."""
    rules: tuple[str, ...]
    """The names of the tables of `sites` that it matches, the one that wins first."""
    proxy: str
    """The proxy that it goes to now, without its password. Empty: it is reached directly."""
    visits: int
    """Visits that ended since the site came into memory; 0 while the job does not run."""
    is_held: bool


class SitesOut(ListOut):
    items: tuple[SiteOut, ...]
