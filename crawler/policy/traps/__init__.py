"""Finds places without end: which URLs have one pattern, and whether a pattern still brings anything new."""

from .novelty import MOST_PATTERNS, Mode, Novelty, Sifted, Stored
from .shapes import Shapes

__all__ = ["MOST_PATTERNS", "Mode", "Novelty", "Shapes", "Sifted", "Stored"]
