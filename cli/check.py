"""`crawl check SEEDS --baseline FILE`: a gate for continuous integration, which fails on what is new and wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from crawler import escape_text

from . import show, values
from .colours import tint
from .exit_codes import Exit
from .options import SetsSetting, chosen_settings
from .stderr import tell_line

if TYPE_CHECKING:
    from crawler import CheckVerdict, Config, Finding, Gate, Judged, Trust

SHOWN = 10
"""New findings of one code that are told."""
SHOWN_PAGES = 3


def check(
    seeds: Annotated[
        list[str] | None, typer.Argument(metavar="SEEDS...", help="The site, as `crawl` takes it.", show_default=False)
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="FILE", help="The findings that are known.")
    ] = None,
    update_baseline: Annotated[
        bool, typer.Option("--update-baseline", help="Write what is found to the baseline.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="FOLDER", help="Judge this crawl folder; fetch nothing.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Keep the crawl in this new folder.")
    ] = None,
    junit: Annotated[str, typer.Option(metavar="FILE", help="Write JUnit XML.", show_default=False)] = "",
    sarif: Annotated[str, typer.Option(metavar="FILE", help="Write SARIF 2.1.0.", show_default=False)] = "",
    severity: Annotated[
        Literal["error", "warning", "notice"], typer.Option(help="New findings that fail the check: at least these.")
    ] = "warning",
    own_check: Annotated[
        list[str] | None,
        typer.Option("--check", metavar="MODULE:FUNCTION", help="A check of your own; may be given several times."),
    ] = None,
    passing: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="CODE", help="Check what may be otherwise a moment later, too: slow-page."),
    ] = None,
    repeat: Annotated[
        int, typer.Option(metavar="N", min=0, max=20, help="How often a failure is repeated before it counts.")
    ] = 3,
    pause: Annotated[
        float | None,
        typer.Option(
            metavar="TIME",
            parser=values.seconds,
            help="Time before the first repetition, doubled before each further one. [default: 5s]",
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the good answers of other sites here, from one check to the next."),
    ] = None,
    cache_for: Annotated[
        float | None, typer.Option(metavar="TIME", parser=values.seconds, help="For how long. [default: 7d]")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings in TOML.")] = None,
    depth: Annotated[
        int | None, typer.Option(metavar="N", help="Hops from the seeds."), SetsSetting("scope.max_depth")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", help="Stop after N pages."), SetsSetting("scope.limit")
    ] = None,
    delay: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Rest between requests to one site."),
        SetsSetting("politeness.delay_s"),
    ] = None,
    allow_network: Annotated[
        list[str] | None,
        typer.Option(metavar="NET", help="Allow a private network, such as 127.0.0.0/8. Repeatable."),
        SetsSetting("fetch.allow_networks"),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any other setting. Repeatable.")
    ] = None,
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing; the exit code tells.")] = False,
) -> None:
    """Check a site for broken links and other findings, and fail if something is wrong that the baseline does not know.

    A failure is repeated, spaced, before it counts. The links to other sites are checked, too, one hop out.
    The exit code is 0 if there is nothing new, and 6 if there is.
    """
    given = locals()
    from crawler import (
        Gate,
        Others,
        Severity,
        Trust,
        load_check,
        read_baseline,
        write_baseline,
        write_junit,
        write_sarif,
    )

    from .interrupts import raising_interrupts

    _refuse_contradictions(seeds, folder, out, baseline, update_baseline)
    known = read_baseline(baseline) if baseline and not (update_baseline and not baseline.exists()) else frozenset()
    others = Others() if cache_for is None else Others(cache_for)
    if cache:
        others.read(cache)
    gate = Gate(
        known, Severity(severity), [load_check(one) for one in own_check or ()], passing or (), repeats=repeat,
        others=others, repeats_known=update_baseline,
    )  # fmt: skip
    if pause is not None:
        gate = replace(gate, pause_s=pause)
    trust = Trust(foreign=trust_folder)
    with raising_interrupts():
        if folder:
            verdict = _judge_folder(folder, gate, trust)
        else:
            verdict = _crawl(seeds or [], _settings(config, given, set_), out, gate, trust, quiet)
    if cache:
        others.write(cache)
    for text, write in ((junit, write_junit), (sarif, write_sarif)):
        if text:
            write(verdict, None if text == "-" else Path(text))
    if update_baseline and baseline:
        write_baseline(baseline, verdict.keys)
    stream = sys.stderr if "-" in (junit, sarif) else sys.stdout
    for line in () if quiet else _words(verdict, baseline, is_written=update_baseline):
        print(tint(escape_text(line), stream), file=stream)
    raise typer.Exit(Exit.DONE if verdict.passes or update_baseline else Exit.FINDINGS)


def _refuse_contradictions(
    seeds: list[str] | None, folder: Path | None, out: Path | None, baseline: Path | None, update: bool
) -> None:
    """Raises ConfigError for options that do not go together."""
    from crawler import ConfigError

    if bool(seeds) == bool(folder):
        raise ConfigError("name the site to check, or with --folder a crawl folder, and not both")
    if folder and out:
        raise ConfigError("-o keeps a crawl, and with --folder there is none")
    if update and not baseline:
        raise ConfigError("--update-baseline: which one? name it with --baseline FILE")
    if out and out.exists():
        raise ConfigError(
            f"-o {out}: it is there already; a check crawls into a new folder, --folder judges an old one"
        )


def _settings(config: Path | None, given: dict[str, object], set_: list[str] | None) -> Config:
    from crawler.settings.loading import trace

    chosen = chosen_settings(check, given) | dict(values.setting(text) for text in set_ or ())
    loaded = trace(config, os.environ, {"preset": "audit"} | chosen, "command line")[0]
    values.check_patterns(loaded)
    return loaded


def _judge_folder(folder: Path, gate: Gate, trust: Trust) -> CheckVerdict:
    from crawler import Config, check_folder, read_folder

    return check_folder(read_folder(folder, Config(), trust=trust), gate)


def _crawl(seeds: list[str], config: Config, out: Path | None, gate: Gate, trust: Trust, quiet: bool) -> CheckVerdict:
    """Crawls, and returns the verdict; ends the command where there is none."""
    from crawler import CheckVerdict, check_site
    from crawler import seeds as _seeds

    from .exit_codes import exit_code
    from .process import prepare_workers, run_loop

    urls = list(_seeds.read(seeds))
    prepare_workers(config.offload.executor)
    with TemporaryDirectory(prefix="crawl-check-") as place:
        home = out or Path(place) / "check.crawl"
        if not quiet:
            tell_line(f"checking {', '.join(seeds[:3])}{' ...' if len(seeds) > 3 else ''}")
        found = run_loop(lambda: check_site(urls, config, home, gate, trust=trust))
    if not isinstance(found, CheckVerdict):
        tell_line(f"crawl: the check did not come to its end: {found.ended}")
        raise typer.Exit(exit_code(found, ()) or Exit.ERROR)
    if not found.pages:
        tell_line("crawl: no page of the site could be read, so there is no verdict; `crawl SEEDS` tells more")
        raise typer.Exit(Exit.NOTHING)
    return found


def _words(verdict: CheckVerdict, baseline: Path | None, *, is_written: bool) -> Iterator[str]:
    new = [one for one in verdict.findings if one.state == "new"]
    for code, group in groupby(new, key=lambda one: one.finding.code):
        yield from _of_code(code, list(group))
    known = len(verdict.findings) - len(new)
    parts = [f"{show.many(verdict.pages, 'page')}", f"{show.number(len(new))} new", f"{show.number(known)} known"]
    yield ", ".join([*parts, f"{show.number(len(verdict.fixed))} fixed"])
    if is_written:
        yield f"{baseline}: {show.many(len(verdict.keys), 'finding')}"
    elif verdict.passes:
        yield f"passed{'; --update-baseline forgets what is fixed' if verdict.fixed else ''}"
    else:
        yield f"failed: {show.many(len(verdict.fatal), 'new finding')}"


def _of_code(code: str, group: list[Judged]) -> Iterator[str]:
    """Yields the new findings of one code; those that do not fail the check are only counted."""
    severity = group[0].finding.severity
    if not group[0].is_fatal:
        yield f"{severity}: {code}, {show.number(len(group))} new, which may be"
        return
    yield f"{severity}: {code}, {show.number(len(group))} new"
    for one in group[:SHOWN]:
        yield from _finding(one.finding)
    if len(group) > SHOWN:
        yield f"  and {show.number(len(group) - SHOWN)} more"
    yield f"  {group[0].finding.advice}"


def _finding(found: Finding) -> Iterator[str]:
    room = max(20, show.WIDTH - len(found.url) - 4)
    yield f"  {found.url}{f'  {show.shorten(escape_text(found.detail), room)}' if found.detail else ''}"
    for page in found.pages[:SHOWN_PAGES]:
        yield f"      on {page.url}{f'  “{show.shorten(escape_text(page.text), 40)}”' if page.text else ''}"
    if (left := found.n_pages - SHOWN_PAGES) > 0 and found.pages:
        yield f"      and on {show.many(left, 'more page')}"
