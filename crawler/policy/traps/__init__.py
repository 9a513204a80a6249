"""Finds places without end: which URLs have one pattern, and whether a pattern still brings anything new."""

from .novelty import MOST_PATTERNS, Mode, Novelty, SiftedLinks, StoredPattern
from .shapes import Shapes

__all__ = ["MOST_PATTERNS", "Mode", "Novelty", "Shapes", "SiftedLinks", "StoredPattern"]
