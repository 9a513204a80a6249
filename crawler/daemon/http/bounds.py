"""What clients of the API get, in numbers, and why a connection is closed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Bounds:
    """What clients get."""

    most: int = 1000
    """Connections at a time; crawls keep the other descriptors."""
    strangers: int = 400
    """Those of them that have not shown the token."""
    of_one_address: int = 100
    """Strangers of one address, or of one /64 of IPv6."""
    requests: int = 32
    """Of a stranger on one connection, and then one each `pace_s`: a page of the dashboard takes fewer."""
    pace_s: float = 1.0
    streams: int = 500
    """Of events; the other connections are for those who ask."""
    streams_of_one_address: int = 400
    """As above; a program that opens one after the other leaves some to the dashboard elsewhere."""
    head_s: float = 10.0
    """From connecting to the end of the first request's head."""
    idle_s: float = 20.0
    """From the end of an answer to the end of the next request's head."""
    write_s: float = 20.0
    """What a client gets to take what lies ready for it, or `write_bytes` of it."""
    write_bytes: int = 1 << 16
    linger_s: float = 3.0
    """How long the rest of a body is read that nobody wants, so that its sender sees our answer."""


class Closed(StrEnum):
    """Why a connection was closed by us."""

    SILENT = "silent"
    """It asked nothing in its time."""
    UNREAD = "unread"
    """It did not read what it had asked for."""
    CROWDED = "crowded"
    """It was a stranger's, and made room for another."""
    FULL = "full"
    """There was no room at all."""
    FOREIGN = "foreign"
    """It came over the unix socket from a process of another user."""
