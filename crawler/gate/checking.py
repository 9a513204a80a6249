"""Checks a site: crawls it until every failure was repeated, or reads a folder, and judges what is wrong."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..api import open_crawl
from ..audit import Check, Severity, find
from ..errors import SinkError, StorageFull
from ..export.source import read_source
from ..folder.folder import Folder
from ..metrics.metrics import Ending, Summary
from ..model import Reason, Url
from ..policy.wider import FAILURES
from ..runtime.files import is_full
from ..runtime.ownership import NOBODY, Trust
from ..runtime.threads import run_in_thread
from ..settings import Config
from .others import CachingFetcher, Others
from .steady import make_steady
from .verdict import CheckVerdict, Key, judge, make_relative

REPEATS, PAUSE_S = 3, 5.0
RETRIED = (*FAILURES, Reason.ROBOTS_UNREACHABLE)
"""Reasons for which a URL is visited once more before that counts."""


@dataclass(frozen=True, slots=True)
class Gate:
    """How a check is made."""

    known: Collection[Key] = frozenset()
    """The findings of the baseline."""
    severity: Severity = Severity.WARNING
    """New findings of this severity, or a worse one, fail the check."""
    checks: Sequence[Check] = ()
    """Checks of your own, see `Check`."""
    passing: Collection[str] = ()
    """Codes of what may be otherwise a moment later and is checked all the same: `slow-page`."""
    repeats_known: bool = False
    """Whether failures that the baseline knows are repeated, too."""
    repeats: int = REPEATS
    """How often a URL that failed is visited again, at most, before that is a finding."""
    pause_s: float = PAUSE_S
    """Seconds before the first of these visits; twice as long before the next, and so on."""
    others: Others = field(default_factory=Others)
    """The good answers of other sites that are kept."""
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    """Waits so many seconds. Tests give another one."""


async def check_site(
    seeds: Sequence[Url], config: Config, folder: Path, gate: Gate, *, trust: Trust = NOBODY
) -> CheckVerdict | Summary:
    """Crawls a site into a folder and returns the verdict; the summary of a crawl that did not come to its end.

    `config` should begin with the preset `audit`. A URL that failed is visited again, up to `gate.repeats` times and
    spaced, and one good answer counts more than all failures. Raises what `open_crawl` does.
    """
    own, site = {url.site for url in seeds}, seeds[0].site if seeds else ""
    for attempt in range(gate.repeats + 1):
        if attempt:
            await gate.sleep(gate.pause_s * 2 ** (attempt - 1))
        async with open_crawl(
            config, folder=folder, fetcher=lambda inner: CachingFetcher(inner, gate.others, own), trust=trust
        ) as crawl:
            if attempt and not (await crawl.reconsider(retry=RETRIED)).again:
                break
            summary = await crawl.run(() if attempt else seeds)
            home = crawl.folder
        if summary.ended not in (Ending.EXHAUSTED, Ending.PAGE_LIMIT):
            return summary
        if not gate.repeats_known and await run_in_thread(_knows_all_failures, home, gate, site):
            break
    assert home is not None
    return await run_in_thread(check_folder, home, gate, site)


def _knows_all_failures(folder: Folder | None, gate: Gate, site: str) -> bool:
    """Whether each URL that failed is in the baseline, so that nothing need be repeated. Blocks."""
    assert folder is not None
    with _translate_errors(), make_steady(read_source(folder).lines()) as records:
        return all(
            Key("broken", make_relative(str(record["url"]), site), "") in gate.known
            for record in records
            if record.get("disposition") == "failed" or record.get("reason") == Reason.ROBOTS_UNREACHABLE
        )


def check_folder(folder: Folder, gate: Gate, site: str = "") -> CheckVerdict:
    """Returns the verdict on a folder that was crawled. Blocks. Raises FolderError, FrontierError, StorageFull."""
    pages = 0
    with _translate_errors(), make_steady(read_source(folder).lines()) as records:
        for record in records:
            site = site or Url(record.get("seed") or record["url"]).site
            pages += record.get("disposition") in ("fetched", "duplicate", "unchanged")
        found = find(records, checks=gate.checks, most_pages=None)
        return judge(found, gate.known, site=site, pages=pages, severity=gate.severity, passing=gate.passing)


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Translates errors of the temporary files that findings are joined in."""
    try:
        yield
    except sqlite3.Error as error:
        if is_full(error):
            raise StorageFull("no space left for temporary files") from error
        raise SinkError(f"the findings could not be made: {error}") from error
