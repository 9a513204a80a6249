"""Gives the next visit of a page the validators and the digest of this one."""

from __future__ import annotations

from dataclasses import replace

from ..model import Disposition, Outcome, Request

MOST_VALIDATOR = 1000
"""Most characters of an ETag or a date that are kept. Longer ones are not worth their place: the body comes instead."""


def add_validators(outcome: Outcome, request: Request) -> Request:
    """Returns the request with the facts that its next visit can refer to: the content we had last."""
    response, page = outcome.response, outcome.page
    if outcome.disposition in (Disposition.FAILED, Disposition.EXCLUDED) or response is None:
        return request
    etag, last_modified = (_drop_if_long(response.header(name)) for name in ("etag", "last-modified"))
    if outcome.disposition is Disposition.UNCHANGED and page is None:  # 304: it may leave out what did not change
        return replace(request, etag=etag or request.etag, last_modified=last_modified or request.last_modified)
    if page is None:
        return replace(request, etag="", last_modified="", digest=b"")
    if response.rendered is not None:  # what its scripts make of it may change while the document does not
        return replace(request, etag="", last_modified="", digest=page.digest)
    return replace(request, etag=etag, last_modified=last_modified, digest=page.digest)


def _drop_if_long(validator: str) -> str:
    return validator if len(validator) <= MOST_VALIDATOR else ""
