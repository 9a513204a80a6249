"""`crawl why-slow FOLDER|JOB`: says what bound the speed of a crawl over time, and what changes would gain."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crawler import escape_text
from crawler.runtime.escaping import json_line

from . import show, values
from .colours import tint

if TYPE_CHECKING:
    from crawler import Gain, Slowness

SHOWN_BOUNDS = 3
SHOWN_CHANGES = 10
_OPTIONS = {"politeness.delay_s": "--delay", "politeness.per_site": "--per-site", "fetch.concurrency": "--concurrency"}


def why_slow(
    crawl: Annotated[
        str,
        typer.Argument(metavar="FOLDER|JOB", help="The crawl folder, or the id of a job of a daemon on this machine."),
    ],
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The daemon's folder. [default: crawld-data]")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Say what bound a crawl over time, and how much less time it would take with another setting, at most.

    Everything is taken from what was measured four times a second while the crawl ran; a crawl may run meanwhile.
    """
    from crawler import Config, Trust, explain_slowness, read_folder

    found = read_folder(_find(crawl, data), Config(), trust=Trust(foreign=trust_folder))
    answer = explain_slowness(found)
    if json:
        sys.stdout.write(json_line({"folder": str(found.path), **answer.record()}).decode())
        return
    for line in _words(answer, str(found.path)):
        print(tint(escape_text(line), sys.stdout))


def _find(text: str, data: Path | None) -> Path:
    """Returns the crawl folder that is named, or that of the job. Raises ConfigError."""
    from crawler import ConfigError
    from crawler.daemon import load_daemon

    folder = Path(text)
    if (folder / "crawl.toml").is_file() or os.sep in text:
        return folder
    home = data or Path(load_daemon(None, os.environ, {})[0].data)
    place = home / "crawls" / text
    if text and (place / "crawl.toml").is_file():
        return place
    raise ConfigError(f"{text} is neither a crawl folder nor a job in {home}: --data names the daemon's folder")


def _words(answer: Slowness, folder: str) -> Iterator[str]:
    rate = answer.pages / answer.seconds if answer.seconds else 0.0
    yield f"{folder}: {show.many(answer.pages, 'page')} in {show.duration(answer.seconds)}, {rate:.2f} a second"
    yield f"bound by  {_shares(answer.shares)}"
    yield "over time"
    for one in answer.stretches:
        yield f"  {one.begin}  {show.duration(one.seconds):>8}  {one.pages_per_s:>8.2f}/s  {_shares(one.shares)}"
    for change in answer.changes[-SHOWN_CHANGES:]:
        for key, old, new, applies in change.changes:
            when = "" if applies else " (from the next run on)"
            yield f"  {change.record()['at']}  {change.who}: {key} {old} -> {new}{when}"
    yield from _gains(answer)


def _gains(answer: Slowness) -> Iterator[str]:
    if answer.gains:
        yield "a change would save, at most"
    for one in answer.gains:
        yield f"  {one.share:>4.0%} of the time: {_change(one)}"
    for bound, why in answer.fixed.items():
        yield f"no setting of the crawl changes {bound}: {why or 'nothing is known to help'}"
    if not answer.gains and not answer.fixed:
        yield "nothing bound it for long"


def _change(gain: Gain) -> str:
    polite = ", if the sites are yours or agree" if gain.setting.startswith("politeness.") else ""
    option = _OPTIONS.get(gain.setting)
    asked = f"{option} {gain.then:g}" if option else f"--set {gain.setting}={gain.then:g}"
    return f"{asked} (it is {gain.now:g}){polite}"


def _shares(shares: object) -> str:
    assert isinstance(shares, dict)
    most = list(shares.items())[:SHOWN_BOUNDS]
    return ", ".join(f"{name} {share:.0%}" for name, share in most if share >= 0.005) or "-"
