"""Text becomes a canonical Url, as a browser would read it, and what a Url says about where it leads.

Standard: WHATWG URL, by Ada. Our policy on top, in `_policy` alone: http and https only, no fragment, no credentials,
at most MAX_LENGTH characters. Canonical text is a fixed point: parsing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_address
from typing import TYPE_CHECKING

import can_ada

from .errors import UrlError
from .model import Url

if TYPE_CHECKING:
    from tldextract import TLDExtract

MAX_LENGTH = 2083
"""Characters; longer URLs are nearly always a trap or a mistake (it was Internet Explorer's limit: sites obey it)."""


def parse(text: str, base: Url | None = None) -> Url:
    """The canonical form of `text`, resolved against `base`. Raises UrlError, and nothing else."""
    return Url(_policy(_read(text) if base is None else _join(_read(base.text), text), text))


def resolver(base: str) -> Callable[[str], str]:
    """For many links of one document: what an href canonically points to, or "" where no crawler can go.

    `base` is any absolute URL. The answer equals `parse(href, base).text`, at a fraction of the cost.
    """
    root = _read(base)

    def resolve(href: str) -> str:
        try:
            return _policy(_join(root, href), href)
        except UrlError:
            return ""

    return resolve


def absolute(text: str, base: str) -> str:
    """`text` resolved against any absolute URL, of any scheme, no policy applied; empty where that makes no URL."""
    try:
        return str(_join(_read(base), text).href)
    except UrlError:
        return ""


def fingerprint(text: str, key: bytes) -> int:
    """64 bits of keyed BLAKE2b over a canonical URL: nobody outside can make two URLs collide."""
    return int.from_bytes(fingerprints((text,), key), "little")


def fingerprints(texts: Iterable[str], key: bytes) -> bytes:
    """The fingerprints of canonical URLs, eight bytes each, little-endian, in order."""
    return b"".join([blake2b(text.encode(), digest_size=8, key=key).digest() for text in texts])


def host_port(url: Url) -> str:
    """`host` or `host:port`; the scheme's own port is never written, so http://h/ and https://h/ are one host."""
    return authority(url.text)


def authority(text: str) -> str:
    """`host_port` of canonical text that never became a Url."""
    start = text.index("/") + 2
    return text[start : text.index("/", start)]


def host(url: Url) -> str:
    """The host name or address, without port and brackets."""
    return bare_host(authority(url.text))


def bare_host(authority: str) -> str:
    """`host` of what `authority` gave."""
    return authority[1 : authority.index("]")] if authority.startswith("[") else authority.partition(":")[0]


def registered_domain(url: Url) -> str:
    """What its owner registered: `example.co.uk` for www.example.co.uk. An address or a single label is its own."""
    return registered(host(url))


@lru_cache(maxsize=65536)
def registered(host: str) -> str:
    """`registered_domain` of a bare host.

    Standard: the public suffix list with its private section, so that two users of one hosting service are two owners.
    """
    name = host.rstrip(".")
    if "." not in name or _is_address(name):
        return host
    parts = _suffixes()(name)
    return f"{parts.domain}.{parts.suffix}" if parts.domain and parts.suffix else host


def _read(text: str) -> can_ada.URL:
    try:
        return can_ada.parse(text)
    except ValueError as error:
        raise UrlError(f"not a URL: {text[:200]!r}") from error
    except TypeError:  # what the binding says of lone surrogates
        return _read(_scalar(text))


def _join(base: can_ada.URL, text: str) -> can_ada.URL:
    try:
        return base + text
    except ValueError as error:
        raise UrlError(f"not a URL: {text[:200]!r}") from error
    except TypeError:
        return _join(base, _scalar(text))


def _scalar(text: str) -> str:
    """Lone surrogates become U+FFFD, as the standard has it; the result is always encodable."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _policy(url: can_ada.URL, text: str) -> str:
    href = url.href
    if not href.startswith(("http://", "https://")):
        raise UrlError(f"not http or https: {text[:200]!r}")
    if "@" in href:
        url.username = url.password = ""
        href = url.href
    href = href.partition("#")[0]
    if len(href) > MAX_LENGTH:
        raise UrlError(f"longer than {MAX_LENGTH} characters: {text[:100]!r}...")
    return href


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1)
def _suffixes() -> TLDExtract:
    """The list that ships with the package: never fetched, never cached on disk. Imported late: it costs 0.2 s."""
    import tldextract  # noqa: PLC0415

    return tldextract.TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True)
