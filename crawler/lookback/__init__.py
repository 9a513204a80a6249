"""Looks back at crawls that are recorded: at one folder, or at one URL in it."""

from __future__ import annotations

from .inspection import DepthCount, Inspection, Limit, OriginalCount, inspect_folder
from .slowness import Gain, Slowness, Stretch, explain_slowness
from .story import Linking, Story, tell_story

__all__ = [
    "DepthCount",
    "Gain",
    "Inspection",
    "Limit",
    "Linking",
    "OriginalCount",
    "Slowness",
    "Story",
    "Stretch",
    "explain_slowness",
    "inspect_folder",
    "tell_story",
]
