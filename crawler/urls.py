"""Text becomes a canonical Url: WHATWG URL parsing by Ada, then our policy on top."""

from __future__ import annotations

from hashlib import blake2b
from urllib.parse import urlsplit

import can_ada

from .errors import UrlError
from .model import Url

MAX_LENGTH = 2083
"""Characters; longer URLs are almost always a trap or a mistake (and were Internet Explorer's limit, which sites obey)."""


def parse(text: str, base: Url | None = None) -> Url:
    """The canonical form of `text`, resolved against `base`. Raises UrlError.

    Standard: WHATWG URL. Policy on top: only http and https, no fragment, no credentials.
    """
    try:
        url = can_ada.parse(text if base is None else _join(text, base))
    except ValueError as error:
        raise UrlError(f"not a URL: {text[:200]!r}") from error
    return canonical(url, text)


def canonical(url: can_ada.URL, text: str) -> Url:
    if url.protocol not in ("http:", "https:"):
        raise UrlError(f"not http or https: {text[:200]!r}")
    url.hash = ""
    if url.has_credentials:
        url.username = url.password = ""
    href = str(url.href)
    if len(href) > MAX_LENGTH:
        raise UrlError(f"longer than {MAX_LENGTH} characters: {text[:100]!r}...")
    return Url(href)


def fingerprint(text: str, key: bytes) -> int:
    """64 bits of keyed BLAKE2b over a canonical URL: nobody outside can make two URLs collide."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8, key=key).digest(), "little")


def host(url: Url) -> str:
    """The host name or address, without port and brackets."""
    return urlsplit(url.text).hostname or ""


def _join(text: str, base: Url) -> str:
    raise NotImplementedError
