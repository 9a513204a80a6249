"""Reads one seed as people write it: finds its meaning, and adds a missing scheme."""

from __future__ import annotations

import os
import re
from typing import Literal

from .. import urls
from ..errors import UrlError
from ..model import Url

_BARE = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s/?#@:\\,;|]+)(:\d{1,5})?(?:[/?#].*)?", re.DOTALL)


def kind(source: str) -> Literal["stdin", "url", "file"]:
    """Returns the meaning of a word on the command line.

    `urls.txt` is a file even if it does not exist; `example.org` is a site.
    """
    if source == "-":
        return "stdin"
    if "://" in source:
        return "url"
    return "file" if os.path.exists(source) or not names_a_site(source) else "url"


def names_a_site(word: str) -> bool:
    """Whether a word names this machine, an address, a port, or a host below a public suffix (`txt` is none)."""
    try:
        url = parse(word)
    except UrlError:
        return False
    return url.text.startswith("http:") or urls.has_listed_suffix(urls.host(url))


def parse(text: str) -> Url:
    """Returns the URL of a seed as people write it. Raises UrlError."""
    return urls.parse(with_scheme(text))


def with_scheme(text: str) -> str:
    """Adds a missing scheme: https for a name, http for an address, localhost or host:port.

    Raises UrlError if the text is neither a URL nor a host name.
    """
    if "://" in text or text[:6].lower() in ("http:/", "https:"):
        return text
    if text.startswith("//"):
        return f"https:{text}"
    bare = _BARE.fullmatch(text)
    if bare is None:
        raise UrlError("neither a URL nor a host name")
    host, port = bare.groups()
    return f"{'http' if port or _is_local(host) else 'https'}://{text}"


def _is_local(host: str) -> bool:
    """Whether a host gets http: an address, or this machine. Raises UrlError for a word that is no host."""
    if urls.is_address(host.strip("[]")) or f".{host.lower()}".endswith(".localhost"):
        return True
    if "." not in host.strip(".") or host.rpartition(".")[2].isdigit():
        raise UrlError("neither a URL nor a host name")
    return False
