"""One thing that a site says about the use of its content."""

from __future__ import annotations

from typing import NamedTuple


class Statement(NamedTuple):
    """A preference of a site: whether it agrees to one purpose."""

    purpose: str
    """`search`, `archive`, `ai-train` or `ai-input`."""
    allowed: bool
    where: str
    """The place that says so: `robots.txt line 4`, `tdmrep.json entry 2`, `header`, `meta`."""
    signal: str
    """The signal as it was written, cut where it is long: `Content-Signal: ai-train=no`."""
    of: str = ""
    """`images`: it concerns the images of the page alone. Empty: all of the answer."""

    def __str__(self) -> str:
        """Returns it for a person: `ai-train: robots.txt line 4: Content-Signal: ai-train=no`."""
        return f"{self.purpose}: {self.where}: {self.signal}"
