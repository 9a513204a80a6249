"""Where an answer sends us: which statuses and Location fields make it a redirect (RFC 9110 10.2.2, 15.4)."""

from __future__ import annotations

import re

from .errors import UrlError
from .model import Response

_PAGES = frozenset({304, 305, 306})
"""Not modified; a proxy that we are to use (deprecated: it may be anyone's); unused."""
_RAW = re.compile(r"[^\x00-\x7f]")


def is_redirect(response: Response) -> bool:
    """Whether it sends us elsewhere: 3xx with a Location.

    Without one, or with an empty one, what came is a page like any other, as in browsers. 300, and statuses unknown to
    us, send us to their Location if they have one (RFC 9110 15, 15.4.1).
    """
    return 300 <= response.status < 400 and response.status not in _PAGES and bool(_locations(response))


def location(response: Response) -> str:
    """The reference it sends us to, relative or not; octets beyond ASCII percent-encoded as they are.

    Raises UrlError where two Locations contradict each other, for one of them may be a forgery.
    """
    found = _locations(response)
    if len(found) > 1:
        raise UrlError(f"{len(found)} places at once")
    return _RAW.sub(_encoded, found.pop())


def _locations(response: Response) -> set[str]:
    values = (value for name, value in response.headers if name.lower() == b"location")
    return {value.decode("latin-1") for value in values if value.strip()}


def _encoded(character: re.Match[str]) -> str:
    return f"%{ord(character[0]):02X}"
