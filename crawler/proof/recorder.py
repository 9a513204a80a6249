"""Records each request before it leaves, and how it ended, in the file `requests.audit` of a crawl folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from ..errors import SinkError, StorageFull
from ..model import Outcome, Position, Request, Response
from ..runtime.clock import monotonic, wall
from ..runtime.files import is_full
from ..runtime.threads import run_in_thread
from .chain import Chain, mark_of
from .grounds import grounds
from .robots_bodies import BODIES, RobotsBodies
from .terms import Terms

log = logging.getLogger(__name__)

AUDIT = "requests.audit"
"""The name of the file in a crawl folder."""
ROBOTS_PURPOSES = ("robots", "robots-redirect")
TITLE = "# crawld requests 1"
SYNC_S = 1.0
"""Seconds between two syncs to the disk: a power cut may take the lines of the last one. Each costs a thread's turn."""
INLINE_BYTES = 1 << 14
"""Bodies of robots.txt up to this size are hashed and written on the event loop: 20 µs. Few are longer."""


class RequestRecorder:
    """Writes the audit of one run. It implements Sink and Observer, so what it wrote settles with the outcomes.

    A line stands in the file before its request is sent: one call of the system, into the memory of the system, that
    takes two microseconds and survives `kill -9`. The ends of requests ride along with the next beginning. Lines are
    never cut off, for what was sent was sent.
    """

    def __init__(self, folder: Path, terms: Terms, *, is_synced: bool, loop: str = "") -> None:
        """`loop`: the name of an event loop among several, which has files of its own: `requests.audit.loop-1`."""
        ending = f".{loop}" if loop else ""
        self.name: str = f"{AUDIT}{ending}"
        self._path = folder / self.name
        self._chain = Chain(self._path, TITLE)
        self._bodies = RobotsBodies(folder / f"{BODIES}{ending}")
        self._terms = terms
        self._is_synced = is_synced
        self._sync_at = 0.0
        self._number = 0
        self._asking: set[int] = set()
        """The numbers of requests for robots.txt whose answers were not looked at yet."""
        self._epoch = wall() - monotonic()
        self._now: Callable[[], float] = monotonic

    # -- a run ---------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Opens the files. Blocks. Raises SinkError, StorageFull."""
        try:
            self._bodies.open()
        except OSError as error:
            raise _translate(error) from error
        self._chain.open()

    async def close(self) -> None:
        """Closes the files; all lines are on the disk then, if the settings ask for that."""
        await run_in_thread(self._close)

    def _close(self) -> None:
        if self._is_synced and self._number:
            self._chain.flush()
            self._sync()
        self._chain.close()
        self._bodies.close()

    async def rewind(self, position: Position | None) -> None:
        """Checks that what was settled is there, and begins a run. Cuts off nothing.

        Where lines are gone, the file says so from then on, and so does `crawl prove`.
        """
        size = (position or {}).get(self.name, 0)
        if not self._chain.reaches(size, (position or {}).get(f"{self.name}#", 0)):
            log.warning("%s was cut or changed: %d bytes of it were settled", self._path, size)
            self._add("G", {"settled_bytes": size, "bytes": self._chain.size})
        self._add("R", self._terms)
        self._chain.flush()

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        self._chain.flush()
        position = {self.name: self._chain.size, f"{self.name}#": mark_of(self._chain.last_seal)}
        if self._is_synced and self._now() >= self._sync_at:
            await run_in_thread(self._sync)
            self._sync_at = self._now() + SYNC_S
        return position

    def change_terms(self, terms: Terms, who: str) -> None:
        """Records that other terms hold from now on, if any differ. Raises SinkError, StorageFull."""
        if terms != self._terms:
            self._terms = terms
            self._add("T", {**terms, "who": who})
            self._chain.flush()

    # -- requests ------------------------------------------------------------------------------------------------------

    def begin(self, request: Request, address: str, *, is_resent: bool) -> int:
        """Records that a request is about to be sent; returns its number. Raises SinkError, StorageFull."""
        self._number = number = self._number + 1
        purpose, source, line, why, rest_s, least_s = grounds.get()
        if is_resent:
            why = "resend"
        if purpose in ROBOTS_PURPOSES:
            self._asking.add(number)
        self._chain.add(
            f"> {self._epoch + self._now():.6f} {number} {request.method} {request.url.text} {address or '-'} "
            f"{purpose} {source}:{line} {why} {rest_s:g} {least_s:g}"
        )
        self._chain.flush()
        return number

    def end(self, number: int, status: int, size: int, retry_after: str) -> None:
        """Records the whole answer to a request."""
        asked = f" {_word(retry_after[:200])}" if retry_after and status in (429, 503) else ""
        self._chain.add(f"< {self._epoch + self._now():.6f} {number} {status} {size}{asked}")

    def fail(self, number: int, reason: str) -> None:
        """Records that a request got no whole answer."""
        self._asking.discard(number)
        self._chain.add(f"< {self._epoch + self._now():.6f} {number} - {_word(reason)}")

    async def observe(self, response: Response) -> None:
        """Keeps the bytes of a robots.txt, and of no other answer. Raises SinkError, StorageFull."""
        is_asked = response.number in self._asking
        self._asking.discard(response.number)
        if not is_asked or not 200 <= response.status < 300 or not response.body:
            return
        try:
            if len(response.body) <= INLINE_BYTES:
                digest = self._bodies.keep(response.body)
            else:
                digest = await run_in_thread(self._bodies.keep, response.body)
        except OSError as error:
            raise _translate(error) from error
        coding = _word(response.header("content-encoding").strip().lower()) or "-"
        self._chain.add(f"B {self._epoch + self._now():.6f} {response.number} {digest} {len(response.body)} {coding}")

    def _add(self, kind: str, said: Mapping[str, object]) -> None:
        text = json.dumps(said, separators=(",", ":"))
        self._chain.add(f"{kind} {self._epoch + self._now():.6f} {text}")

    def _sync(self) -> None:
        self._bodies.sync()
        self._chain.sync()


def _translate(error: OSError) -> SinkError | StorageFull:
    if is_full(error):
        return StorageFull(f"no space left for {error.filename or BODIES}: make room and repeat the command")
    return SinkError(f"{error.filename or BODIES} cannot be written: {error}")


def _word(text: str) -> str:
    """Returns text of strangers as one word of ASCII. What is no UTF-8 arrives as surrogates."""
    return quote(text, safe="", errors="surrogateescape")
