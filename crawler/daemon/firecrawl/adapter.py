"""Serves Firecrawl's API at `/v2/` of the daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import ValidationError

from ...api.one_page import Html
from ...errors import ConfigError
from ...runtime.escaping import json_line
from ...runtime.times import iso
from ...sinks import Wants
from ..api import Jobs
from ..desk import choose_by_words
from ..errors import NoRecords, NoSuchJob
from ..http import inputs
from ..http.fields import idempotency_key
from ..http.keys import DESK, JOBS
from ..http.pages import check_answered, failing_softly
from ..http.problems import Problem
from ..jobs import validation
from ..jobs.job import Job, JobSpec
from ..jobs.states import State
from ..runs import records
from . import documents, settings
from .documents import Form
from .notices import Notices
from .requests import Asked, BatchIn, CrawlIn, MapIn, ScrapeIn, ScrapeOptions, WebhookIn, explain

PREFIX = "/v2/"
KEY = "X-Idempotency-Key"
WORDS = {
    State.QUEUED: "scraping", State.RUNNING: "scraping", State.PAUSED: "scraping", State.COMPLETED: "completed",
    State.FAILED: "failed", State.CANCELLED: "cancelled",
}  # fmt: skip
MOST_ERRORS = 10_000
"""Failures in one answer: the protocol has no pages of them."""
SOURCES: Mapping[str, Any] = {"include": "both", "skip": "links", "only": "sitemaps"}
CODES = {"disallowed": "SCRAPE_FORBIDDEN", "no-answer": "SCRAPE_SITE_ERROR", "too-slow": "SCRAPE_TIMEOUT"}
A = TypeVar("A", bound=Asked)
Serve = Callable[[web.Request], Awaitable[web.Response]]
NOTICES = web.AppKey("firecrawl notices", Notices)


class FirecrawlAdapter:
    """Implements Adapter: the calls that scrape, crawl and map. All others are told to be unknown here."""

    takes_password = False

    def owns(self, path: str) -> bool:
        return path.startswith(PREFIX)

    def mount(self, app: web.Application) -> None:
        app[NOTICES] = notices = Notices(app[JOBS])
        app.cleanup_ctx.append(notices.live)
        for method, path, serve in ROUTES:
            app.router.add_route(method, PREFIX + path, serve)

    def tell(self, problem: Problem) -> web.Response:
        said: dict[str, object] = {"success": False, "error": problem.detail}
        if problem.faults:
            said["details"] = [fault._asdict() for fault in problem.faults]
        if code := CODES.get(problem.slug):
            said["code"] = code
        status = {415: 400, 422: 400, 424: 500 if problem.slug == "no-answer" else 408}.get(
            problem.status, problem.status
        )
        return _json(said, status, problem.headers)


async def scrape(request: web.Request) -> web.Response:
    """Fetches one page now."""
    asked = await _read(request, ScrapeIn)
    wants = Wants(markdown=True, text=True, metadata=True, links="links" in asked.formats)
    wait_s = asked.timeout / 1000
    with failing_softly(asked.url, wait_s):
        page = await request.app[DESK].fetch(
            asked.url, settings.page_settings(asked), wants=wants, html=_html(asked), wait_s=wait_s
        )
    check_answered(page)
    return _json({"success": True, "data": documents.of_page(page, asked.formats, asked.url)})


async def start_crawl(request: web.Request) -> web.Response:
    """Starts a job that follows links."""
    asked = await _read(request, CrawlIn)
    labels = _labels("crawl", asked.scrape_options) | ({"url": asked.url} if _is_label(asked.url) else {})
    spec = JobSpec(settings=settings.crawl_settings(asked), labels=labels)
    return await _submit(request, spec, [asked.url], asked.webhook, "crawl")


async def start_batch(request: web.Request) -> web.Response:
    """Starts a job that fetches a list of pages."""
    asked = await _read(request, BatchIn)
    spec = JobSpec(settings=settings.batch_settings(asked), labels=_labels("batch", asked))
    return await _submit(request, spec, asked.urls, asked.webhook, "batch/scrape")


async def show_status(request: web.Request) -> web.Response:
    """Tells how a job goes, with its documents in parts."""
    jobs, job = request.app[JOBS], _find(request)
    start, skip = _number(request, "cursor"), _number(request, "skip")
    part = await documents.read_part(
        await reader_of(jobs, job), start, skip, jobs.folder(job.id), form_of(job), jobs.shared.offloader
    )
    done = sum(job.counts.settled.values())
    said: dict[str, object] = {
        "success": True, "status": WORDS[job.state], "total": max(job.counts.known, done), "completed": done,
        "creditsUsed": job.pages, "expiresAt": _expiry(jobs, job), "data": part.documents,
    }  # fmt: skip
    if job.error:
        said["error"] = job.error
    if not part.is_last:
        said["next"] = f"{request.url.origin()}{request.path}?cursor={part.start}&skip={part.skip}"
    return _json(said)


async def show_errors(request: web.Request) -> web.Response:
    """Tells the failures of a job."""
    jobs, job = request.app[JOBS], _find(request)
    found: list[Mapping[str, Any]] = []
    async for batch, _ in documents.batches(await reader_of(jobs, job), 0, documents.AT_ONCE):
        found += [one for one in batch if one["disposition"] in ("failed", "excluded")]
        if len(found) >= MOST_ERRORS:
            break
    errors, disallowed = documents.failures(found[:MOST_ERRORS], job.id)
    return _json({"success": True, "errors": errors, "robotsBlocked": disallowed})


async def cancel(request: web.Request) -> web.Response:
    """Ends a job."""
    await request.app[JOBS].cancel(_find(request).id, who=settings.MADE_BY)
    return _json({"success": True, "status": "cancelled"})


async def list_active(request: web.Request) -> web.Response:
    """Lists the crawls that are not over."""
    jobs = request.app[JOBS]
    listed = [one for one in jobs.list(limit=1000, label=f"adapter={settings.MADE_BY}") if not one.state.is_over]
    crawls = [
        {"id": one.id, "teamId": "crawld", "url": one.labels.get("url", one.name), "options": one.settings}
        for one in listed
        if one.labels.get("kind") == "crawl"
    ]
    return _json({"success": True, "crawls": crawls})


async def map_site(request: web.Request) -> web.Response:
    """Lists the URLs of a site."""
    asked = await _read(request, MapIn)
    most = asked.limit if not asked.search else 100_000
    with failing_softly(asked.url, asked.timeout / 1000):
        found = await request.app[DESK].map(
            asked.url, most=most, sources=SOURCES[asked.sitemap], subdomains=asked.include_subdomains,
            wait_s=asked.timeout / 1000,
        )  # fmt: skip
    urls = choose_by_words(found.urls, asked.search)[: asked.limit]
    first = found.record or {}
    about = {name: first[name] for name in ("title", "description") if first.get(name)}
    links = [{"url": one} | (about if one == first.get("url") else {}) for one in urls]
    return _json({"success": True, "links": links})


ROUTES: Sequence[tuple[str, str, Serve]] = (
    ("POST", "scrape", scrape),
    ("POST", "map", map_site),
    ("POST", "crawl", start_crawl),
    ("GET", "crawl/active", list_active),
    ("GET", "crawl/{id}", show_status),
    ("DELETE", "crawl/{id}", cancel),
    ("GET", "crawl/{id}/errors", show_errors),
    ("POST", "batch/scrape", start_batch),
    ("GET", "batch/scrape/{id}", show_status),
    ("DELETE", "batch/scrape/{id}", cancel),
    ("GET", "batch/scrape/{id}/errors", show_errors),
)
"""All calls, by method and path."""


def form_of(job: Job) -> Form:
    """Returns the form of a job's documents, which its labels hold."""
    return Form(frozenset(job.labels.get("formats", "markdown").split()), job.labels.get("part") != "page")


