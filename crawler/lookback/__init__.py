"""Looks back at crawls that are recorded: at one folder, or at one URL in it."""

from __future__ import annotations

from .inspection import DepthCount, Inspection, Limit, OriginalCount, inspect_folder
from .story import Linking, Story, tell_story

__all__ = [
    "DepthCount",
    "Inspection",
    "Limit",
    "Linking",
    "OriginalCount",
    "Story",
    "inspect_folder",
    "tell_story",
]
