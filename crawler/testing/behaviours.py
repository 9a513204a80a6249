"""Offers wrappers that change how a page behaves: slow, failing, short, compressed, cacheable."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Literal, get_args

from crawler.testing import wire
from crawler.testing.pages import Asked, Page, error
from crawler.testing.wire import Answer

Coding = Literal["gzip", "deflate", "raw-deflate", "br", "zstd"]
CODINGS: tuple[Coding, ...] = get_args(Coding)

_WAS_LAST_MODIFIED = "Sat, 14 Nov 2026 09:30:00 GMT"


def slow(page: Page, before_s: float) -> Page:
    """Returns the page with a silence of `before_s` seconds before the answer."""
    return _play_otherwise(page, lambda answer: wire.after(before_s, answer.play))


def dripping(page: Page, *, chunk_bytes: int = 512, pause_s: float = 0.05) -> Page:
    """Returns the page with its body in small pieces and a pause before each."""
    return _play_otherwise(page, lambda _: wire.dripped(chunk_bytes, pause_s))


def chunked(page: Page, chunk_bytes: int = wire.CHUNK_BYTES) -> Page:
    """Returns the page in Transfer-Encoding: chunked."""
    return _play_otherwise(page, lambda _: wire.chunked(chunk_bytes))


def unframed(page: Page) -> Page:
    """Returns the page without a length: it ends with the connection."""
    return _play_otherwise(page, lambda _: wire.unframed)


def badly_chunked(page: Page) -> Page:
    """Returns the page in chunks, one of them with an unreadable size."""
    return _mark_unreadable(_play_otherwise(page, lambda _: wire.badly_chunked))


def truncated(page: Page, *, sent_share: float = 0.5, ending: wire.Ending = wire.Ending.CLOSE) -> Page:
    """Returns the page, cut off after a share of the body that Content-Length promises."""
    return _mark_unreadable(
        _play_otherwise(page, lambda answer: wire.cut_off(int(len(answer.body) * sent_share), ending))
    )


def failing(page: Page, *, times: int, by: Page | None = None) -> Page:
    """Returns a page that answers the first `times` requests with the page `by` (default: a 503), then with `page`."""
    failure = by or error(503)
    return replace(page, answer=lambda asked: (failure if asked.visit <= times else page).answer(asked), fixed=False)


def cacheable(page: Page, *, etag: str = '"first-edition"', last_modified: str = _WAS_LAST_MODIFIED) -> Page:
    """Returns the page with ETag and Last-Modified; a client that knows it already gets 304 (RFC 9110, 13)."""
    validators = (("ETag", etag), ("Last-Modified", last_modified))

    def answer(asked: Asked) -> Answer:
        if _is_known(asked, etag, last_modified):
            return Answer(304, validators)
        fresh = page.answer(asked)
        return replace(fresh, headers=(*fresh.headers, *validators))

    return replace(page, answer=answer, fixed=False)


def compressed(page: Page, coding: Coding = "gzip", *, unasked: bool = False) -> Page:
    """Returns the page in a Content-Encoding for clients that accept it, or with `unasked` for all."""
    token = coding.removeprefix("raw-")

    def answer(asked: Asked) -> Answer:
        full = page.answer(asked)
        if not unasked and token not in asked.headers.get("accept-encoding", ""):
            return full
        return replace(full, headers=(*full.headers, ("Content-Encoding", token)), body=_compress(coding, full.body))

    return replace(page, answer=answer, fixed=page.fixed and unasked)


def bomb(title: str = "Bomb", *, unpacked_bytes: int = 64 * 1024 * 1024) -> Page:
    """Returns a page whose small gzip body unpacks to a very large HTML page. Clients without gzip get it too."""
    headers = (("Content-Type", "text/html; charset=utf-8"), ("Content-Encoding", "gzip"))

    @cache
    def packed() -> Answer:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        start = packer.compress(f"<!DOCTYPE html><title>{title}</title><p>".encode())
        block = b" " * (1024 * 1024)
        middle = b"".join(packer.compress(block) for _ in range(unpacked_bytes // len(block)))
        return Answer(200, headers, start + middle + packer.flush())

    return Page(lambda _: packed(), None, disposition="failed")


def _play_otherwise(page: Page, play: Callable[[Answer], wire.Play]) -> Page:
    """Returns the page with its answer sent in another way."""

    def answer(asked: Asked) -> Answer:
        plain = page.answer(asked)
        return replace(plain, play=play(plain))

    return replace(page, answer=answer)


def _mark_unreadable(page: Page) -> Page:
    """Returns the page marked as one that no crawler can read to its end."""
    return replace(page, status=None, title=None, links=(), disposition="failed")


def _is_known(asked: Asked, etag: str, last_modified: str) -> bool:
    if known := asked.headers.get("if-none-match"):
        return known == "*" or etag in known
    return asked.headers.get("if-modified-since") == last_modified


def _compress(coding: Coding, body: bytes) -> bytes:
    match coding:
        case "gzip":
            return gzip.compress(body, 6, mtime=0)
        case "deflate":
            return zlib.compress(body)
        case "raw-deflate":  # many servers send this under the name of deflate
            packer = zlib.compressobj(wbits=-15)
            return packer.compress(body) + packer.flush()
        case "br":
            import brotli  # noqa: PLC0415 - only needed for compressed pages

            return bytes(brotli.compress(body, quality=4))
        case "zstd":
            return _zstd(body)


def _zstd(body: bytes) -> bytes:
    try:
        from compression import zstd  # noqa: PLC0415 - Python 3.14 and newer
    except ImportError:
        from backports import zstd  # noqa: PLC0415
    return bytes(zstd.compress(body))
