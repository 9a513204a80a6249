"""A message that is posted to a webhook, and what comes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple


class PostResult(NamedTuple):
    """The result of posting a message."""

    why: str = ""
    """Why it was not taken. Empty: it was."""
    is_final: bool = False
    """Whether the message must not be sent again."""
    retry_after_s: float = 0.0
    """Seconds that the receiver asked us to wait."""


Post = Callable[[str, bytes, dict[str, str]], Awaitable[PostResult]]
"""Posts a body with header fields to a URL. Expected failures are returned, not raised."""
