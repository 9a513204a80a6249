"""Tells what revisits found: pages that are new, changed, moved or gone, each once."""

from __future__ import annotations

from .change import CHANGE_KINDS, PageChange
from .cursor import Cursor
from .following import NAME, Feed, Untold, follow_changes, open_feed

__all__ = ["CHANGE_KINDS", "NAME", "Cursor", "Feed", "PageChange", "Untold", "follow_changes", "open_feed"]
