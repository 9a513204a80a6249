"""The requests of Firecrawl's API: which fields are taken, and what is said of those that are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from ...runtime.nearest import did_you_mean
from ..http.storable import storable

FORMATS = ("markdown", "html", "rawHtml", "links")
"""The formats that documents may have."""
Text: TypeAlias = Annotated[str, Field(max_length=8192)]
ONLY: Mapping[str, object] = {
    "mobile": False, "waitFor": 0, "skipTlsVerification": False, "removeBase64Images": True, "includeTags": [],
    "excludeTags": [], "actions": [], "zeroDataRetention": False, "deduplicateSimilarURLs": True, "parsers": [],
    "useMock": "none", "redactPII": False, "checkPromptInjection": False, "enableWebSearch": False,
}  # fmt: skip
"""Fields that have one value here; null is none."""
NOTHING_TO_DO = frozenset({"blockAds", "fastMode", "maxAge", "storeInCache", "origin", "integration", "auditMetadata"})
"""Fields for which there is nothing to do: a page is fetched anew, no advertisement is loaded, nothing is cached, and
clients name themselves."""


class Asked(BaseModel):
    """Base class of requests."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_is_not_done(cls, given: Any) -> Any:
        """Takes out fields that need nothing, and refuses others that ask for more than is done here."""
        if not isinstance(given, dict):
            return given
        names = {info.alias or name for name, info in cls.model_fields.items()}
        left = {name: value for name, value in given.items() if value is not None and name not in NOTHING_TO_DO}
        for name, value in left.items():
            if name in names:
                continue
            if name in ONLY:
                if value != ONLY[name]:
                    raise ValueError(f"{name} is not supported here, but as {ONLY[name]!r}")
            else:
                raise ValueError(f"{name[:100]!a} is not supported here{did_you_mean(name[:100], names)}")
        return {name: value for name, value in left.items() if name in names}


class ScrapeOptions(Asked):
    """The form in which pages are wanted."""

    formats: tuple[str, ...] = ("markdown",)
    only_main_content: Annotated[bool, Field(alias="onlyMainContent")] = True
    headers: dict[Text, Text] = Field(default_factory=dict)
    timeout: Annotated[float, Field(gt=0, le=300_000)] = 30_000
    """Milliseconds."""
    proxy: Literal["basic", "auto"] = "auto"

    @field_validator("formats", mode="before")
    @classmethod
    def _read_formats(cls, given: Any) -> Any:
        """Reads formats that are texts, or objects with a type and nothing else."""
        if not isinstance(given, list) or len(given) > 20:
            raise ValueError("should be a list of formats")
        return tuple(dict.fromkeys(_read_format(one) for one in given)) or ("markdown",)


class ScrapeIn(ScrapeOptions):
    """`POST /v2/scrape`."""

    url: Annotated[str, Field(min_length=1, max_length=8192)]


class WebhookIn(BaseModel):
    """Where to tell how a crawl goes."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, Field(min_length=1, max_length=2048)]
    headers: dict[Text, Text] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    events: tuple[Literal["started", "page", "completed", "failed"], ...] = ("started", "page", "completed", "failed")

    @field_validator("metadata")
    @classmethod
    def _is_storable(cls, given: Any) -> Any:
        return storable(given)


class Hooked(Asked):
    """Base class of requests that start a job."""

    webhook: WebhookIn | None = None
    max_concurrency: Annotated[int | None, Field(alias="maxConcurrency", ge=1, le=1000)] = None

    @field_validator("webhook", mode="before")
    @classmethod
    def _read_webhook(cls, given: Any) -> Any:
        return {"url": given} if isinstance(given, str) else given


class CrawlIn(Hooked):
    """`POST /v2/crawl`."""

    url: Annotated[str, Field(min_length=1, max_length=8192)]
    limit: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    include_paths: Annotated[tuple[Text, ...], Field(alias="includePaths", max_length=100)] = ()
    exclude_paths: Annotated[tuple[Text, ...], Field(alias="excludePaths", max_length=100)] = ()
    regex_on_full_url: Annotated[bool, Field(alias="regexOnFullURL")] = False
    max_discovery_depth: Annotated[int | None, Field(alias="maxDiscoveryDepth", ge=0, le=10_000)] = None
    sitemap: Literal["include", "skip", "only"] = "include"
    ignore_query_parameters: Annotated[bool, Field(alias="ignoreQueryParameters")] = False
    crawl_entire_domain: Annotated[bool, Field(alias="crawlEntireDomain")] = False
    allow_subdomains: Annotated[bool, Field(alias="allowSubdomains")] = False
    allow_external_links: Annotated[bool, Field(alias="allowExternalLinks")] = False
    ignore_robots_txt: Annotated[bool, Field(alias="ignoreRobotsTxt")] = False
    delay: Annotated[float | None, Field(ge=0, le=86_400)] = None
    """Seconds."""
    scrape_options: Annotated[ScrapeOptions, Field(alias="scrapeOptions")] = ScrapeOptions()


class BatchIn(Hooked, ScrapeOptions):
    """`POST /v2/batch/scrape`."""

    urls: Annotated[tuple[Annotated[str, Field(max_length=8192)], ...], Field(min_length=1, max_length=50_000)]
    ignore_invalid_urls: Annotated[bool, Field(alias="ignoreInvalidURLs")] = True


class MapIn(Asked):
    """`POST /v2/map`."""

    url: Annotated[str, Field(min_length=1, max_length=8192)]
    search: Annotated[str, Field(max_length=500)] = ""
    limit: Annotated[int, Field(ge=1, le=100_000)] = 5000
    sitemap: Literal["include", "skip", "only"] = "include"
    include_subdomains: Annotated[bool, Field(alias="includeSubdomains")] = True
    timeout: Annotated[float, Field(gt=0, le=300_000)] = 60_000
    """Milliseconds."""


def explain(error: ValidationError) -> str:
    """Returns what is wrong with a request, in one line."""
    return "; ".join(_complaints(error))


def _complaints(error: ValidationError) -> Iterator[str]:
    for one in error.errors()[:5]:
        place, words = ".".join(map(str, one["loc"])), one["msg"].removeprefix("Value error, ")
        yield f"{place}: {words}" if place else words


def _read_format(given: object) -> str:
    name = given.get("type") if isinstance(given, dict) and len(given) == 1 else given
    if not isinstance(name, str) or name not in FORMATS:
        shown = name if isinstance(name, str) else given
        raise ValueError(f"{str(shown)[:100]!a} is not supported here; {', '.join(FORMATS)} are")
    return name


WEBHOOK = TypeAdapter(WebhookIn)
"""Reads a webhook back from the database."""
