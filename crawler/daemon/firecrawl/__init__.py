"""Speaks version 2 of Firecrawl's API over the daemon's jobs, so that its SDKs and loaders work here unchanged."""

from .adapter import FirecrawlAdapter

__all__ = ["FirecrawlAdapter"]
