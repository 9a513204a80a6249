"""Under which names the application keeps what its functions use."""

from __future__ import annotations

import asyncio

from aiohttp import web

from ..insight import Insight
from ..jobs import Jobs
from .porch import Porch

JOBS = web.AppKey("jobs", Jobs)
INSIGHT = web.AppKey("insight", Insight)
STREAMS: web.AppKey[set[asyncio.Task[object] | None]] = web.AppKey("streams", set)
"""Those that serve clients who follow events."""
PORCH = web.AppKey("porch", Porch)
