"""Turns text into a canonical Url, as a browser would read it, and reads host, site owner and address from a Url.

Standard: WHATWG URL, by Ada in two bindings, a fast one and a new one. On top, in `_canonical` alone: http and https
only, no fragment, no credentials, at most MAX_LENGTH characters; and, where a Policy is given, its folding
(crawler/urls/canonical.py). Canonical text is a fixed point: parsing it again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_address
from typing import Protocol

import can_ada

from ..errors import LongUrlError, SchemeError, UrlError
from ..model import Url
from .canonical import Fold, Policy, describe_folding, make_folder
from .suffixes import private_suffix, split_suffix

MAX_LENGTH = 2083
"""In characters. Longer URLs are nearly always a trap or a mistake. It was Internet Explorer's limit, and sites obey
it."""
MOST_HOST = 1024
"""Most characters of a host that is not plain ASCII. No name has more than 253 (RFC 1035 2.3.4), of four bytes at
most."""
_GAP = r"[\t\n\r]*+"
"""White space that URL parsers drop, wherever it stands."""
_SPECIAL = "|".join(_GAP.join(scheme) for scheme in ("https", "http", "wss", "ws", "ftp", "file"))
_HOST = re.compile(
    rf"[\x00-\x20]*+(?:(?:{_SPECIAL}){_GAP}:[\t\n\r/\\]*+|[/\\]{_GAP}[/\\][\t\n\r/\\]*+)([^/\\?#]*+)", re.IGNORECASE
)
"""Matches the authority of a URL: the host with its credentials and port."""
_PLAIN = re.compile(r"((?:\.\./)*+|/)([\w-][\w.~!$&'*+,=/-]*+)", re.ASCII)
"""Matches an href that is a path of characters that no parser changes: the steps that it takes up, and the rest."""
_CAPITAL_SHARP_S = re.compile("%e1%ba%9e", re.IGNORECASE)
"""The one letter, ẞ, that the Unicode of the fast binding maps otherwise than the standard does now: to `ss`."""
MOST_WRITTEN = 12
"""Most characters of a canonical URL that one character of an href may become: four bytes, each as `%XX`."""


def parse(text: str, base: Url | None = None, policy: Policy | None = None) -> Url:
    """Returns the canonical URL of `text`, resolved against `base`. Raises UrlError, and nothing else."""
    url = _read(text) if base is None else _join(_read(base.text), text)
    return Url(_canonical(url, text, make_folder(policy) if policy else None))


def make_resolver(base: str, policy: Policy | None = None) -> Callable[[str], str]:
    """Returns a function that resolves the links of one document: href -> canonical URL, or "" where no crawler can go.

    `base` is any absolute URL; it is never folded itself. The function's answer equals `parse(href, base,
    policy).text`, at a fraction of the cost.
    """
    root, fold = _read(base), make_folder(policy) if policy else None

    def resolve(href: str) -> str:
        try:
            return _canonical(_join(root, href), href, fold)
        except UrlError:
            return ""

    return resolve


def make_joiner(resolve: Callable[[str], str]) -> Callable[[str], str]:
    """Returns a function that resolves hrefs of plain characters as `resolve` does, which `make_resolver` made, in half
    the time; "" for any other href, and where a folder of the base is not plain.
    """
    folders: dict[str, str] = {}

    def join(href: str) -> str:
        if not (plain := _PLAIN.fullmatch(href)):
            return ""
        steps, rest = plain.groups()
        folder = folders.get(steps)
        if folder is None:
            folder = folders[steps] = _plain_folder(resolve(f"{steps}x"))
        return folder + rest if folder and "/." not in rest and len(folder) + len(rest) <= MAX_LENGTH else ""

    return join


def _plain_folder(text: str) -> str:
    """Returns the folder of a canonical URL that ends in `x`, if plain hrefs may be put behind it; else nothing."""
    return "" if not text or any(mark in text for mark in "?;(^@") else text[:-1]


def is_too_long(href: str, base: str, policy: Policy | None = None) -> bool:
    """Returns whether `make_resolver` gives "" for this href only because the URL would be too long."""
    if len(base) + MOST_WRITTEN * len(href) <= MAX_LENGTH:
        return False
    try:
        _canonical(_join(_read(base), href), href, make_folder(policy) if policy else None)
    except UrlError as error:
        return isinstance(error, LongUrlError)
    return False


def fold_url(url: Url, policy: Policy) -> Url:
    """Returns the URL that stands for `url` in a crawl with this policy."""
    return parse(url.text, policy=policy)


def explain(text: str, base: Url | None = None, policy: Policy | None = None) -> tuple[Url, list[str]]:
    """Returns `parse` of the text, and notes of a few words each on what was dropped. Raises UrlError."""
    read = _read(text) if base is None else _join(_read(base.text), text)
    said = ["credentials"] if read.username or read.password else []
    said += [f"fragment {read.hash}"] if read.hash else []
    plain = _canonical(read, text, None)
    return parse(plain, policy=policy), [*said, *(describe_folding(plain, policy) if policy else ())]


def resolve_absolute(text: str, base: str | None = None) -> str:
    """Resolves `text` against any absolute URL, of any scheme, without a policy; returns "" where that makes no URL."""
    try:
        return _href(_read(text) if base is None else _join(_read(base), text))
    except UrlError:
        return ""


def resolve_base(url: str, href: str) -> str:
    """Returns the base URL of a document at `url` whose base element says `href`; an unusable href counts as none.

    A base is joined with every link of its document, so it may not be long. Where it is, query and fragment go first:
    they do not matter for joining.
    """
    base = resolve_absolute(href, url)
    if len(base) > MAX_LENGTH:
        base = base.partition("#")[0].partition("?")[0]
    return url if not 0 < len(base) <= MAX_LENGTH or base.startswith(("data:", "javascript:")) else base


def fingerprint(text: str, key: bytes) -> int:
    """Returns 64 bits of keyed BLAKE2b over a canonical URL: nobody outside can make two URLs collide."""
    return int.from_bytes(fingerprints((text,), key), "little")


def fingerprints(texts: Iterable[str], key: bytes) -> bytes:
    """Returns the fingerprints of canonical URLs, eight bytes each, little-endian, in order."""
    return b"".join([blake2b(text.encode(), digest_size=8, key=key).digest() for text in texts])


def host_port(url: Url) -> str:
    """Returns `host` or `host:port`.

    The scheme's own port is never written, so http://h/ and https://h/ are one host.
    """
    return authority(url.text)


def authority(text: str) -> str:
    """Returns the `host_port` of canonical text, without making a Url of it."""
    start = text.index("/") + 2
    return text[start : text.index("/", start)]


def host(url: Url) -> str:
    """Returns the host name or address, without port and brackets."""
    return bare_host(authority(url.text))


def bare_host(authority: str) -> str:
    """Returns the host of an `authority`, without port and brackets."""
    return authority[1 : authority.index("]")] if authority.startswith("[") else authority.partition(":")[0]


def registered_domain(url: Url) -> str:
    """Returns the domain that the owner registered: `example.co.uk` for www.example.co.uk.

    An address or a single label is its own registered domain.
    """
    return registered_domain_of_host(host(url))


def is_address(host: str) -> bool:
    """Returns whether a host is an IP address rather than a name; IPv6 without brackets."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=65536)
def registered_domain_of_host(host: str) -> str:
    """Returns the `registered_domain` of a bare host.

    Standard: the public suffix list with its private section, so that two users of one hosting service are two owners.
    Where the list has no rule, the last label is the suffix (its rule `*`): `corp.lan` for www.corp.lan.
    """
    name = host.rstrip(".")
    if "." not in name or is_address(name):
        return host
    return private_suffix(name) or host


@lru_cache(maxsize=65536)
def suffix_and_domain(host: str, *, only_registries: bool) -> tuple[str | None, str | None]:
    """Returns the public suffix of a bare host, and the domain one level below; None for an address or a suffix itself.

    `only_registries`: without the private section of the list, so that `io` is the suffix of user.github.io.
    """
    name = host.rstrip(".")
    if is_address(name):
        return None, None
    return split_suffix(name, only_registries=only_registries)


def has_listed_suffix(host: str) -> bool:
    """Returns whether a bare host is a name below a suffix that the public suffix list names."""
    name = host.rstrip(".")
    return "." in name and not is_address(name) and private_suffix(name, accept_unknown=False) is not None


class _Parsed(Protocol):
    """A URL as a binding of Ada holds it."""

    href: str
    username: str
    password: str
    hash: str


def _read(text: str) -> _Parsed:
    if len(text) > MOST_HOST:
        _refuse_long_host(text)
    if "\u1e9e" in text or ("%" in text and _CAPITAL_SHARP_S.search(text)):
        return _parse_with_ada_4(text, None)
    try:
        return can_ada.parse(text)
    except ValueError:
        return _parse_with_ada_4(text, None)
    except TypeError:  # the binding's error for lone surrogates
        return _read(_replace_surrogates(text))


def _join(base: _Parsed, text: str) -> _Parsed:
    if len(text) > MOST_HOST:
        _refuse_long_host(text)
    if "\u1e9e" in text or ("%" in text and _CAPITAL_SHARP_S.search(text)):
        return _parse_with_ada_4(text, base.href)
    try:
        return base + text if type(base) is can_ada.URL else _parse_with_ada_4(text, base.href)
    except ValueError:
        return _parse_with_ada_4(text, base.href)
    except TypeError:
        return _join(base, _replace_surrogates(text))


def _refuse_long_host(text: str) -> None:
    """Raises UrlError for an overlong host that needs IDNA, which takes quadratic time."""
    found = _HOST.match(text)
    host = found[1].rpartition("@")[2] if found else ""
    if len(host) > MOST_HOST and (not host.isascii() or "%" in host or "xn--" in host.lower()):
        raise UrlError(f"not a URL, its host name is too long: {text[:200]!r}")


def _parse_with_ada_4(text: str, base: str | None) -> _Parsed:
    """Parses with Ada 4 a text that the Ada 2 of the fast binding refuses. Raises UrlError.

    Since 2026 the standard takes hosts of ASCII alone as they are, even with wrong Punycode; and Unicode grew.
    """
    import ada_url  # noqa: PLC0415 - hardly ever needed, and a third slower than all else that parsing needs

    try:
        return ada_url.URL(_replace_surrogates(text), base=base)
    except ValueError as error:
        raise UrlError(f"not a URL: {text[:200]!r}") from error


def _replace_surrogates(text: str) -> str:
    """Replaces lone surrogates by U+FFFD, as the standard says; the result can always be encoded."""
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
        href = _fold_to_fixed_point(href, fold)
    if len(href) > MAX_LENGTH:
        raise LongUrlError(f"longer than {MAX_LENGTH} characters: {text[:100]!r}...")
    return href


def _href(url: _Parsed) -> str:
    href = url.href
    if "^" in href and href.startswith(("http://", "https://")):  # in a path the standard encodes it since 2025
        path = re.split("[?#]", href, maxsplit=1)[0]
        href = path.replace("^", "%5E") + href[len(path) :]
    return href


def _fold_to_fixed_point(href: str, fold: Fold) -> str:
    """Folds, and parses again where folding left dots behind, as in `/a/..;jsessionid=1/b`: the result is a fixed
    point."""
    short = fold(href)
    return short if "/." not in short and "/%2" not in short else fold(_read(short).href)
