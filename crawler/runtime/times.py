"""Writes moments as RFC 3339 has them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from math import modf
from typing import Literal

_MICRO = 1_000_000


def iso(seconds: float, timespec: Literal["seconds", "milliseconds"] = "seconds") -> str:
    """Returns Unix seconds as text in UTC: `2026-05-04T03:02:01Z`."""
    fraction, whole = modf(seconds)
    micro = round(fraction * 1e6)  # as datetime rounds
    if seconds < 0 or micro == _MICRO:  # hardly ever
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
    return f"{_second(int(whole))}.{micro // 1000:03d}Z" if timespec == "milliseconds" else f"{_second(int(whole))}Z"


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    """Returns a whole second as text. A crawl writes hundreds of moments a second."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").removesuffix("+00:00")
