"""Names what may go wrong with a connection beside the errors of the system."""

from __future__ import annotations


class AddressRefused(OSError):
    """Raised when the guard refuses an address at the moment when a socket is made for it."""


class Http2Only(OSError):
    """Raised when a server answers in HTTP/2, which we did not ask in."""


class TooSlow(OSError):
    """Raised when an answer began and then came too slowly."""


class NoAnswer(Exception):
    """Raised when a connection ended before its server said a word. Its cause is the system's error, if any."""
