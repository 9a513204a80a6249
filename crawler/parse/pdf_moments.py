"""Reads moments as PDF files write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_MOMENT = re.compile(r"D:(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:([Zz+-])(\d{2})?'?(\d{2})?)?")


def moment(text: str) -> str | None:
    """Returns a moment of PDF (`D:20260504030201+02'00'`) as ISO 8601 has it; None: it is none."""
    found = _MOMENT.match(text)
    if not found:
        return None
    year, month, day, hour, minute, second, sign, off_h, off_m = found.groups()
    try:
        zone = None if not sign else UTC if sign in "Zz" else timezone(_offset(sign, off_h, off_m))
        day_of = int(year), int(month or 1), int(day or 1)
        return datetime(*day_of, int(hour or 0), int(minute or 0), int(second or 0), tzinfo=zone).isoformat()
    except ValueError:
        return None


def _offset(sign: str, hours: str | None, minutes: str | None) -> timedelta:
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    return -offset if sign == "-" else offset
