"""The tools that models call: fetch a page, list a site, crawl a site, ask how a crawl goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeAlias

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...api.one_page import FetchedPage
from ...errors import CrawlError
from ...records import Filter
from ...runtime.threads import run_in_thread
from ...search import Choice
from ...sinks import Wants
from ..api import Jobs
from ..desk import Desk, choose_by_words
from ..insight import Insight
from ..jobs.job import Job, JobSpec
from ..runs import records

WAIT_S = 45.0
"""Seconds that a tool waits for a site: clients give up after a minute."""
MOST_CHARACTERS = 100_000
MOST_URLS = 2000
MOST_PAGES = 1000
MOST_LISTED = 100
MADE_BY = "mcp"
Address: TypeAlias = Annotated[str, Field(min_length=1, max_length=8192)]


class Arguments(BaseModel):
    """Base class of what a model gives a tool."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
    title: ClassVar[str]


class FetchPage(Arguments):
    """Fetch one web page now and read its main part as markdown. Long pages come in parts: go on with `start`."""

    title = "Fetch a page"
    url: Address
    """The address of the page."""
    start: Annotated[int, Field(ge=0)] = 0
    """The character of the text to begin with: the `next` of the part before."""
    max_characters: Annotated[int, Field(ge=100, le=MOST_CHARACTERS)] = 20_000
    """Most characters of text in the answer."""
    links: bool = False
    """Whether the answer ends with the links of the page."""


class MapSite(Arguments):
    """List URLs of a site from its sitemaps and from the links of one page, without fetching them."""

    title = "List the URLs of a site"
    url: Address
    """A page of the site, such as its start page."""
    search: Annotated[str, Field(max_length=200)] = ""
    """Words that URLs should contain; those with most of them come first. Empty: all URLs."""
    limit: Annotated[int, Field(ge=1, le=MOST_URLS)] = 200
    """Most URLs in the answer."""
    subdomains: bool = False
    """Whether URLs of all hosts of the registered domain count."""


class CrawlSite(Arguments):
    """Start a crawl of a site in the background and get the id of its job. Ask `job_status` how it goes."""

    title = "Crawl a site"
    url: Address
    """The page to begin with. Links are followed on its host."""
    max_pages: Annotated[int, Field(ge=1, le=MOST_PAGES)] = 50
    """Most pages that are fetched."""
    max_depth: Annotated[int, Field(ge=0, le=50)] = 3
    """Most links from the first page."""


class JobStatus(Arguments):
    """Ask how a crawl goes, and list pages that it fetched with their titles."""

    title = "Ask how a crawl goes"
    job: Annotated[str, Field(min_length=1, max_length=100)]
    """The id that `crawl_site` gave."""
    pages: Annotated[int, Field(ge=0, le=MOST_LISTED)] = 20
    """Most pages in the list."""
    start: Annotated[int, Field(ge=0)] = 0
    """Where the list of pages begins: the `next` of the answer before."""


class SearchPages(Arguments):
    """Search the pages that a crawl fetched, by words. The best come first, each with the part that has the words."""

    title = "Search crawled pages"
    job: Annotated[str, Field(min_length=1, max_length=100)]
    """The id that `crawl_site` gave."""
    words: Annotated[str, Field(min_length=1, max_length=1000)]
    """Words that all must be there: `word "two words" begin* -without`."""
    limit: Annotated[int, Field(ge=1, le=MOST_LISTED)] = 10
    """Most pages in the answer."""


class Refused(Exception):
    """The tool cannot do this; its message is for the model."""


