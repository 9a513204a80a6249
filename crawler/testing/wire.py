"""Turns an answer into the steps that a connection takes to send it.

A *play* is a function from an `Answer` to its steps: bytes to send, a `Wait`, or an `Ending` of the connection. An
honest server plays `whole`. Each misbehaviour (dripping, cutting short, resetting, wrong framing) is another play.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

CHUNK_BYTES = 16 * 1024
BODILESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Wait:
    """Sends nothing for some seconds."""

    seconds: float


class Ending(Enum):
    """The ways in which a connection ends too early."""

    CLOSE = "close"  # an orderly FIN
    RESET = "reset"  # an RST, which drops data in flight


Step = bytes | Wait | Ending
Play = Callable[["Answer"], Iterator[Step]]


def whole(answer: Answer) -> Iterator[Step]:
    """Sends head, Content-Length and body at once."""
    yield whole_bytes(answer)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP/1.1 answer, and its play."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    play: Play = whole

    def steps(self) -> Iterator[Step]:
        """Returns the steps that send this answer."""
        play = self.play
        return play(self)


def whole_bytes(answer: Answer) -> bytes:
    """Returns the whole answer in bytes, framed by Content-Length."""
    if answer.status in BODILESS:
        return head(answer)
    return sized_head(answer) + answer.body


def sized_head(answer: Answer) -> bytes:
    """Returns the head of an answer with the length of its body."""
    return head(answer, ("Content-Length", str(len(answer.body))))


def head(answer: Answer, *framing: tuple[str, str]) -> bytes:
    """Returns status line and headers, with the empty line at their end."""
    lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}"]
    lines += [f"{name}: {value}" for name, value in (*answer.headers, *framing)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def after(seconds: float, play: Play) -> Play:
    """Returns a play that waits first."""

    def delayed(answer: Answer) -> Iterator[Step]:
        yield Wait(seconds)
        yield from play(answer)

    return delayed


def dripped(chunk_bytes: int, pause_s: float) -> Play:
    """Returns a play that sends the head at once, then the body in small pieces with a pause before each."""

    def drip(answer: Answer) -> Iterator[Step]:
        yield sized_head(answer)
        for piece in _pieces(answer.body, chunk_bytes):
            yield Wait(pause_s)
            yield piece

    return drip


def chunked(chunk_bytes: int = CHUNK_BYTES) -> Play:
    """Returns a play in correct Transfer-Encoding: chunked."""

    def chunks(answer: Answer) -> Iterator[Step]:
        yield head(answer, ("Transfer-Encoding", "chunked"))
        for piece in _pieces(answer.body, chunk_bytes):
            yield b"%x\r\n%b\r\n" % (len(piece), piece)
        yield b"0\r\n\r\n"

    return chunks


def badly_chunked(answer: Answer) -> Iterator[Step]:
    """Sends Transfer-Encoding: chunked, with a second chunk whose size is no number."""
    first = answer.body[:CHUNK_BYTES]
    yield head(answer, ("Transfer-Encoding", "chunked"))
    yield b"%x\r\n%b\r\n" % (len(first), first)
    yield b"not-a-size\r\nrubbish\r\n"
    yield Ending.CLOSE


def cut_off(sent_bytes: int, ending: Ending = Ending.CLOSE) -> Play:
    """Returns a play that promises the whole body, and ends the connection after `sent_bytes` of it."""

    def cut(answer: Answer) -> Iterator[Step]:
        yield sized_head(answer)
        yield answer.body[:sent_bytes]
        yield ending

    return cut


def unframed(answer: Answer) -> Iterator[Step]:
    """Sends neither length nor chunks: the body ends with the connection, as in HTTP/1.0."""
    yield head(answer, ("Connection", "close"))
    yield answer.body
    yield Ending.CLOSE


def endless(answer: Answer) -> Iterator[Step]:
    """Sends the body in chunks again and again, for as long as the client reads."""
    yield head(answer, ("Transfer-Encoding", "chunked"))
    while True:
        yield b"%x\r\n%b\r\n" % (len(answer.body), answer.body)


def raw(data: bytes) -> Play:
    """Returns a play that sends exactly these bytes, which need not be HTTP, and ends the connection."""

    def bytes_alone(_: Answer) -> Iterator[Step]:
        yield data
        yield Ending.CLOSE

    return bytes_alone


def dropped(ending: Ending) -> Play:
    """Returns a play that ends the connection without a byte."""

    def nothing(_: Answer) -> Iterator[Step]:
        yield ending

    return nothing


def silent(_: Answer) -> Iterator[Step]:
    """Sends nothing and does not end: the client must give up first."""
    while True:
        yield Wait(3600.0)


def _pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
