"""Opens engines: the servers in which crawls of several machines are kept. Kind of URL → backend."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from ..errors import ConfigError, FrontierError
from ..frontier import Terms
from ..protocols import Frontier
from ..runtime.clock import wall
from ..runtime.nearest import did_you_mean
from ..settings import FrontierConfig
from ..sinks.secret_values import reveal

if TYPE_CHECKING:
    from ..backends.engines import EngineServer

POSTGRES = ("postgresql", "postgres")
REDIS = ("redis", "rediss", "valkey", "valkeys")
SCHEMES = (*POSTGRES, *REDIS)
MOST_OFF_S = 60.0
"""How far the clock of a node may be off: other nodes wait so much longer for sites that it visited."""


@asynccontextmanager
async def open_engine_frontier(config: FrontierConfig, terms: Terms) -> AsyncIterator[Frontier]:
    """Joins the crawl that the settings name, which is made if it is missing. Raises ConfigError, FrontierError."""
    if not config.crawl or not config.node:
        raise ConfigError(
            'frontier.kind = "engine" needs the name of the crawl and of the node: frontier.crawl, frontier.node',
            ["frontier.crawl"],
        )
    from ..backends.node import open_node  # noqa: PLC0415 - imported by crawls that use it

    async with open_engine(config.engine) as engine:
        await engine.check_safety(config.durability)
        await _check_clock(engine)
        crawl = await engine.make_crawl(config.crawl, config.shards)
        async with (
            engine.open_backend(crawl, ttl_s=config.ttl_s) as backend,
            open_node(backend, config.node, terms) as node,
        ):
            yield node


async def _check_clock(engine: EngineServer) -> None:
    """Raises FrontierError where the clock of this machine is far off: times of turns and revisits are shared."""
    off_s = wall() - await engine.now()
    if abs(off_s) > MOST_OFF_S:
        raise FrontierError(
            f"the clock of this machine is {abs(off_s):,.0f} s {'ahead of' if off_s > 0 else 'behind'} that of"
            f" {engine.place}: set it right (NTP), and run the same command again"
        )


@asynccontextmanager
async def open_engine(url: str) -> AsyncIterator[EngineServer]:
    """Opens the engine at a URL. Raises ConfigError, FrontierError."""
    url = reveal(url, "frontier.engine") if url else url
    scheme = url.partition("://")[0] if re.match(r"[a-z]+://", url) else ""
    if scheme not in SCHEMES:
        raise ConfigError(
            "--engine: should be like postgresql://user:password@host:5432/database or redis://host:6379/0"
            + (did_you_mean(scheme, SCHEMES, "") if scheme else ""),
            ["frontier.engine"],
        )
    async with (_open_redis if scheme in REDIS else _open_postgres)(url) as engine:
        yield engine


def _open_postgres(url: str) -> AbstractAsyncContextManager[EngineServer]:
    try:
        from ..backends.postgres import PostgresEngine  # noqa: PLC0415 - needs the extra `postgres`
    except ModuleNotFoundError as error:
        raise _without_extra(error, "asyncpg", "postgres") from None
    return PostgresEngine.open(url)


def _open_redis(url: str) -> AbstractAsyncContextManager[EngineServer]:
    try:
        from ..backends.redis import RedisEngine  # noqa: PLC0415 - needs the extra `redis`
    except ModuleNotFoundError as error:
        raise _without_extra(error, "redis", "redis") from None
    return RedisEngine.open(url)


def _without_extra(error: ModuleNotFoundError, package: str, extra: str) -> Exception:
    """Returns the error for a package that is not installed; another missing module is a bug."""
    if error.name != package:
        return error
    return ConfigError(f"--engine needs the extra `{extra}`: pip install 'crawld[{extra}]'")
