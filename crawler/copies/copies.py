"""Copies the files of a crawl that never change any more, one at a time, beside the crawl and at its end."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from anyio import create_task_group, move_on_after

from ..errors import ConfigError, CrawlError, SinkError
from ..model import Position
from ..protocols import Finishing, Output
from ..remote import check_bucket, open_object
from ..runtime.counting import many
from ..runtime.private_files import opener
from ..runtime.threads import finish_in_thread, run_in_thread
from .ledger import LEDGER, Ledger, length_of

log = logging.getLogger(__name__)

LOOK_S = 5.0
"""How often it looks for files that are finished."""
LONGEST_REST_S = 300.0
"""The longest rest after a failure; the first is LOOK_S, and each is twice the one before."""
HURRIED_S = 5.0
"""How long a copy may still take once the run is to end."""
_PIECE_BYTES = 1 << 20

Positions = Callable[[], Awaitable[Mapping[str, Position]]]


@asynccontextmanager
async def open_copies(outputs: Sequence[Output], folder: Path, to: str, positions: Positions) -> AsyncIterator[Copies]:
    """Copies within the block, and what is left at its end, by when the outputs have to be closed.

    `to` is the URL of a place in a store, and `positions` returns what is settled now. Raises ConfigError where the
    place cannot be used, no output has files that can be copied, or the extra is missing; SinkError where the store
    cannot be reached, and at the end where it did not take all files.
    """
    copies = Copies(outputs, folder, to, positions)
    await run_in_thread(copies.begin)
    trouble: BaseException | None = None  # raised outside of the group, which would put it into one of its own
    async with create_task_group() as tasks:
        tasks.start_soon(copies.run)
        try:
            yield copies
        except BaseException as error:  # noqa: BLE001 - it goes on below
            trouble = error
            copies.give_up()
        copies.end()
    if trouble is not None:
        raise trouble
    await copies.finish()


class Copies:
    """Brings every finished file to the store once, and again where it was cut or grew since."""

    def __init__(self, outputs: Sequence[Output], folder: Path, to: str, positions: Positions) -> None:
        self._outputs = [(output.name, output) for output in outputs if isinstance(output, Finishing)]
        self._folder = folder
        self._to = to.rstrip("/")
        self._positions = positions
        self._ledger = Ledger(folder / LEDGER, self._to)
        self._ending = asyncio.Event()
        self._is_hurried = False
        self._is_given_up = threading.Event()
        """Set: the copy under way is abandoned; the store keeps nothing of it."""

    def begin(self) -> None:
        """Asks the store whether it may be written, and reads what it has. Blocks."""
        if not self._outputs:
            words = "no output of this crawl has files that can be copied: warc, parquet, jsonl and csv have"
            raise ConfigError(f"copies.to: {words}", ["copies.to"], [words])
        check_bucket(f"{self._to}/{LEDGER}")
        try:
            self._ledger.load()
        except OSError as error:
            raise SinkError(f"{self._folder / LEDGER} cannot be read: {error.strerror or error}") from error

    def hurry(self) -> None:
        """Begins no copy any more, and gives the one under way a few seconds: the run is to end."""
        if not self._is_hurried:
            self._is_hurried = True
            asyncio.get_running_loop().call_later(HURRIED_S, self._is_given_up.set)

    def give_up(self) -> None:
        """Abandons the copy under way."""
        self._is_hurried = True
        self._is_given_up.set()

    def end(self) -> None:
        """Makes `run` return after the copy under way."""
        self._ending.set()

    async def run(self) -> None:
        """Copies finished files until `end`. A store that fails is asked again later; the crawl goes on meanwhile."""
        rest_s = LOOK_S
        while not self._ending.is_set():
            try:
                await self._copy_finished(is_over=False)
                rest_s = LOOK_S
            except CrawlError as error:
                rest_s = min(2 * rest_s, LONGEST_REST_S)
                log.warning("%s. The files stay in the folder and are copied later", error)
            with move_on_after(rest_s):
                await self._ending.wait()

    async def finish(self) -> None:
        """Copies what is left. Raises SinkError if the store does not take it."""
        if not self._is_hurried:
            await self._copy_finished(is_over=True)
        elif left := await self._find_left(is_over=True):
            what = many(len(left), "file is not copied yet", "files are not copied yet")
            log.warning("%s to %s: the next run does it", what, self._to)

    async def _copy_finished(self, *, is_over: bool) -> None:
        for name, size in await self._find_left(is_over=is_over):
            if self._is_hurried or (self._ending.is_set() and not is_over):
                return
            _, cancelled = await finish_in_thread(partial(self._copy, name, size))
            if cancelled:
                raise cancelled

    async def _find_left(self, *, is_over: bool) -> Sequence[tuple[str, int]]:
        """Returns name and length of each finished file that the store has not. Raises SinkError."""
        positions = await self._positions()
        try:
            return await run_in_thread(lambda: list(self._find(positions, is_over)))
        except OSError as error:
            raise SinkError(f"{self._folder} cannot be read: {error.strerror or error}") from error

    # -- in a thread -------------------------------------------------------------------------------------------------

    def _find(self, positions: Mapping[str, Position], is_over: bool) -> Iterator[tuple[str, int]]:
        for sink, output in self._outputs:
            position = positions.get(sink)
            for name in output.find_finished(position, is_over=is_over) if position else ():
                size = length_of(self._folder / name)
                if size >= 0 and not self._ledger.has(name, size):
                    yield name, size

    def _copy(self, name: str, size: int) -> None:
        """Copies one file, as it is now. Raises SinkError, also where the file cannot be read."""
        try:
            with open(self._folder / name, "rb", opener=opener) as file, open_object(f"{self._to}/{name}") as target:
                while piece := file.read(_PIECE_BYTES):
                    if self._is_given_up.is_set():
                        raise _Abandoned
                    target.write(piece)
            self._ledger.note(name, size)
        except _Abandoned:
            return
        except OSError as error:
            raise SinkError(f"{name} cannot be copied to {self._to}: {error.strerror or error}") from error
        log.info("copied %s to %s", name, self._to)


class _Abandoned(Exception):
    """The run is to end."""
