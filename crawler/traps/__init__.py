"""Places without end: which URLs are of one pattern, and whether a pattern still brings anything new."""

from .novelty import Novelty, Stored
from .shapes import Shapes

__all__ = ["Novelty", "Shapes", "Stored"]
