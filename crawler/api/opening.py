"""Opens crawls: `crawl` runs one to its end, `open_crawl` gives full control.

`crawl_sync` is `crawl` for programs without an event loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterable, AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from logging import INFO, WARNING
from pathlib import Path
from typing import Unpack

from anyio import CancelScope

from ..assembly.crawl_parts import Stacking
from ..assembly.given import OpenFetcher, check_fetcher, check_hooks, check_sinks
from ..assembly.parsing import Parse, refuse_function_of_folder, take_parse
from ..assembly.shared import Shared
from ..assembly.works import Works
from ..engine.hooked_fetcher import AfterResponse, BeforeRequest
from ..errors import ConfigError, CrawlError, unwrap_group
from ..event_loop import loop_factory, require_asyncio
from ..folder.folder import Folder, open_folder
from ..metrics.metrics import Summary
from ..offload import refuse_in_worker
from ..protocols import Fetcher, Sink
from ..runtime.ownership import NOBODY, Trust
from ..settings import Config, Settings
from ..settings.loading import amend
from .past import begin_history
from .running import Crawl
from .seeds import OnBadSeed, Seed, check_choice

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_crawl(  # noqa: PLR0913 - one for each thing that is no setting
    config: Config | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    fresh: bool = False,
    sinks: Sequence[Sink] = (),
    fetcher: Fetcher | OpenFetcher | None = None,
    parse: Parse[object] | None = None,
    before_request: BeforeRequest | None = None,
    after_response: AfterResponse | None = None,
    shared: Shared | None = None,
    weight: float = 1.0,
    on_bad_seed: OnBadSeed = "raise",
    trust: Trust = NOBODY,
    **settings: Unpack[Settings],
) -> AsyncIterator[Crawl]:
    """Opens a crawl with all its parts, ready to run.

    `folder` holds its state and its pages; a crawl in it is continued. Without a folder the state is in memory and
    outcomes go to `sinks` alone. `settings` are settings of `Config` by name: `max_depth=2, delay_s=0.1`. `parse` is
    called in a worker with the Content of each page, or is a list of pairs, a pattern or Label and such a function; the
    result becomes the record's `data`, and a `Parsed` brings links as well. `fetcher` makes the exchanges,
    or is a function that gets the crawl's own fetcher and returns one that may hold it: `lambda inner: Mine(inner)`.
    `before_request` and `after_response` are called around each exchange of a visit. With `shared` the crawl is one of
    several that share workers, memory and places, and visit each site in turn; places go by `weight`. `on_bad_seed`
    says what happens to a seed that is no URL: "raise" ends the call with UrlError, "skip" goes on with the next one
    and lists it in `Summary.bad_seeds`. Once the block has ended, the crawl refuses further calls.
    Raises ConfigError, FolderError, FrontierError.
    """
    require_asyncio()
    check_choice(on_bad_seed)
    refuse_in_worker()
    with unwrap_group():
        async with AsyncExitStack() as stack:
            config = amend(config or Config(), settings)
            named = config.extract.function
            extract = take_parse(parse, shared.config if shared else config, named)
            check_fetcher(fetcher)
            given, hooks = check_sinks(sinks), check_hooks(before_request, after_response)
            home: Folder | None = None
            if folder is not None:
                opening = open_folder(Path(folder), config, fresh=fresh, trust=trust)
                with CancelScope(shield=True):  # waits for the disk; a locked folder must reach the stack, to be closed
                    opened = await asyncio.to_thread(opening.__enter__)
                stack.push(opening)
                home, config = opened, opened.config
                for remark in opened.remarks:
                    log.log(WARNING if opened.newer else INFO, "%s: %s", opened.path, remark)
            if parse is None and config.extract.function != named:
                raise refuse_function_of_folder(config.extract.function)
            if shared:
                shared.check(config, weight)
            stacking = Stacking(stack, config, home, given, fetcher, extract, shared, weight, hooks)
            works = await _open_works(stacking, stack, home)
            history = await stack.enter_async_context(begin_history(home)) if home else None
            opened_crawl = Crawl(config, home, works, on_bad_seed, history)
            try:
                yield opened_crawl
            finally:
                await opened_crawl.close()


async def _open_works(stacking: Stacking, stack: AsyncExitStack, home: Folder | None) -> Works:
    """Opens the parts. A folder that was made for settings with which they cannot be opened is removed again."""
    refused = stack.enter_context(ExitStack())  # below the parts: left when they are closed
    try:
        return await stacking.works()
    except ConfigError:
        if home is not None and home.is_new:
            refused.callback(home.discard)
        raise


async def crawl(  # noqa: PLR0913
    seeds: Iterable[Seed] | AsyncIterable[Seed],
    config: Config | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    fresh: bool = False,
    sinks: Sequence[Sink] = (),
    fetcher: Fetcher | OpenFetcher | None = None,
    parse: Parse[object] | None = None,
    before_request: BeforeRequest | None = None,
    after_response: AfterResponse | None = None,
    shared: Shared | None = None,
    weight: float = 1.0,
    on_bad_seed: OnBadSeed = "raise",
    trust: Trust = NOBODY,
    **settings: Unpack[Settings],
) -> Summary:
    """Crawls the seeds to the end and returns a summary. Arguments and errors are those of `open_crawl`."""
    config = amend(config or Config(), settings)
    async with open_crawl(
        config, folder=folder, fresh=fresh, sinks=sinks, fetcher=fetcher, parse=parse, before_request=before_request,
        after_response=after_response, shared=shared, weight=weight, on_bad_seed=on_bad_seed, trust=trust,
    ) as opened:  # fmt: skip
        return await opened.run(seeds)


def crawl_sync(  # noqa: PLR0913
    seeds: Iterable[Seed] | AsyncIterable[Seed],
    config: Config | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    fresh: bool = False,
    sinks: Sequence[Sink] = (),
    fetcher: Fetcher | OpenFetcher | None = None,
    parse: Parse[object] | None = None,
    before_request: BeforeRequest | None = None,
    after_response: AfterResponse | None = None,
    on_bad_seed: OnBadSeed = "raise",
    trust: Trust = NOBODY,
    **settings: Unpack[Settings],
) -> Summary:
    """Does what `crawl` does, for programs without an event loop: it starts one, uvloop's if that is installed.

    Ctrl-C drops the visits under way, closes the crawl and raises KeyboardInterrupt; in a folder, the next call goes
    on where this one was. Raises CrawlError where an event loop runs already.
    """
    with suppress(RuntimeError):  # there is no loop
        asyncio.get_running_loop()
        raise CrawlError("an event loop runs here already: use `await crawl(...)` instead of crawl_sync(...)")

    config = amend(config or Config(), settings)

    def work() -> Coroutine[object, object, Summary]:
        return crawl(
            seeds, config, folder=folder, fresh=fresh, sinks=sinks, fetcher=fetcher, parse=parse,
            before_request=before_request, after_response=after_response, on_bad_seed=on_bad_seed, trust=trust,
        )  # fmt: skip

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(work())
