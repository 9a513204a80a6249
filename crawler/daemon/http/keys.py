"""The keys under which the application holds the objects that its functions use."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from ..api import Jobs
from ..desk import Desk
from ..insight import Insight
from ..reload import Changed
from .admission import Admission
from .streams import Streams

JOBS = web.AppKey("jobs", Jobs)
INSIGHT = web.AppKey("insight", Insight)
DESK = web.AppKey("desk", Desk)
STREAMS = web.AppKey("streams", Streams)
ADMISSION = web.AppKey("admission", Admission)
RELOAD: web.AppKey[Callable[[], Changed]] = web.AppKey("reload")
"""Reloads the daemon's settings. Raises ConfigError."""
