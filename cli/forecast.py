"""`crawl forecast SEEDS...`: says how large a crawl would be and how long it would take, from a polite sample."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from crawler import escape_text
from crawler.runtime.escaping import json_line

from . import show, values
from .colours import tint
from .dry_run import BadLines
from .exit_codes import Exit
from .options import SetsSetting, chosen_settings
from .stderr import tell_line

if TYPE_CHECKING:
    from crawler import CrawlSize, Forecast, Interval, SiteForecast

SAMPLE_S = 180.0
SHOWN_SITES, SHOWN_REFUSALS = 10, 10
_OPTIONS = {"politeness.delay_s": "--delay", "politeness.per_site": "--per-site", "scope.limit": "--limit"}


def forecast(
    seeds: Annotated[list[str], typer.Argument(metavar="SEEDS...", help="What `crawl SEEDS...` takes.")],
    sample: Annotated[
        int, typer.Option(metavar="N", min=1, help="Pages of each site to look at.", show_default=True)
    ] = 40,
    sites: Annotated[
        int, typer.Option(metavar="N", min=1, help="Sites to look at, chosen by chance.", show_default=True)
    ] = 100,
    sample_time: Annotated[
        float | None,
        typer.Option(metavar="TIME", parser=values.seconds, help="Look for 30s, 5m, ... at most. [default: 3m]"),
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings in TOML.")] = None,
    depth: Annotated[
        int | None, typer.Option(metavar="N", help="Hops from the seeds."), SetsSetting("scope.max_depth")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", help="Pages of the crawl."), SetsSetting("scope.limit")
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(metavar="TIME", parser=values.seconds, help="The end of the crawl: 30s, 5m, 2h, ..."),
        SetsSetting("scope.time_limit_s"),
    ] = None,
    reach: Annotated[
        Literal["page", "prefix", "host", "domain", "any"] | None,
        typer.Option(metavar="HOW_FAR", help="Where links may lead: page, prefix, host, domain, any. [default: host]"),
        SetsSetting("scope.reach"),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Follow only URLs that match: a glob, or re:REGEX. Repeatable."),
        SetsSetting("scope.include"),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Never fetch URLs that match. Repeatable."),
        SetsSetting("scope.exclude"),
    ] = None,
    column: Annotated[
        str | None, typer.Option(metavar="NAME|N", help="The column or field of the lists that holds the URLs.")
    ] = None,
    delay: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Rest between requests to one site. [default: 1]"),
        SetsSetting("politeness.delay_s"),
    ] = None,
    per_site: Annotated[
        int | None,
        typer.Option(metavar="N", help="Requests at a time to one site, and per delay. [default: 1]"),
        SetsSetting("politeness.per_site"),
    ] = None,
    user_agent: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The User-Agent to send."), SetsSetting("user_agent")
    ] = None,
    contact: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Where site owners can reach you: a mail address or URL."),
        SetsSetting("contact"),
    ] = None,
    ignore_robots: Annotated[
        bool,
        typer.Option("--ignore-robots", help="Do not ask robots.txt."),
        SetsSetting("politeness.robots", lambda is_ignored: "ignore" if is_ignored else None),
    ] = False,
    allow_network: Annotated[
        list[str] | None,
        typer.Option(metavar="NET", help="Allow a private network, such as 127.0.0.0/8. Repeatable."),
        SetsSetting("fetch.allow_networks"),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting. Repeatable.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Say how large a crawl would be, how long it would take, and what other settings would change.

    It fetches robots.txt, sitemaps and the first pages of each site, as politely as the crawl would, and keeps nothing.
    """
    given = locals()
    from .process import fork_helpers, prepare_workers, run_loop

    fork_helpers()
    from crawler import Trust
    from crawler import seeds as reading
    from crawler.settings.loading import trace

    settings = chosen_settings(forecast, given) | dict(values.setting(one) for one in set_ or ())
    loaded = trace(config, os.environ, settings, "command line", trust=Trust(foreign=trust_folder))[0]
    values.check_patterns(loaded)
    prepare_workers(loaded.offload.executor)
    logging.getLogger("crawler").addHandler(logging.NullHandler())  # what matters is shown below
    from crawler import forecast_crawl

    bad = BadLines()
    reading.check(seeds, strict=False)
    if sys.stderr.isatty():
        most = show.duration(sample_time or SAMPLE_S)
        tell_line(f"looking at {show.many(sample, 'page')} of each site, for {most} at most ...")
    told = run_loop(
        lambda: forecast_crawl(
            reading.read(seeds, bad, column=column),
            loaded,
            sample=sample,
            most_sites=sites,
            sample_s=sample_time or SAMPLE_S,
        )
    )
    if json:
        sys.stdout.write(json_line({"v": 1, **_record(told), "unusable": bad.count}).decode())
    else:
        for line in words(told, bad.count):
            print(tint(escape_text(line), sys.stdout))
    raise typer.Exit(Exit.DONE if told.size else Exit.NOTHING)


