"""Runs one crawl from settings to its summary: `crawl`, `stream` for outcomes, `open_crawl` for full control."""

from .opening import crawl, crawl_sync, open_crawl
from .running import Crawl
from .seeds import Seed
from .streaming import stream

__all__ = ["Crawl", "Seed", "crawl", "crawl_sync", "open_crawl", "stream"]
