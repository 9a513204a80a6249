"""Text becomes a canonical Url, as a browser would read it, and what a Url says about where it leads.

Standard: WHATWG URL, by Ada in two bindings, a fast one and a new one. On top, in `_canonical` alone: http and https
only, no fragment, no credentials, at most MAX_LENGTH characters; and, where a Policy is given, what that folds
(crawler/urls/canonical.py). Canonical text is a fixed point: parsing it again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_address
from typing import TYPE_CHECKING, Protocol

import can_ada

from ..errors import LongUrlError, SchemeError, UrlError
from ..model import Url
from .canonical import Fold, Policy, changes, folding

if TYPE_CHECKING:
    from tldextract import TLDExtract

MAX_LENGTH = 2083
"""Characters; longer URLs are nearly always a trap or a mistake (it was Internet Explorer's limit: sites obey it)."""
MOST_HOST = 1024
"""Characters of a host that is not plain ASCII; no name has more than 253 (RFC 1035 2.3.4), of four bytes at most."""
_GAP = r"[\t\n\r]*+"
"""A parser of URLs drops these, wherever they are."""
_SPECIAL = "|".join(_GAP.join(scheme) for scheme in ("https", "http", "wss", "ws", "ftp", "file"))
_HOST = re.compile(
    rf"[\x00-\x20]*+(?:(?:{_SPECIAL}){_GAP}:[\t\n\r/\\]*+|[/\\]{_GAP}[/\\][\t\n\r/\\]*+)([^/\\?#]*+)", re.IGNORECASE
)
"""What stands where the host does, with its credentials and port."""
MOST_WRITTEN = 12
"""Characters of a canonical URL that one character of an href may become: four bytes, each as `%XX`."""


def parse(text: str, base: Url | None = None, policy: Policy | None = None) -> Url:
    """The canonical form of `text`, resolved against `base`. Raises UrlError, and nothing else."""
    url = _read(text) if base is None else _join(_read(base.text), text)
    return Url(_canonical(url, text, folding(policy) if policy else None))


def resolver(base: str, policy: Policy | None = None) -> Callable[[str], str]:
    """For many links of one document: what an href canonically points to, or "" where no crawler can go.

    `base` is any absolute URL, itself never folded. The answer equals `parse(href, base, policy).text`, at a fraction
    of the cost.
    """
    root, fold = _read(base), folding(policy) if policy else None

    def resolve(href: str) -> str:
        try:
            return _canonical(_join(root, href), href, fold)
        except UrlError:
            return ""

    return resolve


def is_too_long(href: str, base: str, policy: Policy | None = None) -> bool:
    """Whether `resolver` has no answer for it because of its length alone."""
    if len(base) + MOST_WRITTEN * len(href) <= MAX_LENGTH:
        return False
    try:
        _canonical(_join(_read(base), href), href, folding(policy) if policy else None)
    except UrlError as error:
        return isinstance(error, LongUrlError)
    return False


def folded(url: Url, policy: Policy) -> Url:
    """The one that stands for `url` in a crawl of that policy."""
    return parse(url.text, policy=policy)


def explain(text: str, base: Url | None = None, policy: Policy | None = None) -> tuple[Url, list[str]]:
    """`parse`, and what became of the URL on the way, a few words each: what was dropped. Raises UrlError."""
    read = _read(text) if base is None else _join(_read(base.text), text)
    said = ["credentials"] if read.username or read.password else []
    said += [f"fragment {read.hash}"] if read.hash else []
    plain = _canonical(read, text, None)
    return parse(plain, policy=policy), [*said, *(changes(plain, policy) if policy else ())]


def absolute(text: str, base: str | None = None) -> str:
    """`text` resolved against any absolute URL, of any scheme, no policy applied; empty where that makes no URL."""
    try:
        return _href(_read(text) if base is None else _join(_read(base), text))
    except UrlError:
        return ""


def based(url: str, href: str) -> str:
    """What a document makes of its base when it says that it is `href`; one that cannot be used counts as none.

    A base is joined with every link of its document, so it may not be long: query and fragment, which lend nothing to
    what is joined, go first.
    """
    base = absolute(href, url)
    if len(base) > MAX_LENGTH:
        base = base.partition("#")[0].partition("?")[0]
    return url if not 0 < len(base) <= MAX_LENGTH or base.startswith(("data:", "javascript:")) else base


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


def is_address(host: str) -> bool:
    """Whether a host is an IP address rather than a name; IPv6 without brackets."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=65536)
def registered(host: str) -> str:
    """`registered_domain` of a bare host.

    Standard: the public suffix list with its private section, so that two users of one hosting service are two owners.
    """
    name = host.rstrip(".")
    if "." not in name or is_address(name):
        return host
    parts = _suffixes()(name)
    return f"{parts.domain}.{parts.suffix}" if parts.domain and parts.suffix else host


class _Parsed(Protocol):
    """A URL as a binding of Ada holds it."""

    href: str
    username: str
    password: str
    hash: str


def _read(text: str) -> _Parsed:
    if len(text) > MOST_HOST:
        _refuse_a_long_host(text)
    try:
        return can_ada.parse(text)
    except ValueError:
        return _newer(text, None)
    except TypeError:  # what the binding says of lone surrogates
        return _read(_scalar(text))


def _join(base: _Parsed, text: str) -> _Parsed:
    if len(text) > MOST_HOST:
        _refuse_a_long_host(text)
    try:
        return base + text if type(base) is can_ada.URL else _newer(text, base.href)
    except ValueError:
        return _newer(text, base.href)
    except TypeError:
        return _join(base, _scalar(text))


def _refuse_a_long_host(text: str) -> None:
    """Raises UrlError for a host that takes IDNA, and is longer than any name: that takes quadratic time."""
    found = _HOST.match(text)
    host = found[1].rpartition("@")[2] if found else ""
    if len(host) > MOST_HOST and (not host.isascii() or "%" in host or "xn--" in host.lower()):
        raise UrlError(f"not a URL, for no host name is so long: {text[:200]!r}")


def _newer(text: str, base: str | None) -> _Parsed:
    """What Ada 4 makes of a text that the Ada 2 of the fast binding refuses. Raises UrlError.

    Since 2026 the standard takes hosts of ASCII alone as they are, were their Punycode ever so wrong; and Unicode grew.
    """
    import ada_url  # noqa: PLC0415 - hardly ever needed, and a third slower than all else that parsing needs

    try:
        return ada_url.URL(_scalar(text), base=base)
    except ValueError as error:
        raise UrlError(f"not a URL: {text[:200]!r}") from error


def _scalar(text: str) -> str:
    """Lone surrogates become U+FFFD, as the standard has it; the result is always encodable."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _canonical(url: _Parsed, text: str, fold: Fold | None) -> str:
    href = _href(url)
    if not href.startswith(("http://", "https://")):
        raise SchemeError(f"not http or https: {text[:200]!r}")
    if "@" in href:
        url.username = url.password = ""
        href = _href(url)
    if "#" in href:
        href = href[: href.index("#")]
    if fold and ("?" in href or ";" in href or "/(" in href) and len(href) <= 2 * MAX_LENGTH:
        href = _refolded(href, fold)
    if len(href) > MAX_LENGTH:
        raise LongUrlError(f"longer than {MAX_LENGTH} characters: {text[:100]!r}...")
    return href


def _href(url: _Parsed) -> str:
    href = url.href
    if "^" in href and href.startswith(("http://", "https://")):  # in a path the standard encodes it since 2025
        path = re.split("[?#]", href, maxsplit=1)[0]
        href = path.replace("^", "%5E") + href[len(path) :]
    return href


def _refolded(href: str, fold: Fold) -> str:
    """Folded, and a fixed point again: `/a/..;jsessionid=1/b` leaves dots behind."""
    short = fold(href)
    return short if "/." not in short and "/%2" not in short else fold(_read(short).href)


@lru_cache(maxsize=1)
def _suffixes() -> TLDExtract:
    """The list that ships with the package: never fetched, never cached on disk. Imported late: it costs 0.2 s."""
    import tldextract  # noqa: PLC0415

    return tldextract.TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True)
