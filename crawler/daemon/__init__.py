"""The daemon, which runs many crawls in one process: the names that other programs import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..runtime.lazy_imports import lazy_getattr

if TYPE_CHECKING:
    from .adapters import make_adapters
    from .api import Jobs
    from .client import Client, Refused, Unreachable, find_daemon, open_client
    from .daemon import Daemon, Sources, open_daemon
    from .errors import (
        BadJob,
        BadSeeds,
        BadSettings,
        Busy,
        Complaint,
        Full,
        JobError,
        KeyReused,
        NoSuchJob,
        Outdated,
        StoreError,
        WrongState,
    )
    from .events import Event, Kind, Listener
    from .http import Listening, application, open_server
    from .jobs.job import Job, JobSpec, Seeds, Template
    from .jobs.states import State
    from .keywords import DaemonSettings
    from .mcp import Mcp, make_mcp, serve_stdio
    from .opening import open_jobs
    from .plane import Plane, open_plane
    from .reload import Changed
    from .runs.run import current_job
    from .runs.stats import Point
    from .settings import DaemonConfig, load_daemon

_HOMES = {
    "adapters": "make_adapters",
    "mcp": "Mcp make_mcp serve_stdio",
    "client": "Client Refused Unreachable find_daemon open_client",
    "daemon": "Daemon Sources open_daemon",
    "runs.run": "current_job",
    "events": "Event Kind Listener",
    "http": "Listening application open_server",
    "jobs.job": "Job JobSpec Seeds Template",
    "api": "Jobs",
    "reload": "Changed",
    "opening": "open_jobs",
    "plane": "Plane open_plane",
    "settings": "DaemonConfig load_daemon",
    "jobs.states": "State",
    "keywords": "DaemonSettings",
    "runs.stats": "Point",
    "errors": "BadJob BadSeeds BadSettings Busy Complaint Full JobError KeyReused NoSuchJob Outdated StoreError "
    "WrongState",
}

__all__ = [
    "BadJob",
    "BadSeeds",
    "BadSettings",
    "Busy",
    "Changed",
    "Client",
    "Complaint",
    "Daemon",
    "DaemonConfig",
    "DaemonSettings",
    "Event",
    "Full",
    "Job",
    "JobError",
    "JobSpec",
    "Jobs",
    "KeyReused",
    "Kind",
    "Listener",
    "Listening",
    "Mcp",
    "NoSuchJob",
    "Outdated",
    "Plane",
    "Point",
    "Refused",
    "Seeds",
    "Sources",
    "State",
    "StoreError",
    "Template",
    "Unreachable",
    "WrongState",
    "application",
    "current_job",
    "find_daemon",
    "load_daemon",
    "make_adapters",
    "make_mcp",
    "open_client",
    "open_daemon",
    "open_jobs",
    "open_plane",
    "open_server",
    "serve_stdio",
]

# Imports on first use: a client of a daemon does not need the modules that run one.
if not TYPE_CHECKING:  # to type checkers every name would exist
    __getattr__ = lazy_getattr(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
