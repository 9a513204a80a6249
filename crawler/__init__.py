"""crawld: an async-first web crawler with CPU offload. This is the front door, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .front import door

if TYPE_CHECKING:
    from .api import Crawl, crawl, open_crawl, stream
    from .config import Change, Changes
    from .errors import (
        ConfigError,
        CrawlError,
        FetchError,
        FolderError,
        FrontierError,
        OffloadError,
        ParseError,
        SeedError,
        SinkError,
        StorageFull,
        UrlError,
        VisitError,
    )
    from .explanation import Explanation, explain
    from .metrics import Blocked, Bound, Ending, Failures, Hindrance, Snapshot, Summary
    from .model import Disposition, Lease, LeftOut, Outcome, Page, Position, Reason, Request, Response, Timings, Url
    from .parse import Content
    from .protocols import Fetcher, Frontier, Offloader, Robots, Rules, Sink
    from .rehearsal import Rehearsal, rehearse
    from .second_looks import Reconsidered
    from .settings import Config
    from .shared import Shared, open_shared
    from .standing import Counts, Trap
    from .trust import Trust

_HOMES = {
    "api": "Crawl crawl open_crawl stream",
    "config": "Change Changes",
    "errors": "ConfigError CrawlError FetchError FolderError FrontierError OffloadError ParseError SeedError SinkError "
    "StorageFull UrlError VisitError",
    "explanation": "Explanation explain",
    "metrics": "Blocked Bound Ending Failures Hindrance Snapshot Summary",
    "model": "Disposition Lease LeftOut Outcome Page Position Reason Request Response Timings Url",
    "parse": "Content",
    "protocols": "Fetcher Frontier Offloader Robots Rules Sink",
    "rehearsal": "Rehearsal rehearse",
    "settings": "Config",
    "shared": "Shared open_shared",
    "second_looks": "Reconsidered",
    "standing": "Counts Trap",
    "trust": "Trust",
}

__all__ = [
    "Blocked",
    "Bound",
    "Change",
    "Changes",
    "Config",
    "ConfigError",
    "Content",
    "Counts",
    "Crawl",
    "CrawlError",
    "Disposition",
    "Ending",
    "Explanation",
    "Failures",
    "FetchError",
    "Fetcher",
    "FolderError",
    "Frontier",
    "FrontierError",
    "Hindrance",
    "Lease",
    "LeftOut",
    "OffloadError",
    "Offloader",
    "Outcome",
    "Page",
    "ParseError",
    "Position",
    "Reason",
    "Reconsidered",
    "Rehearsal",
    "Request",
    "Response",
    "Robots",
    "Rules",
    "SeedError",
    "Shared",
    "Sink",
    "SinkError",
    "Snapshot",
    "StorageFull",
    "Summary",
    "Timings",
    "Trap",
    "Trust",
    "Url",
    "UrlError",
    "VisitError",
    "crawl",
    "explain",
    "open_crawl",
    "open_shared",
    "rehearse",
    "stream",
]


# Workers need little of this, and `crawl --help` nothing.
__getattr__ = door(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
