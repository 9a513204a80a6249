"""The nouns of a crawl: frozen values without I/O that rooms and processes exchange."""

from .crawl import CrawlInfo, make_crawl_id
from .hook_answers import Retry, Skip
from .outcome import Bar, Capture, Disposition, Outcome, Position, Reason
from .page import LeftOut, Links, Page
from .post import Post, PostResult
from .rendered import VIEWS, Rendered, RenderedFor
from .request import SAFE, Lease, Request, Url
from .response import NO_SHARE, Heads, Response, Share, Timings
from .returned import Returned
from .statement import Statement

__all__ = [
    "NO_SHARE",
    "SAFE",
    "VIEWS",
    "Bar",
    "Capture",
    "CrawlInfo",
    "Disposition",
    "Heads",
    "Lease",
    "LeftOut",
    "Links",
    "Outcome",
    "Page",
    "Position",
    "Post",
    "PostResult",
    "Reason",
    "Rendered",
    "RenderedFor",
    "Request",
    "Response",
    "Retry",
    "Returned",
    "Share",
    "Skip",
    "Statement",
    "Timings",
    "Url",
    "make_crawl_id",
]
