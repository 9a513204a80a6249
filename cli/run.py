"""`crawl SEEDS...`: reads the options and runs one crawl."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from crawler import escape_text

from . import values
from .options import SetsSetting, chosen_settings

if TYPE_CHECKING:
    from crawler import Config, SinkConfig


def run(
    seeds: Annotated[list[str], typer.Argument(metavar="SEEDS...", hidden=True)],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="The crawl folder. [default: named after the seeds]"),
    ] = None,
    engine: Annotated[
        str | None, typer.Option(metavar="URL", help="Keep the crawl there: the same line elsewhere joins it.")
    ] = None,
    durability: Annotated[
        Literal["none", "process", "power"] | None,
        typer.Option(metavar="WHAT", help="Failures that pages survive: none, process, power. [default: power]"),
        SetsSetting("frontier.durability"),
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings in TOML.")] = None,
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Settings that go together: archive, audit, text (`crawl config presets`)."),
        SetsSetting("preset"),
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(metavar="N", help="Hops from the seeds; 0: only the seeds. [default: no limit]"),
        SetsSetting("scope.max_depth"),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", help="Stop after N pages."), SetsSetting("scope.limit")
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(metavar="TIME", parser=values.seconds, help="Stop after 30s, 5m, 2h, ..."),
        SetsSetting("scope.time_limit_s"),
    ] = None,
    size_limit: Annotated[
        int | None,
        typer.Option(metavar="SIZE", parser=values.size, help="Stop after 10M, 2G, ..."),
        SetsSetting("scope.size_limit_bytes"),
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
    requisites: Annotated[
        bool | None,
        typer.Option(
            "--requisites/--no-requisites",
            show_default=False,
            help="Fetch what pages need to be shown, whatever its host: images, styles, fonts, frames.",
        ),
        SetsSetting("scope.requisites"),
    ] = None,
    extra_hops: Annotated[
        int | None,
        typer.Option(metavar="N", help="Follow links that leave the reach N hops further out. [default: 0]"),
        SetsSetting("scope.extra_hops"),
    ] = None,
    sitemaps: Annotated[
        bool | None,
        typer.Option("--sitemaps/--no-sitemaps", show_default=False, help="Visit the sitemaps that robots.txt names."),
        SetsSetting("scope.sitemaps"),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|N", help="The column or field of the lists that holds the URLs. [default: found by its cells]"
        ),
    ] = None,
    keep_columns: Annotated[
        bool, typer.Option("--keep-columns", help="Record the other columns or fields of each row as request_data.")
    ] = False,
    data_follows: Annotated[
        bool | None,
        typer.Option(
            "--data-follows",
            show_default=False,
            help="Record the columns of a seed at the pages that it leads to, too.",
        ),
        SetsSetting("scope.data_follows"),
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
    concurrency: Annotated[
        int | None,
        typer.Option(metavar="N", help="Requests at a time over all sites. [default: 256]"),
        SetsSetting("fetch.concurrency"),
    ] = None,
    loops: Annotated[
        str | None,
        typer.Option(metavar="N|auto", help="Event loops, each a process with its workers. [default: 1]"),
        SetsSetting("offload.loops", values.loops),
    ] = None,
    retries: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Further attempts after one failed. [default: 2]"),
        SetsSetting("politeness.max_attempts", lambda retries: None if retries is None else retries + 1),
    ] = None,
    revisit: Annotated[
        float | None,
        typer.Option(
            metavar="TIME",
            parser=values.seconds,
            help="Visit pages again if this command runs 12h, 1d, ... later; pages that never change, less often.",
        ),
        SetsSetting("politeness.revisit_after_s"),
    ] = None,
    memory: Annotated[
        int | None,
        typer.Option(
            metavar="SIZE", parser=values.size, help="Memory for the whole crawl, workers included: 512M, 2G."
        ),
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
    focus: Annotated[
        str | None,
        typer.Option(metavar="WORDS", help="Visit first what promises these words: 'solar \"heat pump\" insulat*'"),
        SetsSetting("scope.focus"),
    ] = None,
    purpose: Annotated[list[str] | None, typer.Option(help=values.PURPOSE), SetsSetting("usage.purpose")] = None,
    respect: Annotated[
        Literal["record", "obey"] | None, typer.Option(help=values.RESPECT), SetsSetting("usage.respect")
    ] = None,
    links: Annotated[bool, typer.Option("--links", help="Record each page's links.")] = False,
    text: Annotated[bool, typer.Option("--text", help="Record each page's readable text.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Record each page's main part as markdown.")] = False,
    metadata: Annotated[
        bool, typer.Option("--metadata", help="Record what each page says of itself: title, authors, dates, ...")
    ] = False,
    extract: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SELECTOR",
            help="Record what a selector finds on each page, such as 'price=css:.price as number'. Repeatable.",
        ),
        SetsSetting("extract.fields", values.fields),
    ] = None,
    parse: Annotated[
        str | None,
        typer.Option(metavar="MODULE:FUNCTION", help="Record what a function of yours finds on each page."),
        SetsSetting("extract.function"),
    ] = None,
    index: Annotated[
        bool,
        typer.Option("--index", help="Keep an index for `crawl search` up to date; best with --text."),
        SetsSetting("search.index", lambda is_wanted: is_wanted or None),
    ] = False,
    render: Annotated[
        Literal["never", "auto", "always"] | None,
        typer.Option(
            metavar="WHEN", help="Render pages that scripts make: never, auto, always; needs Chromium. [default: never]"
        ),
        SetsSetting("render.mode"),
    ] = None,
    warc: Annotated[bool, typer.Option("--warc", help="Archive every exchange in WARC files, in DIR/warc.")] = False,
    save: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPES", help="Save as files, in DIR/files: html,pdf,images or all; screenshots,prints."),
    ] = None,
    dedupe_with: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER|CDXJ", exists=True, help="Archive, but do not store what this archive holds. Repeatable."
        ),
        SetsSetting("warc.dedupe_with", lambda paths: [os.path.abspath(path) for path in paths] if paths else None),
    ] = None,
    copy_to: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Copy finished files to s3://BUCKET/FOLDER while the crawl goes on; gs://, az:// too."
        ),
        SetsSetting("copies.to"),
    ] = None,
    dedupe: Annotated[
        str | None,
        typer.Option(
            metavar="near",
            parser=values.near,
            help="Keep the text of pages that nearly repeat an earlier one out of their records.",
        ),
        SetsSetting("dedupe.near_duplicates"),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other setting (`crawl config show`). Repeatable."),
    ] = None,
    traps: Annotated[
        Literal["park", "warn", "off"] | None,
        typer.Option(metavar="HOW", help="URLs that seem endless: park, warn, off. [default: park]"),
        SetsSetting("scope.traps"),
    ] = None,
    unpark: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Fetch URLs parked under this pattern; all: every one. Repeatable."),
    ] = None,
    retry_failed: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[=REASON]",
            help="Try failed URLs again: all, or those of one reason (`--retry-failed=dns`). Repeatable.",
        ),
    ] = None,
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
    open_folder: Annotated[bool, typer.Option("--open-folder", help=values.OPEN_FOLDER)] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Set the old crawl folder aside and start over.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be fetched first and what is refused; fetch no page.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first unusable seed.")] = False,
    fail_on: Annotated[
        list[values.Share] | None,
        typer.Option(
            metavar="N|N%|parse",
            parser=values.share,
            help="Exit with code 3 if more URLs failed than this; parse: if parsing failed at any page. Repeatable.",
        ),
    ] = None,
    report: Annotated[
        bool | None,
        typer.Option(
            "--report/--no-report", help="Count all records at the end: by status, reason, site. The preset audit does."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Write records to standard output as well.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, show_default=False, help="Show the log; -vv: all of it.")
    ] = 0,
) -> None:
    """Crawl the seeds into a folder; this is what `crawl SEEDS...` does."""
    given = locals()
    sources, folder = _find_folder(seeds, out)
    if engine and out is None:
        raise typer.BadParameter(
            "a crawl in an engine needs a name: -o NAME, the same for all nodes", param_hint="--engine"
        )
    is_announced = not (dry_run or engine) and _announce(folder, fresh=fresh, quiet=quiet)
    from .process import fork_helpers, import_settings, prepare_workers, run_loop

    if not dry_run:
        fork_helpers()
    import_settings()

    from crawler import Trust
    from crawler import seeds as _seeds
    from crawler.settings.loading import trace

    settings = values.memory(memory) | chosen_settings(run, given)
    settings |= dict(values.setting(text) for text in set_ or ())
    trust = Trust(trust_folder, open_folder)
    traced = trace(config, os.environ, settings, "command line", trust=trust)[0]
    said = {"links": links, "text": text, "markdown": markdown, "metadata": metadata}
    loaded = add_to_records(traced, said, warc or bool(dedupe_with), values.save_types(save))
    if fresh and not sources:
        raise typer.BadParameter("a crawl that starts over needs its seeds, not its folder", param_hint="--fresh")
    # Bad patterns and seeds are refused before a folder is made.
    values.check_patterns(loaded)
    _seeds.check(sources, strict=strict, column=column, keep_columns=keep_columns)
    if dry_run:
        if not sources:
            raise typer.BadParameter(
                "a dry run needs seeds; `crawl explain` looks into a folder", param_hint="--dry-run"
            )
        from .dry_run import dry_run as rehearsed

        raise typer.Exit(
            rehearsed(
                loaded, sources, folder, column=column, keep_columns=keep_columns, fresh=fresh, json=json, trust=trust
            )
        )
    prepare_workers(loaded.offload.executor)

    from .authorities import reading_late

    with reading_late():
        from .run_crawl import CrawlOrder, run_crawl

    job = CrawlOrder(
        loaded, sources, folder, sys.argv[1:], column=column, keep_columns=keep_columns, fresh=fresh, strict=strict,
        fail_on=tuple(fail_on or ()), json=json, quiet=quiet, verbose=verbose, retry=values.reasons(retry_failed),
        unpark=tuple(unpark or ()), trust=trust, is_announced=is_announced,
        report=loaded.preset == "audit" if report is None else report,
    )  # fmt: skip
    if engine:
        from .run_engine import run_node

        raise typer.Exit(run_loop(lambda: run_node(job, engine)))
    raise typer.Exit(run_loop(lambda: run_crawl(job)))


def check(given: Mapping[str, object]) -> None:
    """Raises the error that `run` would end with for these parameters before it makes a folder."""
    from crawler import seeds as _seeds
    from crawler.settings.loading import trace

    trace(None, os.environ, chosen_settings(run, given), "command line")
    _seeds.check(cast("list[str]", given["seeds"]), strict=False)


def add_to_records(config: Config, said: Mapping[str, bool], warc: bool = False, save: Sequence[str] = ()) -> Config:
    """Returns the settings with more fields in every record, and with an archive and saved files beside them."""
    from crawler import SinkConfig
    from crawler.settings.loading import amend

    if not any(said.values()) and not warc and not save:
        return config
    sinks = [sink if sink.kind in {"warc", "files"} else _with_fields(sink, said) for sink in config.sinks]
    if warc and not any(sink.kind == "warc" for sink in sinks):
        sinks.append(SinkConfig(kind="warc"))
    if save:
        said_types = {"kind": "files", "types": tuple(save)}
        sinks = [*[sink for sink in sinks if sink.kind != "files"], SinkConfig.model_validate(said_types)]
    return amend(config, {"sinks": sinks})


def _with_fields(sink: SinkConfig, said: Mapping[str, bool]) -> SinkConfig:
    return sink.model_copy(update={name: is_wanted or getattr(sink, name) for name, is_wanted in said.items()})


def _find_folder(seeds: list[str], out: Path | None) -> tuple[list[str], Path]:
    """Returns the seeds and the crawl folder. A crawl folder among the seeds is the one to continue."""
    from crawler import default_folder_name

    if re.match(r"[a-z][a-z0-9+.-]+:/", os.fspath(out or "")):
        raise typer.BadParameter(
            "a crawl keeps its state in a folder on this machine: -o FOLDER --copy-to URL copies its files",
            param_hint="--out",
        )
    folders = [Path(seed) for seed in seeds if (Path(seed) / "crawl.toml").is_file()]
    if len(folders) == 1 and out in (None, folders[0]):
        return [seed for seed in seeds if Path(seed) != folders[0]], folders[0]
    return seeds, out or Path(default_folder_name(seeds))


def _announce(folder: Path, *, fresh: bool, quiet: bool) -> bool:
    """Says on a terminal which folder it will be, since the imports that follow take half a second."""
    if quiet or not sys.stderr.isatty():
        return False
    continues = (folder / "crawl.toml").is_file() and not fresh
    print(escape_text(f"{'continuing' if continues else 'crawling into'} {folder} ..."), file=sys.stderr, flush=True)
    return True
