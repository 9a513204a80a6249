"""Reads and writes cursors: opaque words that name a place in the feed of one crawl."""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

from ..errors import ConfigError

_INSIDE = re.compile(r"1\.([0-9a-f]{16})\.([0-9]{1,15})")


class Cursor(NamedTuple):
    """A place in a feed."""

    feed: str
    """16 hexadecimal digits of the crawl: one that starts over has others."""
    number: int
    """The number of the last change that was read, from 1."""

    @property
    def text(self) -> str:
        """The cursor as it is shown."""
        return base64.urlsafe_b64encode(f"1.{self.feed}.{self.number}".encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Returns the cursor that a text names. Raises ConfigError."""
        try:
            inside = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
        except (binascii.Error, ValueError):
            inside = ""
        found = _INSIDE.fullmatch(inside) if len(text) <= 100 else None
        if found is None:
            raise ConfigError("--since: that is no cursor; each line of `crawl changes` has one in `cursor`")
        return cls(found[1], int(found[2]))
