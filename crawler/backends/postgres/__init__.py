"""The backend of nodes on any number of machines: a PostgreSQL database. State is on its disk, and nothing is lost."""

from .backend import CrawlRow, PostgresBackend, open_backend
from .crawls import NodeRow, PostgresEngine, find_crawl, make_crawl, make_engine
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
