"""Writes moments as RFC 3339 has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal


def iso(seconds: float, timespec: Literal["seconds", "milliseconds"] = "seconds") -> str:
    """Returns Unix seconds as text in UTC: `2026-05-04T03:02:01Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
