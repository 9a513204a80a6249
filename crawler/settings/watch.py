"""Declares the settings by which a crawl watches itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .table import Table


class WatchConfig(Table):
    """Checks of the crawl on itself."""

    blocked_after_s: Annotated[float, Field(ge=0, le=60)] = 0.25
    """Longest stop of the event loop that is not reported. A longer stop is reported with the code that caused it; 0:
    not watched."""
