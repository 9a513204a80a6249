"""Makes the keys by which an index of captures is sorted (SURT), so that a site and its folders stand together."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote_from_bytes, unquote_to_bytes

MOST_ROUNDS = 100
"""Times that a URL is unescaped at most: `%252541` is an `A`, too."""
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(//)?", re.IGNORECASE)
_PORTS = {"http": "80", "https": "443"}
_WWW = re.compile(r"www\d*\.")
_DOTS = re.compile(r"\.{2,}")
_NUMBER = re.compile(r"\d{1,10}")
_KEPT = bytes(range(0x21, 0x7F)).translate(None, b"#%").decode()
"""Characters that stand in a key as they are."""

_IN_PATH = re.compile(r"/(?:\((?:[a-z]\([0-9a-z]{24}\))+\)|\([0-9a-z]{24}\))(?=/)", re.IGNORECASE)
"""A session of ASP.NET: `/(S(4hqa0555fwsecu455xqckv45))`."""
_IN_QUERY = tuple(
    re.compile(rf"(.*){name}(?:&(.*))?", re.IGNORECASE | re.DOTALL)
    for name in (
        "jsessionid=[0-9a-z]{32}",
        "phpsessid=[0-9a-z]{32}",
        "sid=[0-9a-z]{32}",
        "aspsessionid[a-z]{8}=[a-z]{24}",
    )
)


_NAME = "[A-Za-z0-9_~,;:@=+!$'*|-]"
_PLAIN = re.compile(
    rf"(https?)://([a-z0-9-]+(?:\.[a-z0-9-]+)+(?::[1-9][0-9]*)?)((?:/{_NAME}(?:{_NAME}|\.)*)*)/?"
    rf"(?:\?((?:{_NAME}|[&./?])*))?"
)
"""Most URLs: nothing in them is escaped or needs to be, and no part of the path is empty or begins with a dot."""
_OF_SESSIONS = ("sid=", "sessionid", "cfid=")


def make_surt(url: str) -> str:
    """Returns the key of a URL, in ASCII: `http://www.Example.org/B?y&x` has `org,example)/b?x&y`.

    All spellings that the archive world takes for one page have one key: scheme, `www.`, fragment and the letter case
    do not count, nor the order of the query, sessions in it, and escapes. URLs without a host, such as `urn:...`, keep
    their text.
    """
    if plain := _PLAIN.fullmatch(url):
        scheme, authority, path, query = plain.groups()
        key = f"{_plain_host_key(authority, scheme)}){path.lower() or '/'}"
        if not query:
            return key
        query = query.lower()
        if not any(word in query for word in _OF_SESSIONS):
            return f"{key}?{_order(query)}"
    text = re.sub(r"[\t\r\n]", "", url.strip())
    found = _SCHEME.match(text)
    if found is None or not found[2]:
        return _escape(text).rstrip("/")
    rest, _, _ = text[found.end() :].partition("#")
    rest, mark, query = rest.partition("?")
    authority, _, path = rest.partition("/")
    kept = _order(_drop_sessions(_escape(_unescape(query)))) if mark else ""
    return _host_key(authority, found[1].lower()) + ")" + _path_key(path) + (f"?{kept}" if kept else "")


@lru_cache(maxsize=1 << 12)
def _plain_host_key(authority: str, scheme: str) -> str:
    return _host_key(authority, scheme)


def _host_key(authority: str, scheme: str) -> str:
    """Returns the host with its labels turned round, and the port if it is not that of the scheme."""
    host, port = _split_port(authority.rpartition("@")[2])
    is_ipv6 = host.startswith("[")
    key = _escape(host.strip("[]")).lower() if is_ipv6 else ",".join(reversed(_host(host).split(".")))
    return f"{key}:{_escape(port)}" if port and port != _PORTS.get(scheme) else key


def _split_port(place: str) -> tuple[str, str]:
    host, colon, port = place.rpartition(":")
    return (host, port) if colon and not port.endswith("]") else (place, "")


def _host(text: str) -> str:
    host = _unescape(text).encode("latin-1").decode("utf-8", "replace").lower()
    host = _DOTS.sub(".", host).strip(".")
    if not host.isascii():
        host = _to_ascii(host)
    host = host[found.end() :] if (found := _WWW.match(host)) else host
    if _NUMBER.fullmatch(host) and int(host) < 1 << 32:
        return ".".join(map(str, int(host).to_bytes(4, "big")))
    return _escape(host).lower()


def _to_ascii(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def _path_key(path: str) -> str:
    """Returns the path without `.`, `..`, doubled slashes, a last slash and sessions, in small letters."""
    parts: list[str] = []
    for part in _unescape(path).split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return _drop_session(_escape("/" + "/".join(filter(None, parts))).lower())


def _drop_session(path: str) -> str:
    """Returns the path of a page of ASP.NET without its session."""
    page = path.partition("?")[0].rfind(".aspx")  # an escaped question mark may be part of a path
    sessions = list(_IN_PATH.finditer(path, 0, max(0, page)))
    return path[: sessions[-1].start()] + path[sessions[-1].end() :] if sessions else path


def _drop_sessions(query: str) -> str:
    for pattern in _IN_QUERY:
        if found := pattern.fullmatch(query):
            query = found[1] + (found[2] or "")
    return _drop_coldfusion(query) if "&cftoken=" in query.lower() else query


def _drop_coldfusion(query: str) -> str:
    """Returns the query without the last `cfid=...&cftoken=...`."""
    parts = query.split("&")
    for n in range(len(parts) - 1, 0, -1):
        if len(parts[n]) > len("cftoken=") and parts[n].lower().startswith("cftoken="):
            at = parts[n - 1].lower().rfind("cfid=", 0, -1)
            if at >= 0:
                return "&".join((*parts[: n - 1], parts[n - 1][:at])) + "&".join(parts[n + 1 :])
    return query


def _order(query: str) -> str:
    pairs = sorted(part.partition("=") for part in query.lower().split("&"))
    return "&".join("".join(pair) for pair in pairs)


def _unescape(text: str) -> str:
    """Returns the text with all its escapes as characters, those of escapes too; latin-1 carries bytes."""
    data = text.encode("utf-8", "surrogatepass")
    for _ in range(MOST_ROUNDS):
        if b"%" not in data or (plain := unquote_to_bytes(data)) == data:
            break
        data = plain
    return data.decode("latin-1")


def _escape(text: str) -> str:
    """Returns the text with escapes for what is no visible character of ASCII, for `#` and for `%`."""
    data = text.encode("latin-1") if text.isascii() or max(text) <= "\xff" else text.encode("utf-8", "surrogatepass")
    return quote_from_bytes(data, safe=_KEPT)
