"""The public names of crawld, an async-first web crawler with CPU offload. Each is imported on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .runtime.lazy_imports import door

if TYPE_CHECKING:
    from .api import Crawl, crawl, open_crawl, stream
    from .assembly.shared import Shared, open_shared
    from .dry_run import Rehearsal, rehearse
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
    from .metrics.bounds import Bound
    from .metrics.metrics import Blocked, Ending, Failures, Hindrance, Snapshot, Summary
    from .model import (
        Disposition,
        Heads,
        Lease,
        LeftOut,
        Outcome,
        Page,
        Position,
        Reason,
        Request,
        Response,
        Timings,
        Url,
    )
    from .parse import Content
    from .protocols import Fetcher, Frontier, Mender, Observer, Offloader, Output, Reader, Robots, Rules, Sink
    from .reach.second_looks import Reconsidered
    from .runtime.ownership import Trust
    from .settings import Config
    from .settings.loading import Change, Changes
    from .settings.memory_plan import plan_memory
    from .standing import Counts, Trap

_HOMES = {
    "api": "Crawl crawl open_crawl stream",
    "settings.loading": "Change Changes",
    "errors": "ConfigError CrawlError FetchError FolderError FrontierError OffloadError ParseError SeedError SinkError "
    "StorageFull UrlError VisitError",
    "explanation": "Explanation explain",
    "metrics.bounds": "Bound",
    "metrics.metrics": "Blocked Ending Failures Hindrance Snapshot Summary",
    "model": "Disposition Heads Lease LeftOut Outcome Page Position Reason Request Response Timings Url",
    "parse": "Content",
    "protocols": "Fetcher Frontier Mender Observer Offloader Output Reader Robots Rules Sink",
    "dry_run": "Rehearsal rehearse",
    "settings": "Config",
    "settings.memory_plan": "plan_memory",
    "assembly.shared": "Shared open_shared",
    "reach.second_looks": "Reconsidered",
    "standing": "Counts Trap",
    "runtime.ownership": "Trust",
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
    "Heads",
    "Hindrance",
    "Lease",
    "LeftOut",
    "Mender",
    "Observer",
    "OffloadError",
    "Offloader",
    "Outcome",
    "Output",
    "Page",
    "ParseError",
    "Position",
    "Reader",
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
    "plan_memory",
    "rehearse",
    "stream",
]


# Imports on first use: workers need few of these names, and `crawl --help` none.
__getattr__ = door(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
