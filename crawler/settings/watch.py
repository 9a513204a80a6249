"""Settings of how a crawl looks at itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .table import Table


class WatchConfig(Table):
    """How the crawl looks at itself."""

    blocked_after_s: Annotated[float, Field(ge=0, le=60)] = 0.25
    """The event loop standing still for longer is reported with the code that holds it; 0: not watched."""