async def reader_of(jobs: Jobs, job: Job) -> Any:
    """Returns what reads a job's records. Raises Problem: 409 while there is none yet."""
    try:
        return records.reader(await jobs.outputs(job.id))
    except (NoRecords, ConfigError) as error:
        raise Problem(409, "no-records", str(error)) from error


async def _submit(
    request: web.Request, spec: JobSpec, urls: Sequence[str], webhook: WebhookIn | None, path: str
) -> web.Response:
    async def seeds() -> AsyncIterator[Sequence[str]]:
        yield urls

    if webhook:
        request.app[NOTICES].check(webhook)
    job, is_new = await request.app[JOBS].submit(spec, seeds(), idempotency_key(request, KEY), who=settings.MADE_BY)
    if webhook and is_new:
        await request.app[NOTICES].add(job.id, webhook)
    said = {"success": True, "id": job.id, "url": f"{request.url.origin()}{PREFIX}{path}/{job.id}"}
    return _json(said | ({"invalidURLs": []} if path != "crawl" else {}))


def _labels(kind: str, asked: ScrapeOptions) -> dict[str, str]:
    part = "main" if asked.only_main_content else "page"
    return {"adapter": settings.MADE_BY, "kind": kind, "formats": " ".join(asked.formats), "part": part}


def _is_label(text: str) -> bool:
    return len(text) <= validation.MOST_NAME and text.isprintable()


def _find(request: web.Request) -> Job:
    """Returns the job of this path. Raises NoSuchJob for jobs that were not made by this kind of call."""
    name = request.match_info["id"]
    kind = "batch" if request.path.startswith(f"{PREFIX}batch/") else "crawl"
    job = request.app[JOBS].find(name)
    if job.labels.get("adapter") != settings.MADE_BY or job.labels.get("kind") != kind:
        raise NoSuchJob(f"there is no {kind} {name[:100]!a}")
    return job


def _html(asked: ScrapeOptions) -> list[Html]:
    seen: Html = "main" if asked.only_main_content else "seen"
    wanted: Mapping[str, Html] = {"rawHtml": "source", "html": seen}
    return [wanted[one] for one in asked.formats if one in wanted]


async def _read(request: web.Request, model: type[A]) -> A:
    """Reads the body. Raises Problem (400), with words for the field that is wrong."""
    inputs.check_json(request)
    try:
        return model.model_validate(orjson.loads(await inputs.whole(request)))
    except orjson.JSONDecodeError as error:
        raise Problem(400, "malformed", f"the body is not JSON: {error}") from None
    except ValidationError as error:
        raise Problem(400, "bad-request", explain(error)) from None


def _number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Problem(400, "bad-request", f"{name} should be a whole number")
    return int(text)


def _expiry(jobs: Jobs, job: Job) -> str | None:
    keeps_s = jobs.config.retention_s
    return None if keeps_s is None or job.ended_at is None else iso(job.ended_at + keeps_s)


def _json(values: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=json_line(values), content_type="application/json", headers=headers)