def _record(told: object) -> Any:
    """Returns the forecast as JSON has it, intervals by the names of their parts."""
    if is_dataclass(told) and not isinstance(told, type):
        return {one.name: _record(getattr(told, one.name)) for one in fields(told)}
    if isinstance(told, tuple) and hasattr(told, "_asdict"):
        return told._asdict()
    return [_record(one) for one in told] if isinstance(told, list | tuple) else told


def words(told: Forecast, unusable: int) -> Iterator[str]:
    """Yields the lines for people."""
    if told.size is None:
        yield "nothing to forecast: no page could be fetched"
    else:
        yield f"{_heading(told)}; intervals hold in 8 of 10 cases"
        yield from _size(told.size)
        yield from _limits(told.limits)
        yield from _sites(told.sites)
        if told.without_slowest:
            yield f"  without the first of them: {_range(told.without_slowest.seconds, show.duration)}"
        yield from _others(told)
    yield from _refused(told)
    if told.further_sites:
        yield f"left out: {show.many(told.further_sites, 'further site')} that links lead to and no seed names"
    if unusable:
        yield show.many(unusable, "unusable line")


def _heading(told: Forecast) -> str:
    looked_at = len(told.sites) + len(told.refused)
    of = f"{show.number(looked_at)} of " if looked_at < told.all_sites else ""
    pages = sum(one.sampled for one in told.sites)
    return f"forecast of {of}{show.many(told.all_sites, 'site')}, from {show.many(pages, 'page')}"


def _size(size: CrawlSize) -> Iterator[str]:
    yield f"  takes  {_range(size.seconds, show.duration)} under politeness"
    yield f"  pages  {_range(size.pages, show.number)}"
    yield f"  bytes  {_range(size.bytes, show.size)}"


def _limits(limits: Mapping[str, float]) -> Iterator[str]:
    if limits:
        yield f"  within {', '.join(f'{name} = {value:g}' for name, value in limits.items())}"


def _sites(sites: Sequence[SiteForecast]) -> Iterator[str]:
    yield "sites that take longest"
    for one in sites[:SHOWN_SITES]:
        yield f"  {one.site}"
        took, pages = _range(one.seconds, show.duration), _range(one.pages, show.number)
        pages += " page" if pages == "1" else " pages"
        asked = " (its Crawl-delay)" if one.asked_s else ""
        yield f"      {took}, {pages}, a rest of {show.duration(one.delay_s)}{asked}"
        if one.listed:
            yield f"      {show.many(one.listed, 'URL')} in {show.many(one.sitemaps, 'sitemap')}"
        if one.why:
            yield f"      no more can be said: {one.why}"
    if len(sites) > SHOWN_SITES:
        yield f"  and {show.number(len(sites) - SHOWN_SITES)} more (--json lists them)"
    if any(one.why for one in sites):
        yield "  a larger --sample tells more, and --limit bounds the crawl"


def _others(told: Forecast) -> Iterator[str]:
    yield "with another setting it would take"
    for one in told.others:
        option = f"{_OPTIONS[one.setting]} {one.value:g}"
        pages = f", {_range(one.size.pages, show.number)} pages" if one.setting == "scope.limit" else ""
        yield f"  {option:<18} {_range(one.size.seconds, show.duration)}{pages}"
    yield "  a smaller --delay and a larger --per-site are for sites that are yours or agree"


def _refused(told: Forecast) -> Iterator[str]:
    for one in told.refused[:SHOWN_REFUSALS]:
        yield f"nothing of {one.site}: {one.reason}{f', {one.detail}' if one.detail else ''}"
    if len(told.refused) > SHOWN_REFUSALS:
        yield f"  and {show.number(len(told.refused) - SHOWN_REFUSALS)} more (--json lists them)"


def _range(said: Interval, write: Callable[[float], str]) -> str:
    if said.high is None:
        return f"at least {write(said.low)}"
    low, high = write(said.low), write(said.high)
    return low if low == high else f"{low} to {high}"
