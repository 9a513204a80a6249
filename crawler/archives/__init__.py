"""Answers requests from archives of the web instead of the network: the same crawl over bytes that were kept."""

from .fetcher import ArchiveFetcher
from .opening import open_archives

__all__ = ["ArchiveFetcher", "open_archives"]
