"""The operations that tell how a job came out: its report, and the page of its findings."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from . import answers, inputs
from .jobs import id_of
from .keys import INSIGHT
from .models import Sent, Shape
from .operations import Operations
from .sending import FileAnswer

operation = Operations()


class ReportQuery(Sent):
    sites: Annotated[int, Field(ge=0, le=1000)] = 100
    """Sites that are listed by name, those with most records first; all others are summed up in `other_sites`."""


class OutcomeCountOut(Shape):
    disposition: str
    """How the visit ended: `fetched`, `failed`, `excluded`, ..."""
    reason: str | None
    """Why, in one of the words of docs/records.md: a failure, or the rule that kept the URL out."""
    n: int


class StatusCountOut(Shape):
    status: int
    n: int


class TypeCountOut(Shape):
    type: str
    """The media type without parameters: `text/html`; empty: the answer named none."""
    n: int
    """Answers of this type."""
    bytes: int
    """Bytes of their bodies, without content codings."""
    is_at_least: bool
    """Whether more of them may be among the others, so that these figures are lower bounds."""


class TimesOut(Shape):
    """Milliseconds that answers took their sites, from the DNS look-up to the last byte; percentiles to 5 %."""

    n: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


class SiteCountOut(Shape):
    site: str
    """The site; empty: the sum of several."""
    n: int
    """Records of the site."""
    pages: int
    """Pages fetched."""
    bytes: int
    failed: int
    """Visits that failed."""
    mean_ms: float
    """Mean time of its answers, in milliseconds."""
    p95_ms: float
    """95 in 100 of its answers were as fast."""
    is_at_least: bool
    """Whether more of its records may be among the others, so that these figures are lower bounds."""
    delay_s: float | None = None
    """The delay in force at the site: ours, or its Crawl-delay while the job runs."""


class PageFigureOut(Shape):
    url: str
    status: int | None
    type: str
    figure: float
    """Milliseconds, or bytes."""


class ErrorCountOut(Shape):
    reason: str
    """Why, in one of the words of docs/records.md."""
    detail: str
    """The same in words for a person."""
    n: int
    example: str
    """The URL of one of them."""
    is_at_least: bool


class ReportOut(Shape):
    """How a job came out, counted from its records. A page that was visited twice has two records."""

    v: int
    counted_at: float
    """Unix seconds: the figures are as of then."""
    share: float
    """The part of the records that is counted, from 0 to 1: ask again while it is below 1."""
    records: int
    unreadable: int
    """Lines that are no records, because somebody changed the file."""
    bytes: int
    first_at: str | None
    """When the first visit began (RFC 3339)."""
    last_at: str | None
    outcomes: tuple[OutcomeCountOut, ...]
    """Records by what became of the URL and why. All lists here have the largest first."""
    statuses: tuple[StatusCountOut, ...]
    types: tuple[TypeCountOut, ...]
    """50 at most."""
    other_types: TypeCountOut
    """The sum of all other types."""
    sites: tuple[SiteCountOut, ...]
    """As many as `sites` of the query asks for, 1,000 at most."""
    other_sites: SiteCountOut
    """The sum of all other sites."""
    times: TimesOut
    slowest: tuple[PageFigureOut, ...]
    """The 20 answers that took longest, in milliseconds."""
    largest: tuple[PageFigureOut, ...]
    """The 20 largest bodies, in bytes."""
    errors: tuple[ErrorCountOut, ...]
    """The 20 most frequent errors."""


@operation(
    "GET", "/v1/jobs/{id}/report", {200: ReportOut}, query=ReportQuery, raises=("no-records", "wrong-state")
)  # fmt: skip
async def show_report(request: web.Request) -> web.StreamResponse:
    """How a job came out, or has so far: by status, type, site and error, with the slowest and largest pages.

    Of a running job it holds all records that are written. Where many records are not counted yet, `share` is below 1.
    """
    asked = inputs.query(request, ReportQuery)
    report, delays = await request.app[INSIGHT].report(id_of(request), asked.sites)
    pairs = zip(report.sites, delays, strict=True)
    sites = tuple(SiteCountOut(**one._asdict(), delay_s=delay_s) for one, delay_s in pairs)
    return answers.json(ReportOut.model_validate(report).model_copy(update={"sites": sites}))


@operation(
    "GET",
    "/v1/jobs/{id}/report.html",
    {200: "text/html", 206: "text/html", 304: None, 412: None, 416: None},
    raises=("no-records", "wrong-state"),
)
async def send_report_page(request: web.Request) -> web.StreamResponse:
    """The report with all findings as one HTML file that needs no network: broken links with their pages, and more.

    Of a running job it is made of the records that are settled. It takes a second, and 15 for 100,000 pages.
    """
    job = id_of(request)
    page = await request.app[INSIGHT].report_page(job)
    # It shows what pages say, so it is saved and opened as a file, and never is a page of ours.
    named = f'attachment; filename="report-{job}.html"'
    return FileAnswer(page, headers={"Content-Type": "text/html; charset=utf-8", "Content-Disposition": named})
