"""The keys under which the application of a control plane holds the objects that its functions use."""

from __future__ import annotations

from aiohttp import web

from ...api.engines import Engine
from ..owners import Rule
from .samples import Samples
from .schedules import PlaneSchedules

ENGINE = web.AppKey("engine", Engine)
RULE = web.AppKey("rule", Rule)
SCHEDULES = web.AppKey("schedules", PlaneSchedules)
SAMPLES = web.AppKey("samples", Samples)
