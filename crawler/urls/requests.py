"""Checks the requests that programs give: what a frontier can keep and a server can read, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

import orjson

from ..errors import RequestError
from ..model import Request, Url
from .canonical import Policy
from .url import parse

MOST_DATA = 16 << 10
"""Bytes of `data` as JSON. Millions of requests carry some; what is larger belongs into a store of the program."""
MOST_BODY = 256 << 10
"""Bytes of a body: forms and queries. The frontier keeps it until the request is settled, and after."""
MOST_FIELDS = 16 << 10
"""Characters of all header fields. Servers refuse more (8 to 32 KiB)."""
MOST_LABEL = 100
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
"""A method or the name of a field (RFC 9110 5.6.2)."""
_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_OURS = {
    "host": "it follows from the URL",
    "content-length": "the crawl counts the body itself",
    "transfer-encoding": "the crawl frames the body itself",
    "connection": "it concerns the connection, which other requests share",
    "keep-alive": "it concerns the connection, which other requests share",
    "te": "it concerns the connection, which other requests share",
    "trailer": "the crawl frames the body itself",
    "upgrade": "the crawl speaks HTTP alone",
    "expect": "the crawl sends the body at once",
    "proxy-authorization": "it is for the proxy: `fetch.proxy` has a place for it",
    "proxy-connection": "it concerns the connection, which other requests share",
}
"""Fields of the next hop or of the framing (RFC 9110 7.6.1, RFC 9112 6), and why a request may not bring them."""
_BODILESS = frozenset(("TRACE",))


def check_request(request: Request, policy: Policy | None = None) -> Request:
    """Returns the request of a program as a crawl keeps it: its URL canonical, its values checked and copied.

    Raises UrlError for the URL, RequestError for the rest.
    """
    if type(request) is not Request:
        kind = type(request).__name__
        raise RequestError(
            f"{kind} is a subclass of Request, whose fields the frontier would lose: use `data=` instead"
        )
    url = parse(str(request.url), policy=policy)
    label, data = _check_label(request.label, url), _copy_data(request.data, url)
    if request.is_plain:
        return replace(request, url=url, headers=(), body=b"", label=label, data=data)
    method, headers, body = _check_method(request.method, url), _list_fields(request.headers, url), request.body
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise _refusal(url, f"the body is {type(body).__name__}, not bytes: encode it, as in text.encode()")
    if len(body) > MOST_BODY:
        raise _refusal(url, f"a body of {len(body):,} bytes, {MOST_BODY:,} are allowed")
    if body and method in _BODILESS:
        raise _refusal(url, f"{method} has no body (RFC 9110 9.3.8)")
    return replace(request, url=url, method=method, headers=headers, body=bytes(body), label=label, data=data)


def _refusal(url: Url, why: str) -> RequestError:
    return RequestError(f"{why} (in the request for {url})")


def _check_method(method: object, url: Url) -> str:
    if not isinstance(method, str) or not _TOKEN.fullmatch(method):
        raise _refusal(url, f"{method!r} is no method: write GET, POST, ...")
    if method.upper() == "CONNECT":
        raise _refusal(url, "CONNECT opens a tunnel and asks for no page")
    return method.upper()


def _list_fields(headers: Mapping[str, str] | Iterable[tuple[str, str]], url: Url) -> tuple[tuple[str, str], ...]:
    try:
        pairs = tuple((name, value) for name, value in (headers.items() if isinstance(headers, Mapping) else headers))
    except (TypeError, ValueError) as error:
        raise _refusal(url, "headers are a mapping, or pairs of name and value") from error
    for name, value in pairs:
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise _refusal(url, f"{name!r} is no name of a header field")
        if why := _OURS.get(name.lower()):
            raise _refusal(url, f"the header field {name} cannot be given: {why}")
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise _refusal(url, f"the value of {name} must be one line of latin-1 text")
    if sum(len(name) + len(value) for name, value in pairs) > MOST_FIELDS:
        raise _refusal(url, f"header fields of more than {MOST_FIELDS:,} characters")
    return tuple((name, value.strip(" \t")) for name, value in pairs)


def is_label(label: object) -> bool:
    """Returns whether it can be the label of a request."""
    return isinstance(label, str) and len(label) <= MOST_LABEL and label.isprintable()


def _check_label(label: str, url: Url) -> str:
    if not is_label(label):
        raise _refusal(url, f"a label is one line of text, at most {MOST_LABEL} characters")
    return label


def _copy_data(data: object, url: Url) -> dict[str, object] | None:
    """Returns the data as JSON gives it back, so that a restart changes nothing."""
    if data is None:
        return None
    if not isinstance(data, Mapping):
        raise _refusal(url, f"data is {type(data).__name__}, not a dict")
    try:
        text = orjson.dumps(dict(data))
    except TypeError as error:
        raise _refusal(url, f"data must be JSON with text for keys: {error}") from error
    if len(text) > MOST_DATA:
        raise _refusal(url, f"data of {len(text):,} bytes as JSON, {MOST_DATA:,} are allowed")
    copied: dict[str, object] = orjson.loads(text)
    return copied
