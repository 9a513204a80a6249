"""Keeps what requests have beside a URL and its place: how they are sent, a label, data. The store alone holds it.

A queued request says only that there is an extra. So millions of them take no more memory than others, and a body is
in memory while its request is out.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import orjson

from .. import urls
from ..model import Lease, Request
from .order import Entry


class Extra(NamedTuple):
    """The part of one request that its URL does not say. Empty texts: it has none."""

    row: int
    sent: str
    """A JSON array, where it is not a plain GET: method, pairs of name and value, body in Base64."""
    label: str
    data: str
    """JSON."""


def has_extra(request: Request) -> bool:
    return bool(not request.is_plain or request.label or request.data is not None)


def extra_of(request: Request, row: int) -> Extra:
    sent = "" if request.is_plain else _json([request.method, request.headers, b64encode(request.body).decode()])
    return Extra(row, sent, request.label, "" if request.data is None else _json(request.data))


def complete(request: Request, extra: Extra) -> Request:
    """Returns the request with its extra."""
    method, headers, body = orjson.loads(extra.sent) if extra.sent else ("GET", (), "")
    return replace(
        request,
        method=method,
        headers=tuple((name, value) for name, value in headers),
        body=b64decode(body),
        label=extra.label,
        data=orjson.loads(extra.data) if extra.data else None,
    )


def bare(entry: Entry) -> Entry:
    """Returns the entry without its extra, as it waits."""
    if not entry.has_extra:
        return entry
    return entry._replace(request=replace(entry.request, method="GET", headers=(), body=b"", label="", data=None))


def complete_leases(leases: Sequence[Lease], extras: Mapping[int, Extra], key: bytes) -> list[Lease]:
    """Returns the leases with the extras of their rows."""
    return [_complete_lease(lease, extras.get(lease.token), key) for lease in leases]


def _complete_lease(lease: Lease, extra: Extra | None, key: bytes) -> Lease:
    if extra is None:
        return lease
    request = complete(lease.request, extra)
    number = "" if request.is_plain else f"{urls.fingerprint(request.identity, key):016x}"
    return replace(lease, request=request, request_id=number)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
