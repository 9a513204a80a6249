"""The keys under which the application holds the objects that its functions use."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from ..insight import Insight
from ..jobs import Changed, Jobs
from .porch import Porch
from .streams import Streams

JOBS = web.AppKey("jobs", Jobs)
INSIGHT = web.AppKey("insight", Insight)
STREAMS = web.AppKey("streams", Streams)
PORCH = web.AppKey("porch", Porch)
RELOAD: web.AppKey[Callable[[], Changed]] = web.AppKey("reload")
"""Reloads the daemon's settings. Raises ConfigError."""
