"""The nouns of a crawl: frozen values without I/O that rooms and processes exchange."""

from .outcome import Bar, Disposition, Outcome, Position, Reason
from .page import LeftOut, Links, Page
from .request import SAFE, Lease, Request, Url
from .response import NO_SHARE, Heads, Response, Share, Timings

__all__ = [
    "NO_SHARE",
    "SAFE",
    "Bar",
    "Disposition",
    "Heads",
    "Lease",
    "LeftOut",
    "Links",
    "Outcome",
    "Page",
    "Position",
    "Reason",
    "Request",
    "Response",
    "Share",
    "Timings",
    "Url",
]
