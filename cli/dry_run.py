"""`crawl SEEDS --dry-run`: prints what would be fetched first and what is refused, in words or as JSON lines."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crawler import escape_text
from crawler.runtime.escaping import json_line

from . import show
from .exit_codes import Exit

if TYPE_CHECKING:
    from crawler import BadSeed, Config, Rehearsal, Trust, Url
    from crawler.seeds import Taken

SHOWN = 20
"""Refusals and bad lines that are printed. The JSON lines hold all refusals, and MOST_BAD bad lines."""
SHOWN_TEXT = 200
"""Characters of a bad line that are kept."""
MOST_BAD = 1000
"""Bad lines that are kept; the others are only counted."""


class BadLines:
    """Counts the unusable lines of the seeds, and keeps the first ones."""

    def __init__(self) -> None:
        self.count = 0
        self.kept: list[BadSeed] = []

    def __call__(self, bad: BadSeed) -> None:
        self.count += 1
        if len(self.kept) < MOST_BAD:
            self.kept.append(bad._replace(text=bad.text[:SHOWN_TEXT]))


def dry_run(
    config: Config, sources: Sequence[str], folder: Path, *, column: str | None, keep_columns: bool, fresh: bool,
    json: bool, trust: Trust,
) -> Exit:  # fmt: skip
    """Rehearses the crawl and prints the result; makes no folder. Returns NOTHING if nothing would be fetched."""
    from crawler import read_folder, rehearse, seeds

    from .process import run_loop

    is_there = (folder / "crawl.toml").is_file() and not fresh
    settings = config
    if is_there:
        kept = read_folder(folder, config, trust=trust)
        kept.check_patterns(config)
        settings = kept.config
    bad = BadLines()
    lists: list[Taken] = []
    read = seeds.read_requests if keep_columns else seeds.read
    given = read(sources, bad, column=column, on_taken=lists.append)
    told = run_loop(lambda: rehearse(given, settings))
    if json:
        for record in records(told, bad, lists):
            sys.stdout.write(json_line(record).decode())
    else:
        for line in words(told, bad, lists):
            print(escape_text(line))
        if is_there:
            print(f"{folder} exists already: what it holds is not fetched again")
    return Exit.DONE if told.first else Exit.NOTHING


def records(told: Rehearsal, bad: BadLines, lists: Sequence[Taken]) -> Iterator[dict[str, object]]:
    """Yields the objects of the JSON lines; docs/explain.md describes their fields."""
    for taken in lists:
        yield {
            "v": 1,
            "verdict": "list",
            "source": taken.source,
            "taken_for": taken.what,
            "urls": taken.urls,
            "unusable": taken.bad,
            "empty": taken.empty,
            "is_whole": taken.is_whole,
        }
    for number, turn in enumerate(told.first, 1):
        yield {
            "v": 1,
            "verdict": "fetch",
            "order": number,
            "url": turn.url.text,
            "method": turn.method,
            "site": turn.url.site,
            "in_s": round(turn.in_s, 3),
            "depth": turn.depth,
            "via": turn.via.text if turn.via else None,
            "was_read": turn.was_read,
            "rules": list(turn.rules),
        }
    for refusal in told.refused:
        yield {
            "v": 1,
            "verdict": "exclude",
            "url": refusal.url.text,
            "method": refusal.method,
            "reason": refusal.reason,
            "detail": refusal.detail or None,
        }
    for one in bad.kept:
        yield {"v": 1, "verdict": "unusable", "source": one.source, "line": one.line, "text": one.text, "why": one.why}
    yield {
        "v": 1,
        "verdict": "summary",
        "seeds": told.seeds,
        "repeated": told.repeated,
        "unusable": bad.count,
        "is_cut": told.is_cut,
        "sites": told.sites,
        "asked": told.asked,
        "first": len(told.first),
        "queued": told.queued,
        "excluded": dict(Counter(str(refusal.reason) for refusal in told.refused)),
    }


def words(told: Rehearsal, bad: BadLines, lists: Sequence[Taken]) -> Iterator[str]:
    """Yields the lines for people."""
    yield f"dry run: {_seeds(told, bad)}"
    for taken in lists:
        yield f"  {taken}"
    if told.is_cut:
        yield f"  {show.many(told.seeds + told.repeated, 'seed')} looked at, the first ones only"
    if told.first:
        yield f"would be fetched first ({show.number(told.queued)} more queued):"
    for turn in told.first:
        read = "  (sitemap, read)" if turn.was_read else ""
        yield f"  {show.duration(turn.in_s):>9}  {_name(turn.url, turn.method)}{read}"
    for site, rules in {turn.url.site: turn.rules for turn in told.first if turn.rules}.items():
        yield from show.wrap_text(f"{site}: settings of {', '.join(rules)}", show.WIDTH)
    yield from _refused(told)
    yield from _unusable(bad)
    if not told.first:
        yield "nothing would be fetched"


def _name(url: Url, method: str) -> str:
    return url.text if method == "GET" else f"{method} {url}"


def _refused(told: Rehearsal) -> Iterator[str]:
    if told.refused:
        yield f"refused: {show.format_counts(Counter(str(refusal.reason) for refusal in told.refused))}"
    for refusal in told.refused[:SHOWN]:
        yield f"  {_name(refusal.url, refusal.method)}"
        for line in show.wrap_text(
            f"{refusal.reason}{f', {refusal.detail}' if refusal.detail else ''}", show.WIDTH - 6
        ):
            yield f"      {line}"
    yield from _more(len(told.refused))


def _unusable(bad: BadLines) -> Iterator[str]:
    if bad.count:
        yield f"{show.many(bad.count, 'unusable line')}:"
    for one in bad.kept[:SHOWN]:
        for line in show.wrap_text(str(one), show.WIDTH - 2):
            yield f"  {line}"
    yield from _more(bad.count)


def _seeds(told: Rehearsal, bad: BadLines) -> str:
    parts = [show.many(told.seeds, "seed"), show.many(told.sites, "site")]
    parts += [f"{show.number(told.asked)} of them asked"] if told.asked < told.sites else []
    parts += [f"{show.number(told.repeated)} repeated"] if told.repeated else []
    parts += [show.many(bad.count, "unusable line")] if bad.count else []
    return ", ".join(parts)


def _more(count: int) -> Iterator[str]:
    if count > SHOWN:
        yield f"  and {show.number(count - SHOWN)} more (--json lists them)"
