"""Brings moments of RFC 3339 to one form, in which the order of texts is that of the moments."""

from __future__ import annotations

from datetime import UTC, datetime

_LENGTH = len("2026-05-04T03:02:01.000Z")


def normalize(text: str) -> str | None:
    """Returns a date or a moment in UTC with milliseconds; None: it is none. Without an offset it is in UTC.

    A moment of that form comes back as it is.
    """
    if len(text) == _LENGTH and text[-1] == "Z" and text[19] == "." and text[10] == "T" and text.isascii():
        return text  # as our records have it
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
