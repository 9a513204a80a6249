"""Lists what each kind in the settings is opened with: frontiers, sinks, fetchers and executors.

An installed package adds frontiers, sinks and fetchers by entry points; docs/plugins.md shows how.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

from ..fetch import ForeignFetcher
from ..frontier import Terms, open_memory, open_sqlite
from ..offload import Workers, open_inline, open_offloader
from ..protocols import Fetcher, Frontier, Offloader
from ..settings import Config, FrontierConfig
from ..settings.kinds import Kinds, blame_package, check_shape
from ..sinks import SINKS, make_outputs

__all__ = ["EXECUTORS", "FETCHERS", "FRONTIERS", "SINKS", "check", "enter_fetcher", "enter_frontier"]

T = TypeVar("T")
Opening = AbstractAsyncContextManager[T]
OpenFrontier = Callable[[Path | None, FrontierConfig, Terms], Opening[Frontier]]
"""Opens a frontier in a crawl folder; None: the crawl has no folder. Raises ConfigError, FrontierError."""
OpenFetcher = Callable[[Fetcher, Mapping[str, object]], Opening[Fetcher]]
"""Opens a fetcher around the given one, with its options. Raises ConfigError."""
OpenOffloader = Callable[[Workers], Opening[Offloader]]


@asynccontextmanager
async def _open_http(inner: Fetcher, options: Mapping[str, object]) -> AsyncIterator[Fetcher]:
    """Gives the fetcher as it is: it makes the exchanges itself."""
    yield inner


def _open_sqlite(folder: Path | None, config: FrontierConfig, terms: Terms) -> Opening[Frontier]:
    if folder is None:
        return open_memory(terms)
    return open_sqlite(folder / "frontier.sqlite", terms, durability=config.files_survive)


def _open_memory(folder: Path | None, config: FrontierConfig, terms: Terms) -> Opening[Frontier]:
    return open_memory(terms)


def _open_auto(workers: Workers) -> Opening[Offloader]:
    from ..offload import open_auto  # noqa: PLC0415 - imported by crawls that use it

    return open_auto(workers)


def _open_engine(folder: Path | None, config: FrontierConfig, terms: Terms) -> Opening[Frontier]:
    from .engines import open_engine_frontier  # noqa: PLC0415 - imported by crawls that use it

    return open_engine_frontier(config, terms)


FRONTIERS: Kinds[OpenFrontier] = Kinds(
    "crawld.frontiers", {"sqlite": _open_sqlite, "memory": _open_memory, "engine": _open_engine}
)
FETCHERS: Kinds[OpenFetcher] = Kinds("crawld.fetchers", {"http": _open_http})
EXECUTORS: Mapping[str, OpenOffloader] = {
    "process": open_offloader,
    "thread": open_offloader,
    "inline": open_inline,
    "auto": _open_auto,
}


def check(config: Config) -> None:
    """Raises ConfigError for a kind that is unknown or cannot be loaded, and for outputs that cannot be made."""
    FRONTIERS.find(config.frontier.kind, "frontier.kind", config.frontier.store_options)
    FETCHERS.find(config.fetch.fetcher_kind, "fetch.fetcher_kind", config.fetch.fetcher_options)
    make_outputs(Path(), config)


async def enter_frontier(stack: AsyncExitStack, folder: Path | None, config: FrontierConfig, terms: Terms) -> Frontier:
    """Opens the frontier that the settings name. Raises ConfigError, FrontierError."""
    make, package = FRONTIERS.find(config.kind, "frontier.kind", config.store_options)
    with blame_package(package, "frontier.kind"):
        frontier = await stack.enter_async_context(make(folder, config, terms))
    if package:
        check_shape(frontier, Frontier, f"the package {package}", "frontier.kind")
    return frontier


async def enter_fetcher(stack: AsyncExitStack, inner: Fetcher, config: Config) -> Fetcher:
    """Opens the fetcher that the settings name around `inner`. Raises ConfigError."""
    make, package = FETCHERS.find(config.fetch.fetcher_kind, "fetch.fetcher_kind", config.fetch.fetcher_options)
    with blame_package(package, "fetch.fetcher_kind"):
        fetcher = await stack.enter_async_context(make(inner, config.fetch.fetcher_options))
    if package:
        check_shape(fetcher, Fetcher, f"the package {package}", "fetch.fetcher_kind")
        return ForeignFetcher(fetcher)
    return fetcher
