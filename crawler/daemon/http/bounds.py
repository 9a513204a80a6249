"""The limits for clients of the API, and the reasons for closing connections."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits for clients."""

    most: int = 1000
    """Connections at a time; the other file descriptors are left to crawls."""
    strangers: int = 400
    """Connections among them that have not shown the token."""
    of_one_address: int = 100
    """Strangers from one address, or from one /64 of IPv6."""
    requests: int = 32
    """Requests of a stranger on one connection; after that, one each `pace_s`. A page of the dashboard needs fewer."""
    pace_s: float = 1.0
    streams: int = 500
    """Streams of events at a time; the other connections are left to ordinary requests."""
    streams_of_one_address: int = 400
    """Streams of events from one address, so that one program cannot take those of a dashboard elsewhere."""
    head_s: float = 10.0
    """Seconds from connecting to the end of the first request's head."""
    idle_s: float = 20.0
    """Seconds from the end of an answer to the end of the next request's head."""
    write_s: float = 20.0
    """Seconds in which a client must take the data that waits for it, or `write_bytes` of it."""
    write_bytes: int = 1 << 16
    linger_s: float = 3.0
    """Seconds for which the rest of a refused body is read, so that its sender sees our answer."""


class Closed(StrEnum):
    """The reason why we closed a connection."""

    SILENT = "silent"
    """It sent no request in time."""
    UNREAD = "unread"
    """It did not read its answer."""
    CROWDED = "crowded"
    """It made room for another connection."""
    FULL = "full"
    """There was no room for it."""
    FOREIGN = "foreign"
    """It came over the unix socket, from a process of another user."""
