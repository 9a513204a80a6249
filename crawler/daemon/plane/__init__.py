"""The control plane of an engine: an API whose jobs are crawls in the engine, which `crawl work` nodes run.

It keeps nothing itself, so any number of them serve one engine, and one that dies takes nothing with it.
"""

from __future__ import annotations

from .app import application
from .opening import Plane, open_plane

__all__ = ["Plane", "application", "open_plane"]
