"""Renders pages that scripts make, by a Chromium that has no network of its own."""

from .acting import Steps
from .browser import BrowserTerms
from .browsers import Browsers, Recycling, open_browsers
from .fetcher import RenderingFetcher
from .find import find_browser
from .page import PageTerms
from .patterns import Patterns
from .stock import Stock
from .supply import Supply

__all__ = [
    "BrowserTerms",
    "Browsers",
    "PageTerms",
    "Patterns",
    "Recycling",
    "RenderingFetcher",
    "Steps",
    "Stock",
    "Supply",
    "find_browser",
    "open_browsers",
]
