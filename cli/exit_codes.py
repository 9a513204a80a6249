"""The exit codes of the command, for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler import Summary

    from .values import Share


class Exit(IntEnum):
    """The exit codes. README.md lists them; none ever changes its meaning."""

    DONE = 0
    ERROR = 1
    """The crawl could not continue."""
    USAGE = 2
    """The command, its seeds, its settings or its folder cannot be used. Nothing was fetched."""
    FAILURES = 3
    """Done, but more URLs failed, or pages were not parsed, than --fail-on allows."""
    NOTHING = 4
    """No page could be fetched."""
    STORAGE = 5
    """The disk is full, or the crawl folder can no longer be written. The same command continues once it can."""
    FINDINGS = 6
    """`crawl check` found something new that is wrong."""
    INTERRUPTED = 11
    """Stopped, everything is saved. The same command continues."""
    SIZE_LIMIT = 14
    TIME_LIMIT = 15
    CANCELLED = 130
    """Ctrl-C before anything began, or in a command that keeps nothing."""


def exit_code_of(error: Exception) -> Exit | None:
    """Returns the code for an expected error; None for a bug."""
    import crawler

    match error:
        case crawler.StorageFull() | crawler.SinkError():
            return Exit.STORAGE
        case crawler.ConfigError() | crawler.SeedError() | crawler.UrlError() | crawler.FolderError():
            return Exit.USAGE
        case crawler.CrawlError():
            return Exit.ERROR
    return None


def exit_code(summary: Summary, fail_on: Sequence[Share]) -> Exit:
    """Returns the code for a run that ended."""
    from crawler import Ending

    match summary.ended:
        case Ending.STOPPED | Ending.ABORTED:
            return Exit.INTERRUPTED
        case Ending.SIZE_LIMIT:
            return Exit.SIZE_LIMIT
        case Ending.TIME_LIMIT:
            return Exit.TIME_LIMIT
    if is_barren(summary):
        return Exit.NOTHING
    total = sum(summary.counts.settled.values())
    failed, unparsed = count_failed(summary), count_unparsed(summary)
    if any(share.is_exceeded(unparsed if share.is_of_parsing else failed, total) for share in fail_on):
        return Exit.FAILURES
    return Exit.DONE


def is_barren(summary: Summary) -> bool:
    """Whether the crawl has failures and not one page, over all its runs."""
    from crawler import Disposition

    brought = (Disposition.FETCHED, Disposition.UNCHANGED, Disposition.DUPLICATE)
    settled = summary.counts.settled
    return count_failed(summary) > 0 and not any(settled.get(one) for one in brought)


def count_failed(summary: Summary) -> int:
    """Returns how many URLs failed, over all runs of the crawl."""
    from crawler import Disposition

    return summary.counts.settled.get(Disposition.FAILED, 0)


def count_unparsed(summary: Summary) -> int:
    """Returns at how many pages of this run parsing failed, that of the crawl or a parse function of the user."""
    from crawler import Reason

    known = sum(summary.reasons.get(one, 0) for one in (Reason.PARSE, Reason.PARSE_TIMEOUT, Reason.PARSE_CRASH))
    return max(known, sum(one.n for one in summary.failures if one.parser))