class Tools(Mapping[str, type[Arguments]]):
    """The tools by name, over the jobs of one daemon."""

    def __init__(self, jobs: Jobs, desk: Desk, insight: Insight) -> None:
        self._jobs = jobs
        self._insight = insight
        self._desk = desk
        self._calls: Mapping[str, tuple[type[Arguments], Callable[[Any], Awaitable[Mapping[str, object]]]]] = {
            "fetch_page": (FetchPage, self._fetch),
            "map_site": (MapSite, self._map),
            "crawl_site": (CrawlSite, self._crawl),
            "job_status": (JobStatus, self._status),
            "search_pages": (SearchPages, self._search),
        }

    def __getitem__(self, name: str) -> type[Arguments]:
        return self._calls[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._calls)

    def __len__(self) -> int:
        return len(self._calls)

    def described(self) -> Iterator[Mapping[str, object]]:
        """Yields the description of each tool, with the schema of its arguments."""
        for name, model in self.items():
            schema = model.model_json_schema()
            schema.pop("title", None)
            words = " ".join((model.__doc__ or "").split())
            schema.pop("description", None)
            hints = {"readOnlyHint": name != "crawl_site", "destructiveHint": False, "openWorldHint": True}
            said = {"title": model.title, "description": words, "inputSchema": schema}
            yield {"name": name, **said, "annotations": {"title": model.title, **hints}}

    async def call(self, name: str, given: Mapping[str, object]) -> Mapping[str, object]:
        """Returns the result of a tool. A failure is a result, too, so that the model reads why."""
        model, serve = self._calls[name]
        try:
            return await serve(model.model_validate_json(orjson.dumps(given), strict=True))
        except ValidationError as error:
            said = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:5]]
            return failed("\n".join(said))
        except TimeoutError:
            return failed(f"nothing came within {WAIT_S:g} s: the site may rest longer, or answers slowly")
        except (CrawlError, Refused) as error:
            return failed(str(error))

    async def _fetch(self, asked: FetchPage) -> Mapping[str, object]:
        wants = Wants(markdown=True, text=True, links=asked.links)
        page = await self._desk.fetch(asked.url, wants=wants, wait_s=WAIT_S)
        if not page.is_answered:
            raise Refused(_why_not(page))
        return _text(_page_text(page, asked))

    async def _map(self, asked: MapSite) -> Mapping[str, object]:
        most = asked.limit if not asked.search else 100_000
        found = await self._desk.map(
            asked.url, most=most, sources="both", subdomains=asked.subdomains, wait_s=WAIT_S
        )  # fmt: skip
        if not found.urls and found.record is not None and found.record["status"] is None:
            raise Refused(_why_not(FetchedPage(found.record)))
        urls = choose_by_words(found.urls, asked.search)
        is_whole = found.is_whole and len(urls) <= asked.limit
        return _structured({"title": found.title, "is_whole": is_whole, "urls": urls[: asked.limit]})

    async def _crawl(self, asked: CrawlSite) -> Mapping[str, object]:
        settings = {
            "scope": {"limit": asked.max_pages, "max_depth": asked.max_depth, "reach": "host"},
            "sinks": [{"markdown": True, "metadata": True}],
        }
        spec = JobSpec(settings=settings, labels={"by": MADE_BY})

        async def seeds() -> Any:
            yield [asked.url]

        job, _ = await self._jobs.submit(spec, seeds(), who=MADE_BY)
        return _structured({"job": job.id, "state": job.state, "name": job.name})

    async def _status(self, asked: JobStatus) -> Mapping[str, object]:
        job = self._jobs.find(asked.job)
        pages, following = await self._pages(job, asked)
        figures = {"pages_fetched": job.pages, "queued": job.counts.queued, "bound_by": job.bound_by}
        said = {"job": job.id, "state": job.state, "ended": job.ended, "error": job.error}
        return _structured({**said, **figures, "pages": pages, "next": following})

    async def _search(self, asked: SearchPages) -> Mapping[str, object]:
        found = await self._insight.search(asked.job, asked.words, Choice(), asked.limit)
        hits = [{"url": one.url, "title": one.title, "snippet": one.snippet} for one in found.answer.hits]
        return _structured({"total": found.answer.total, "is_current": found.is_current, "pages": hits})

    async def _pages(self, job: Job, asked: JobStatus) -> tuple[Sequence[object], int | None]:
        """Returns pages of the job, and where the next ones begin; None: there are no more for now."""
        if not asked.pages:
            return [], asked.start
        reader = records.reader(await self._jobs.outputs(job.id))
        with records.readable():
            stretch = await run_in_thread(
                reader.read, asked.start, asked.pages, Filter(disposition="fetched"), records.MOST_READ
            )
        found = [orjson.loads(line) for line in stretch.lines]
        shown = [{"url": one["url"], "status": one["status"], "title": one.get("title")} for one in found]
        return shown, None if stretch.is_last and job.state.is_over else stretch.end


def failed(said: str) -> Mapping[str, object]:
    """Returns the result of a call that failed."""
    return {"content": [{"type": "text", "text": said[:MOST_CHARACTERS]}], "isError": True}


def _text(text: str) -> Mapping[str, object]:
    return {"content": [{"type": "text", "text": text}], "isError": False}


def _structured(values: Mapping[str, object]) -> Mapping[str, object]:
    """Returns values for programs, and the same as text for models whose clients show no others."""
    return {"content": _text(orjson.dumps(values).decode())["content"], "structuredContent": values, "isError": False}


def _page_text(page: FetchedPage, asked: FetchPage) -> str:
    """Returns the part of a page that is asked for, under a head that says what it is."""
    record = page.record
    whole = str(record.get("markdown") or record.get("text") or "")
    part, end = whole[asked.start : asked.start + asked.max_characters], asked.start + asked.max_characters
    head = [f"URL: {record['url']}", f"Status: {record['status']}"]
    if record.get("title"):
        head.append(f"Title: {record['title']}")
    if not whole:
        head.append(f"Text: none; its type is {record['content_type'] or 'not told'}")
    elif end < len(whole):
        head.append(f"Part: characters {asked.start} to {end} of {len(whole)}; next: {end}")
    links = list(record.get("links") or [])[:MOST_URLS]
    return "\n".join([*head, "", part, *(["", "Links:", *links] if asked.links else [])])[: 3 * MOST_CHARACTERS]


def _why_not(page: FetchedPage) -> str:
    record = page.record
    said = f": {record['detail']}" if record["detail"] else ""
    return f"{record['url']} was not fetched ({record['reason']}{said})"
