"""Where outcomes go: each format is a sink that can be cut back to what was settled."""

from __future__ import annotations

from .jsonl import JsonLines, Wants
from .stream import ReaderGone, Stream

__all__ = ["JsonLines", "ReaderGone", "Stream", "Wants"]
