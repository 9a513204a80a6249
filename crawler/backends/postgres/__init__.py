"""The backend of nodes on any number of machines: a PostgreSQL database. State is on its disk, and nothing is lost."""

from ..engines import CrawlRow, NodeRow
from .backend import PostgresBackend, open_backend
from .crawls import PostgresEngine, find_crawl, make_crawl, make_engine
from .link import Link

__all__ = [
    "CrawlRow",
    "Link",
    "NodeRow",
    "PostgresBackend",
    "PostgresEngine",
    "find_crawl",
    "make_crawl",
    "make_engine",
    "open_backend",
]
