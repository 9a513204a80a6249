"""Ready-made talk: the words of an ordinary answer, and ways to say it that are not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator

from tests.hostile.behaviour import Talk
from tests.hostile.line import Asked, Line

OK = b"HTTP/1.1 200 OK\r\n"
HTML = b"Content-Type: text/html; charset=utf-8\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
END = b"\r\n"
MIB = 1 << 20


def page(body: bytes | str, *fields: bytes, status: bytes = b"200 OK", kind: bytes = HTML) -> bytes:
    """A whole answer, framed by its length."""
    data = body.encode() if isinstance(body, str) else body
    return b"".join(
        [b"HTTP/1.1 ", status, b"\r\n", kind, *fields, b"Content-Length: %d\r\n\r\n" % len(data), data],
    )


def titled(title: str, *links: str) -> str:
    """A small page of its own words, so that no two are duplicates."""
    anchors = "".join(f'<p><a href="{link}">to {link[:40]}</a>' for link in links)
    return f"<!doctype html><title>{title}</title><h1>{title}</h1>{anchors}"


MISSING = page("no such page", status=b"404 Not Found")


def says(*pieces: bytes) -> Talk:
    """These bytes, and the end."""

    async def talk(line: Line, asked: Asked) -> None:
        await line.send(*pieces)

    return talk


def makes(answer: Callable[[], bytes]) -> Talk:
    """The bytes of `answer()`, made when they are asked for."""

    async def talk(line: Line, asked: Asked) -> None:
        await line.send(answer())

    return talk


def answers(answer: Callable[[Asked], bytes]) -> Talk:
    """What `answer` makes of the request; the connection stays."""

    async def talk(line: Line, asked: Asked) -> None:
        line.stays = True
        await line.send(answer(asked))

    return talk


def floods(begin: bytes, block: bytes, blocks: int | None = None) -> Talk:
    """A beginning, and then one block again and again: so often, or for as long as somebody reads."""

    async def talk(line: Line, asked: Asked) -> None:
        await line.send(begin)
        await line.flood(_repeated(block, blocks))

    return talk


def drips(begin: bytes, data: bytes, pause_s: float = 1.0, step: int = 1) -> Talk:
    """A beginning, and then a few bytes at a time."""

    async def talk(line: Line, asked: Asked) -> None:
        await line.send(begin)
        await line.drip(data, pause_s, step)

    return talk


def stalls(*pieces: bytes) -> Talk:
    """These bytes, and then silence."""

    async def talk(line: Line, asked: Asked) -> None:
        if pieces:
            await line.send(*pieces)
        await line.silence()

    return talk


def resets(*pieces: bytes) -> Talk:
    """These bytes, and then an RST."""

    async def talk(line: Line, asked: Asked) -> None:
        if pieces:
            await line.send(*pieces)
        await line.reset()

    return talk


def after(pause_s: float, talk: Talk) -> Talk:
    """The same, later."""

    async def later(line: Line, asked: Asked) -> None:
        await asyncio.sleep(pause_s)
        await talk(line, asked)

    return later


def by_path(talks: dict[str, Talk], others: Talk | None = None) -> Talk:
    """Another talk for each path; 404 for all others, or what `others` says."""

    async def talk(line: Line, asked: Asked) -> None:
        await talks.get(asked.path, others or says(MISSING))(line, asked)

    return talk


def by_visit(*talks: Talk) -> Talk:
    """Another talk each time; the last one for ever."""

    async def talk(line: Line, asked: Asked) -> None:
        await talks[min(asked.visit, len(talks)) - 1](line, asked)

    return talk


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    return b"%x%b\r\n%b\r\n" % (len(data), extension, data)


def _repeated(block: bytes, blocks: int | None) -> Iterator[bytes] | Iterable[bytes]:
    if blocks is not None:
        return (block for _ in range(blocks))
    return iter(lambda: block, None)
