"""Declares the settings of politeness, retries, robots.txt and revisits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .table import ForJobs, ForJobsAtLeast, ForJobsAtMost, Live, Table


class PolitenessConfig(Table):
    """Politeness: rests between requests, retries, robots.txt and revisits."""

    delay_s: Live[ForJobsAtLeast[Annotated[float, Field(ge=0)]]] = 1.0
    """Rest between an answer and the next request to the same site; a larger Crawl-delay wins."""
    max_delay_s: Live[ForJobsAtLeast[Annotated[float, Field(ge=0)]]] = 60.0
    """Longest Crawl-delay that is honoured."""
    adapt: Live[ForJobs[Literal["latency", "off"]]] = "latency"
    """Whether a site rests longer than its delay while it answers slowly, and after 429, 502, 503, 504, time-outs and
    broken connections (latency). It never rests less than its delay; without a delay it does not rest at all."""
    adapt_factor: Live[ForJobsAtLeast[Annotated[float, Field(ge=0, le=100)]]] = 2.0
    """Rest of a site that answers slowly, as a multiple of the time until its answers begin. A delay below one second
    gets the same share of it. 0: only trouble makes rests longer."""
    adapt_max_s: Live[ForJobsAtLeast[Annotated[float, Field(ge=0, le=3600)]]] = 30.0
    """Longest rest that a site gets for being slow or in trouble."""
    max_retry_after_s: Live[ForJobsAtLeast[Annotated[float, Field(ge=0)]]] = 600.0
    """Longest Retry-After that is honoured. A site whose setbacks do not end rests this long at most between two
    attempts."""
    per_site: Live[ForJobsAtMost[Annotated[int, Field(ge=1)]]] = 1
    """Most requests at a time to one site (scheme, host, port), each followed by its own rest: N requests per
    `delay_s`. A site that asks for a Crawl-delay, or to be left alone for now (Retry-After), gets one at a time all the
    same."""
    per_ip: Live[ForJobsAtMost[Annotated[int, Field(ge=1)]]] = 16
    """Most requests at a time to one address, for all sites behind it; never less than per_site."""
    max_attempts: Live[ForJobsAtMost[Annotated[int, Field(ge=1)]]] = 3
    """Most attempts for a URL before it counts as failed."""
    retry_delay_s: Live[ForJobsAtLeast[Annotated[float, Field(ge=0)]]] = 3.0
    """Wait before the second attempt; each further wait is three times longer."""
    robots: ForJobs[Literal["obey", "ignore"]] = "obey"
    """Whether robots.txt is obeyed (RFC 9309)."""
    robots_ttl_s: ForJobsAtLeast[Annotated[float, Field(gt=0, le=86400)]] = 86400.0
    """Longest time that a robots.txt stays fresh (RFC 9309 2.4: at most a day)."""
    revisit_after_s: ForJobsAtLeast[Annotated[float, Field(ge=0)] | None] = None
    """Visit pages again, at least this much later. The wait grows while a page does not change and shrinks when it
    does. None: each page is visited once."""
    revisit_at_most_s: ForJobsAtLeast[Annotated[float, Field(ge=0)]] = 30 * 86400.0
    """The longest wait for a revisit; never less than revisit_after_s."""

    @model_validator(mode="after")
    def _raise_per_ip(self) -> PolitenessConfig:
        # This goes around `frozen`, before anyone has the model.
        self.__dict__["per_ip"] = max(self.per_ip, self.per_site)
        return self
