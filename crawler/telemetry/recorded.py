"""Decides what spans record of a URL: never a password, and by default no value of its query."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from ..model import Url

REDACTED = "REDACTED"
"""The word that stands in the place of a secret value (OpenTelemetry's word)."""
_SPEAKS_OF_SECRETS = re.compile(r"sig|token|key|pass|pwd|secret|auth|session|sid|credential|code|jwt", re.IGNORECASE)
"""Names of parameters whose values are never recorded."""
_PORTS = {"http": 80, "https": 443}


class Server(NamedTuple):
    """The host and the port of a URL."""

    address: str
    port: int


def find_server(url: Url) -> Server:
    parts = urlsplit(url.site)
    return Server(parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0))


def record_url(url: Url, *, with_queries: bool) -> str:
    """Returns the text of a URL as spans have it. Its path stands there as it is."""
    place, mark, query = url.text.partition("?")
    if not mark:
        return place
    return f"{place}?{'&'.join(_record(part, with_queries) for part in query.split('&'))}"


def _record(parameter: str, is_wanted: bool) -> str:
    name, mark, value = parameter.partition("=")
    if not mark:  # it may be a name, or a token alone
        return name if is_wanted or not name else REDACTED
    return parameter if not value or (is_wanted and not _SPEAKS_OF_SECRETS.search(name)) else f"{name}={REDACTED}"
