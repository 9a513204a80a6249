"""Looks back at crawls that are recorded: at one folder, or at one URL in it."""

from __future__ import annotations

from .clusters import Cluster, Clusters, find_clusters
from .inspection import DepthCount, Inspection, Limit, OriginalCount, TraceOfFunction, inspect_folder
from .slowness import Gain, Slowness, Stretch, explain_slowness
from .story import Linking, Story, tell_story

__all__ = [
    "Cluster",
    "Clusters",
    "DepthCount",
    "Gain",
    "Inspection",
    "Limit",
    "Linking",
    "OriginalCount",
    "Slowness",
    "Story",
    "Stretch",
    "TraceOfFunction",
    "explain_slowness",
    "find_clusters",
    "inspect_folder",
    "tell_story",
]
