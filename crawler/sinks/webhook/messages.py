"""Makes messages of records: the same records make the same message, with the same id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

import orjson

from ...runtime.clock import wall
from ...runtime.signing import sign

TYPE = "crawl.pages"
"""The type of a message."""


class Limits(NamedTuple):
    """The bounds of one message. One record is always sent, however large it is."""

    records: int
    bytes: int
    age_s: float
    """How long a record waits for others."""


@dataclass(frozen=True, slots=True)
class Target:
    """The receiver of messages."""

    name: str
    """The name of the output."""
    site: str
    """The part of the URL that may be shown."""
    url: str = field(repr=False)
    secret: str = field(repr=False)


class Message(NamedTuple):
    """Some records on their way."""

    id: str
    body: bytes

    def fields(self, secret: str) -> dict[str, str]:
        """Returns the header fields of an attempt that is made now."""
        return sign(secret, self.id, int(wall()), self.body)


def make_message(crawl: str, output: str, lines: Sequence[bytes]) -> Message:
    """Returns the message of these records. `crawl` and `output` name where they come from."""
    when = orjson.loads(lines[-1])["fetched_at"]
    head = orjson.dumps({"type": TYPE, "timestamp": when, "data": {"crawl": crawl}})
    body = head[:-2] + b',"pages":[' + b",".join(line.rstrip() for line in lines) + b"]}}"
    return Message(f"msg_{sha256(f'{crawl} {output} '.encode() + body).hexdigest()[:32]}", body)
