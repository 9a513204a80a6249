"""TLS: handshakes that stall or break, certificates that prove nothing, connections that end without a word.

The certificates in certificates/ are for these addresses and for nothing else: their keys are public. `authority.pem`
signed `good`, `expired`, `future` and `wronghost`; the crawl is told to trust it.
"""

from __future__ import annotations

import os

from tests.hostile.answers import HTML, MISSING, OK, drips, page, resets, says, stalls, titled
from tests.hostile.behaviour import CONNECT, FETCHED, NO_ROBOTS, SLOW, TLS, Family, hostile
from tests.hostile.line import Asked, Line

_SERVER_HELLO = bytes.fromhex("160303007a020000760303") + bytes(range(32)) + b"\x20" + bytes(32) + b"\x13\x01\x00"


async def _cuts_short(line: Line, asked: Asked) -> None:
    """Ends the body before its length, and TCP without TLS's own goodbye."""
    await line.send(OK, HTML, b"Content-Length: 4000\r\n\r\n<title>Cut</title>")
    await line.reset()


async def _speaks_plain_later(line: Line, asked: Asked) -> None:
    """A record that is none, in the middle of a secure connection."""
    await line.send(OK, HTML, b"Content-Length: 4000\r\n\r\n")
    wire = line.writer.get_extra_info("socket")
    os.write(wire.fileno(), b"HTTP/1.1 200 OK\r\n\r\nplain words")


async def _leaves_the_end_open(line: Line, asked: Asked) -> None:
    """An answer without a length on a connection that is broken off: nobody can tell whether it was whole."""
    await line.send(OK, HTML, b"\r\n", titled("Cut by whom?").encode())
    await line.reset()


async def _honest(line: Line, asked: Asked) -> None:
    line.stays = True
    await line.send(page(titled("Secure")))


FAMILY = Family(
    "TLS",
    (
        hostile("a good certificate", _honest, FETCHED, certificate="good"),
        hostile("an expired certificate", _honest, TLS, certificate="expired"),
        hostile("a certificate of next century", _honest, TLS, certificate="future"),
        hostile("a certificate for another host", _honest, TLS, certificate="wronghost"),
        hostile("a certificate that signs itself", _honest, TLS, certificate="selfsigned"),
        hostile("a certificate by nobody known", _honest, TLS, certificate="unknown"),
        hostile("a body cut short in TLS", _cuts_short, CONNECT, certificate="good"),
        hostile("plain words within TLS", _speaks_plain_later, TLS, certificate="good"),
        hostile("an end that TLS did not announce", _leaves_the_end_open, CONNECT, certificate="good"),
        hostile("silence after the handshake", stalls(), SLOW, certificate="good", is_quick=False),
        hostile("HTTP where TLS is asked for", says(MISSING), TLS, greets=True, is_https=True),
        hostile("garbage for a handshake", says(bytes(range(256)) * 16), TLS, greets=True, is_https=True),
        hostile(
            "a record larger than any",
            says(b"\x16\x03\x03\xff\xff" + bytes(65535)),
            TLS,
            greets=True,
            is_https=True,
        ),
        hostile("half a handshake", stalls(_SERVER_HELLO), NO_ROBOTS, greets=True, is_https=True, is_quick=False),
        hostile("no handshake at all", stalls(), NO_ROBOTS, greets=True, is_https=True, is_quick=False),
        hostile(
            "a handshake at a byte a second",
            drips(b"", _SERVER_HELLO),
            NO_ROBOTS,
            greets=True,
            is_https=True,
            is_quick=False,
        ),
        hostile("closed at the handshake", says(), CONNECT, greets=True, is_https=True),
        hostile("reset at the handshake", resets(), CONNECT, greets=True, is_https=True),
        hostile("alert: handshake failure", says(b"\x15\x03\x03\x00\x02\x02\x28"), TLS, greets=True, is_https=True),
        hostile("alert: protocol version", says(b"\x15\x03\x01\x00\x02\x02\x46"), TLS, greets=True, is_https=True),
        hostile("alerts without end", says(b"\x15\x03\x03\x00\x02\x01\x00" * 9999), TLS, greets=True, is_https=True),
    ),
)
