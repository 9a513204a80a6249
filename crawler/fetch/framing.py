"""Judges an answer's head by what HTTP/1.1 (RFC 9112) allows and the parser lets pass."""

from __future__ import annotations

from aiohttp.http_parser import RawResponseMessage

from ..errors import FetchError
from ..model import Reason

MAX_INTERIM = 8
"""Interim answers (RFC 9110 15.2) before the real one: two are common, more are a trickle meant to hold us."""


def check_interim(message: RawResponseMessage, count: int) -> None:
    """Refuse an interim answer that is none, or one too many. Raises FetchError: BAD_RESPONSE."""
    if message.code < 100:
        raise FetchError(Reason.BAD_RESPONSE, f"HTTP {message.code:03}, which is no status")
    if message.code == 101:
        raise FetchError(Reason.BAD_RESPONSE, "HTTP 101, which nobody asked for")
    if count > MAX_INTERIM:
        raise FetchError(Reason.BAD_RESPONSE, f"more than {MAX_INTERIM} interim answers")


def check_condition(is_conditional: bool) -> None:
    """Refuse 304, `not modified`, where nothing was asked on condition (RFC 9110 15.4.5). Raises FetchError.

    It takes a cache astray to say so, and that may pass.
    """
    if not is_conditional:
        raise FetchError(Reason.BAD_RESPONSE, "HTTP 304, though nothing was said of an earlier answer", transient=True)


def check_framing(message: RawResponseMessage) -> bool:
    """Refuse a body nobody can tell the end of; whether the connection may be used again. Raises FetchError.

    The parser has refused contradicting lengths: Content-Length twice, or beside Transfer-Encoding (RFC 9112 6.3).
    """
    if not message.chunked and "Transfer-Encoding" not in message.headers:
        return True
    codings = message.headers.getall("Transfer-Encoding", ())
    if len(codings) != 1 or codings[0].strip(" \t").lower() not in ("chunked", "identity"):
        detail = f"Transfer-Encoding: {', '.join(codings)[:80]!r}, which nobody offered to read"
        raise FetchError(Reason.BAD_RESPONSE, detail)
    return bool(message.version >= (1, 1))  # RFC 9112 6.1: from an older server it is an accident
