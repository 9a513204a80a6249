"""Hands outcomes to the embedding program as they come."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
from anyio.abc import ObjectSendStream

from ..errors import SinkError
from ..model import Outcome, Position


class ReaderGone(SinkError):
    """Raised when nobody reads the stream any more."""


class Stream:
    """A sink that waits for its reader.

    It cannot be cut back: after a crash, outcomes that were read and not settled come again (at least once). Each visit
    of a URL is final once, so a repetition has the same `outcome.url` and `outcome.request.visit`.
    """

    name = "stream"

    def __init__(self, outcomes: ObjectSendStream[Outcome]) -> None:
        self._outcomes = outcomes

    async def rewind(self, position: Position | None) -> None:
        """Does nothing: a stream cannot be cut back."""

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        try:
            for outcome in outcomes:
                await self._outcomes.send(outcome)
        except anyio.BrokenResourceError as error:
            raise ReaderGone("the reader of the stream went away") from error
        return {}
