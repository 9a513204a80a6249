"""`crawl replay ARCHIVES...`: crawls over archives instead of the network."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import values
from .options import SetsSetting, chosen_settings
from .stderr import tell_line

if TYPE_CHECKING:
    from crawler import Config, ReplayPlan, Trust


def replay(
    archives: Annotated[
        list[str],
        typer.Argument(metavar="ARCHIVES", help="WARC and WACZ files, and folders that hold some."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The crawl folder to write.")],
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", metavar="FILE", help="Settings in TOML. [default: those of the crawl that made them]"
        ),
    ] = None,
    seeds: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SEEDS",
            help="A URL or a list of URLs to begin with. Repeatable. [default: the seeds of the crawl that made the"
            " archives, else all archived documents]",
        ),
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(metavar="N", help="Hops from the seeds; 0: only the seeds. [default: no limit]"),
        SetsSetting("scope.max_depth"),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", help="Stop after N pages."), SetsSetting("scope.limit")
    ] = None,
    reach: Annotated[
        Literal["page", "prefix", "host", "domain", "any"] | None,
        typer.Option(
            metavar="HOW_FAR",
            help="Where links may lead: page, prefix, host, domain, any. [default: host; page if all archived"
            " documents are seeds]",
        ),
        SetsSetting("scope.reach"),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Visit only URLs that match: a glob, or re:REGEX. Repeatable."),
        SetsSetting("scope.include"),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Never visit URLs that match. Repeatable."),
        SetsSetting("scope.exclude"),
    ] = None,
    per_site: Annotated[
        int | None,
        typer.Option(metavar="N", help="Visits at a time to one site. [default: 1; 32 if all documents are seeds]"),
        SetsSetting("politeness.per_site"),
    ] = None,
    ignore_robots: Annotated[
        bool,
        typer.Option("--ignore-robots", help="Do not obey the archived robots.txt."),
        SetsSetting("politeness.robots", lambda is_ignored: "ignore" if is_ignored else None),
    ] = False,
    memory: Annotated[
        int | None,
        typer.Option(
            metavar="SIZE", parser=values.size, help="Memory for the whole crawl, workers included: 512M, 2G."
        ),
    ] = None,
    links: Annotated[bool, typer.Option("--links", help="Record each page's links.")] = False,
    text: Annotated[bool, typer.Option("--text", help="Record each page's readable text.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Record each page's main part as markdown.")] = False,
    parse: Annotated[
        str | None,
        typer.Option(metavar="MODULE:FUNCTION", help="Record what a function of yours finds on each page."),
        SetsSetting("extract.function"),
    ] = None,
    metadata: Annotated[
        bool, typer.Option("--metadata", help="Record what each page says of itself: title, authors, dates, ...")
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other setting (`crawl config show`). Repeatable."),
    ] = None,
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
    open_folder: Annotated[bool, typer.Option("--open-folder", help=values.OPEN_FOLDER)] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Set the old crawl folder aside and start over.")] = False,
    fail_on: Annotated[
        list[values.Share] | None,
        typer.Option(
            metavar="N|N%|parse",
            parser=values.share,
            help="Exit with code 3 if more URLs failed than this; parse: if parsing failed at any page. Repeatable.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Write records to standard output as well.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, show_default=False, help="Show the log; -vv: all of it.")
    ] = 0,
) -> None:
    """Crawl again over archived answers: the same links, parsing and records, and no network.

    Repeat the command to continue one that was stopped.
    """
    given = locals()
    from .process import fork_helpers, import_settings, prepare_workers, run_loop

    fork_helpers()
    import_settings()

    from crawler import Trust

    settings = values.memory(memory) | chosen_settings(replay, given)
    settings |= dict(values.setting(word) for word in set_ or ())
    trust = Trust(trust_folder, open_folder)
    plan = _plan(archives, config, settings, has_seeds=bool(seeds), trust=trust)
    said = {"links": links, "text": text, "markdown": markdown, "metadata": metadata}
    loaded = _check(plan.config, said, seeds or [])
    prepare_workers(loaded.offload.executor)
    if not quiet and sys.stderr.isatty():  # a hundred gigabytes take a quarter of an hour
        tell_line(f"reading {', '.join(archives)} ...")

    from .authorities import reading_late

    with reading_late():
        from .run_crawl import CrawlOrder, run_crawl

    job = CrawlOrder(
        loaded, seeds or plan.seeds or (), out, sys.argv[1:], fresh=fresh, fail_on=tuple(fail_on or ()), json=json,
        quiet=quiet, verbose=verbose, trust=trust, takes_archived=plan.seeds is None,
    )  # fmt: skip
    raise typer.Exit(run_loop(lambda: run_crawl(job)))


def _plan(
    archives: list[str], config: Path | None, settings: dict[str, object], *, has_seeds: bool, trust: Trust
) -> ReplayPlan:
    from crawler import find_crawl_folder, plan_replay
    from crawler.settings.loading import trace

    folder = find_crawl_folder(archives)
    file = config or (folder / "crawl.toml" if folder else None)
    loaded = trace(file, os.environ, settings, "command line", trust=trust)[0]
    return plan_replay(archives, loaded, has_seeds=has_seeds, trust=trust)


def _check(config: Config, said: Mapping[str, bool], seeds: list[str]) -> Config:
    """Returns the settings with more fields in every record, once patterns and seeds can be used."""
    from crawler import seeds as _seeds

    from .run import add_to_records

    values.check_patterns(config)
    _seeds.check(seeds)
    return add_to_records(config, said)
