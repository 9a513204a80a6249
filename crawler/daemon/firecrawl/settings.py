"""Turns requests of Firecrawl's API into settings of jobs."""

from __future__ import annotations

from typing import Any

from .requests import BatchIn, CrawlIn, Hooked, ScrapeOptions

MADE_BY = "firecrawl"
_BEGINS = ("/", "\\/", "(/", "(?:/", "[/")
"""Beginnings of expressions whose first letter is the slash of the path."""


def page_settings(asked: ScrapeOptions) -> dict[str, Any]:
    """Returns the settings by which one page is fetched and read."""
    settings: dict[str, Any] = {"extract": {"part": "main" if asked.only_main_content else "page"}}
    if asked.headers:
        settings["fetch"] = {"headers": asked.headers}
    return settings


def crawl_settings(asked: CrawlIn) -> dict[str, Any]:
    """Returns the settings of a crawl."""
    scope: dict[str, Any] = {
        "limit": asked.limit, "reach": _reach(asked), "sitemaps": asked.sitemap != "skip",
        "include": [path_pattern(one, is_full=asked.regex_on_full_url) for one in asked.include_paths],
        "exclude": [path_pattern(one, is_full=asked.regex_on_full_url) for one in asked.exclude_paths],
    }  # fmt: skip
    if asked.sitemap == "only":
        scope["max_depth"] = 0  # entries of sitemaps are as deep as the sitemap
    elif asked.max_discovery_depth is not None:
        scope["max_depth"] = asked.max_discovery_depth
    settings = {**job_settings(asked.scrape_options, asked), "scope": scope}
    politeness: dict[str, Any] = {"robots": "ignore"} if asked.ignore_robots_txt else {}
    if asked.delay is not None:
        politeness["delay_s"] = asked.delay
    if politeness:
        settings["politeness"] = politeness
    if asked.ignore_query_parameters:
        settings["urls"] = {"strip_params": ["*"]}
    return settings


def batch_settings(asked: BatchIn) -> dict[str, Any]:
    """Returns the settings of a job that fetches a list of pages."""
    return {**job_settings(asked, asked), "scope": {"max_depth": 0, "reach": "page", "sitemaps": False}}


def job_settings(pages: ScrapeOptions, asked: Hooked) -> dict[str, Any]:
    """Returns the settings of a job that keeps what its documents are made of."""
    sinks: list[dict[str, Any]] = [{"kind": "jsonl", "markdown": True, "metadata": True, "links": True}]
    if {"html", "rawHtml"} & set(pages.formats):
        sinks.append({"kind": "files", "types": ["html"]})
    settings = {**page_settings(pages), "sinks": sinks}
    fetch = {"timeout_s": pages.timeout / 1000} if "timeout" in pages.model_fields_set else {}
    if asked.max_concurrency is not None:
        fetch["concurrency"] = asked.max_concurrency
    if fetch:
        settings["fetch"] = {**settings.get("fetch", {}), **fetch}
    return settings


def path_pattern(expression: str, *, is_full: bool) -> str:
    """Returns the pattern of URLs whose path an expression is found in, or whose whole text."""
    if is_full:
        return f"re:{expression}"
    site = "^https?://[^/?#]+"
    if expression.startswith("^"):
        return f"re:{site}(?:{expression[1:]})"
    within = f"/[^?#]*?(?:{expression})"
    return f"re:{site}(?:{within}|(?:{expression}))" if expression.startswith(_BEGINS) else f"re:{site}{within}"


def _reach(asked: CrawlIn) -> str:
    if asked.allow_external_links:
        return "any"
    if asked.allow_subdomains:
        return "domain"
    return "host" if asked.crawl_entire_domain else "prefix"
