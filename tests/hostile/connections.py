"""TCP: connections that are refused, broken off at every stage, held, or fed a byte at a time."""

from __future__ import annotations

import asyncio

from tests.hostile.answers import (
    CHUNKED,
    END,
    HTML,
    OK,
    after,
    answers,
    by_path,
    by_visit,
    drips,
    page,
    resets,
    says,
    stalls,
    titled,
)
from tests.hostile.behaviour import BAD, CONNECT, FETCHED, NO_ROBOTS, SLOW, STALLED, Family, hostile
from tests.hostile.line import Asked, Line

_LONG = OK + HTML + b"Content-Length: 5000\r\n\r\n<title>Long</title>"
_BODY = OK + HTML + b"Content-Length: 600\r\n\r\n"


async def _closes_its_half(line: Line, asked: Asked) -> None:
    line.half_close()
    await line.silence()


async def _closes_its_half_in_a_body(line: Line, asked: Asked) -> None:
    await line.send(_LONG)
    line.half_close()
    await line.silence()


async def _never_reads(line: Line, asked: Asked) -> None:
    await line.deafness()


async def _lingers(line: Line, asked: Asked) -> None:
    await line.send(page(titled("Lingers"), b"Connection: close\r\n"))
    await line.silence()


async def _resets_the_second(line: Line, asked: Asked) -> None:
    """A kept connection that breaks as soon as it is used again."""
    if asked.nth > 1:
        await line.reset()
        return
    line.stays = True
    await line.send(page(titled(f"Reset after {asked.path}", "/next")))


async def _answers_twice(line: Line, asked: Asked) -> None:
    """A second answer nobody asked for, meant for the next request."""
    line.stays = True
    await line.send(page(titled(f"True answer to {asked.path}", "/next")), page(titled("Poison")))


async def _answers_later_too(line: Line, asked: Asked) -> None:
    line.stays = True
    await line.send(page(titled(f"True answer to {asked.path} for once", "/next")))
    await asyncio.sleep(0.05)
    await line.send(page(titled("Late poison")))


FAMILY = Family(
    "connections",
    (
        hostile("connection refused", says(), CONNECT, is_open=False),
        hostile("reset as soon as accepted", resets(), CONNECT, greets=True),
        # The end and our request cross: the system says "closed" or "reset", as it happens to see them.
        hostile("closed as soon as accepted", says(), CONNECT, NO_ROBOTS, greets=True),
        hostile("accepted, never a byte", stalls(), NO_ROBOTS, greets=True, is_quick=False),
        hostile("accepted, never read", _never_reads, NO_ROBOTS, greets=True, is_quick=False),
        hostile("half-closed as soon as accepted", _closes_its_half, NO_ROBOTS, greets=True),
        hostile("reset before the answer", resets(), CONNECT),
        hostile("reset in the status line", resets(b"HTTP/1.1 2"), CONNECT),
        hostile("reset in the fields", resets(OK, b"Content-Ty"), CONNECT),
        hostile("reset after the head", resets(_BODY), CONNECT),
        hostile("reset in the body", resets(_LONG), CONNECT),
        hostile("reset in a chunk", resets(OK, HTML, CHUNKED, b"\r\n400\r\n<title>"), CONNECT),
        hostile("reset in a body without a length", resets(OK, HTML, b"\r\n<title>Unframed</title>"), CONNECT),
        hostile("reset after a whole answer", resets(page(titled("Whole, then reset"))), FETCHED),
        hostile("closed before the answer", says(), BAD),
        hostile("closed in the status line", says(b"HTTP/1.1 20"), BAD),
        hostile("closed in the fields", says(OK, b"Content-Type: te"), BAD),
        hostile("closed after the head", says(_BODY), BAD),
        hostile("closed in the body", says(_LONG), BAD),
        hostile("half-closed before the answer", _closes_its_half, BAD),
        hostile("half-closed in the body", _closes_its_half_in_a_body, BAD),
        hostile("silence instead of an answer", stalls(), SLOW, is_quick=False),
        hostile("silence in the status line", stalls(b"HTTP/1"), STALLED, is_quick=False),
        hostile("silence in the fields", stalls(OK, b"X-Slow: "), STALLED, is_quick=False),
        hostile("silence after the head", stalls(_BODY), STALLED, is_quick=False),
        hostile("silence in the body", stalls(_LONG), STALLED, is_quick=False),
        hostile("silence in a chunk", stalls(OK, HTML, CHUNKED, b"\r\n400\r\n<title>"), STALLED, is_quick=False),
        hostile("silence before the last chunk", stalls(OK, CHUNKED, b"\r\n5\r\nhello\r\n"), STALLED, is_quick=False),
        hostile("head at a byte a second", drips(b"", OK + b"X: " + b"x" * 999), STALLED, is_quick=False),
        hostile("fields without end at ten a second", drips(OK, b"X: y\r\n" * 9999, 0.1, 6), STALLED, is_quick=False),
        hostile("body at a byte a second", drips(_BODY, b"b" * 600), STALLED, is_quick=False),
        hostile(
            "chunks at a byte a second", drips(OK + CHUNKED + END, b"1\r\nb\r\n" * 600, 1.0, 6), STALLED, is_quick=False
        ),
        hostile(
            "a burst, then a byte every nine seconds",
            drips(OK + HTML + b"Content-Length: 60100\r\n\r\n" + b"b" * 60000, b"b" * 100, 9.0),
            STALLED,
            is_quick=False,
        ),
        hostile("connection left open after the answer", _lingers, FETCHED),
        hostile("kept connection reset when used again", _resets_the_second, FETCHED, then={"/next": FETCHED}),
        hostile("two answers to one request", _answers_twice, FETCHED, then={"/next": FETCHED}),
        hostile("a second answer a moment later", _answers_later_too, FETCHED, then={"/next": FETCHED}),
        hostile("the answer before the request", says(page(titled("Hasty"))), FETCHED, greets=True),
        hostile("a mail server", says(b"220 mail.test ESMTP\r\n"), NO_ROBOTS, greets=True),
        hostile("a mail server that stays", stalls(b"220 mail.test ESMTP\r\n"), NO_ROBOTS, greets=True),
        hostile("an SSH server", stalls(b"SSH-2.0-OpenSSH_9.9\r\n"), NO_ROBOTS, greets=True),
        hostile("a TLS server", says(b"\x15\x03\x01\x00\x02\x02\x46"), NO_ROBOTS, greets=True),
        hostile("a server of zero bytes", says(bytes(65536)), NO_ROBOTS, greets=True),
        hostile(
            "two resets, then a page",
            by_visit(resets(), resets(), says(page(titled("At last")))),
            FETCHED,
            is_quick=False,
        ),
        hostile("a slow answer", after(1.0, says(page(titled("Slow, but honest")))), FETCHED),
        hostile(
            "no answer but to the home page",
            by_path({"/": answers(lambda asked: page(titled("Home of silence", "/silent")))}, resets()),
            FETCHED,
            then={"/silent": CONNECT},
        ),
    ),
)
