"""Opens streams: the outcomes of a crawl as they come, with what the parse function returned."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Unpack, overload

import anyio
from anyio import create_task_group
from anyio.abc import ObjectSendStream

from ..assembly.given import OpenFetcher, check_sinks
from ..assembly.parsing import Parse
from ..assembly.shared import Shared
from ..engine.hooked_fetcher import AfterResponse, BeforeRequest
from ..model import Outcome
from ..parse import Content, Parsed
from ..protocols import Fetcher, Sink
from ..runtime.ownership import Trust
from ..settings import Config, Settings
from ..sinks import ReaderGone, Stream
from .opening import open_crawl
from .running import Crawl
from .seeds import OnBadSeed, Seed

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    T = TypeVar("T", default=Any)
else:  # only checkers need the default
    from typing import TypeVar

    T = TypeVar("T")


class StreamOptions(Settings, total=False):
    """Keywords of `stream`: those of `open_crawl` but for `parse`."""

    folder: str | os.PathLike[str] | None
    fresh: bool
    sinks: Sequence[Sink]
    fetcher: Fetcher | OpenFetcher | None
    before_request: BeforeRequest | None
    after_response: AfterResponse | None
    shared: Shared | None
    weight: float
    on_bad_seed: OnBadSeed
    trust: Trust


@overload
def stream(
    seeds: Iterable[Seed] | AsyncIterable[Seed],
    config: Config | None = None,
    *,
    parse: Callable[[Content], Parsed[T] | None],
    **options: Unpack[StreamOptions],
) -> AbstractAsyncContextManager[AsyncIterator[Outcome[T]]]: ...
@overload
def stream(
    seeds: Iterable[Seed] | AsyncIterable[Seed],
    config: Config | None = None,
    *,
    parse: Callable[[Content], T | None],
    **options: Unpack[StreamOptions],
) -> AbstractAsyncContextManager[AsyncIterator[Outcome[T]]]: ...
@overload
def stream(
    seeds: Iterable[Seed] | AsyncIterable[Seed],
    config: Config | None = None,
    *,
    parse: Sequence[tuple[str, Callable[[Content], object]]] | None = None,
    **options: Unpack[StreamOptions],
) -> AbstractAsyncContextManager[AsyncIterator[Outcome]]: ...
@asynccontextmanager
async def stream(
    seeds: Iterable[Seed] | AsyncIterable[Seed],
    config: Config | None = None,
    *,
    parse: Parse[object] | None = None,
    **options: Unpack[StreamOptions],
) -> AsyncIterator[AsyncIterator[Outcome[Any]]]:
    """Opens a stream of final outcomes. The crawl goes no faster than they are read, and ends with the block.

    Arguments and errors are those of `open_crawl`. `Outcome.data` is what the parse function returned.
    """
    given = check_sinks(options.get("sinks", ()))
    send, receive = anyio.create_memory_object_stream[Outcome](0)
    options["sinks"] = [*given, Stream(send)]
    opening = open_crawl(config, parse=parse, **options)
    async with send, receive, opening as opened, create_task_group() as tasks:
        tasks.start_soon(_run_into, opened, seeds, send)
        try:
            yield receive
        finally:
            opened.abort()
            receive.close()


async def _run_into(
    opened: Crawl, seeds: Iterable[Seed] | AsyncIterable[Seed], send: ObjectSendStream[Outcome]
) -> None:
    async with send:
        with suppress(ReaderGone):
            await opened.run(seeds)
