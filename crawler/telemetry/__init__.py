"""Tells by OpenTelemetry what crawls do, where that is switched on. Nothing of it is imported otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from importlib import import_module
from typing import Protocol, cast

from ..errors import ConfigError
from ..metrics.meters import Meters
from ..metrics.metrics import Summary
from ..model import Lease, Outcome
from ..protocols import Fetcher
from ..settings import TelemetryConfig

Visit = Callable[[Lease], Awaitable[Outcome]]


class Tracing(Protocol):
    """Makes the spans of one crawl."""

    def run(self, crawl_id: str, name: str) -> AbstractContextManager[Callable[[Summary], None]]:
        """Makes the span of a run, which goes on within the block. Call what it yields with the result of the run.

        `name` is the id of the job that the crawl belongs to; empty: it belongs to none.
        """
        ...

    def trace_visits(self, visit: Visit) -> Visit:
        """Returns a function that visits, with a span for the share of visits that is traced."""
        ...

    def trace_exchanges(self, fetcher: Fetcher) -> Fetcher:
        """Returns a Fetcher with a span for each exchange of a traced visit."""
        ...


class Telemetry(Protocol):
    """Tells about the crawls of a process."""

    def open_tracing(self) -> Tracing:
        """Returns what makes the spans of one more crawl."""
        ...


@asynccontextmanager
async def open_telemetry(config: TelemetryConfig, meters: Meters) -> AsyncIterator[Telemetry | None]:
    """Opens what the settings ask for: None if they ask for nothing. Raises ConfigError if the extra is missing.

    Figures are read from `meters`, now and then. At the end, what is not sent yet gets a few seconds.
    """
    if not config.otel:
        yield None
        return
    try:
        sending = import_module(".sending", __package__)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        raise ConfigError(
            f"telemetry.otel needs the extra `otel`, and {error.name} is missing: pip install 'crawld[otel]'",
            ["telemetry.otel"],
        ) from None
    opening = cast("Callable[..., AbstractAsyncContextManager[Telemetry]]", sending.open_sending)
    async with opening(config, meters) as telemetry:
        yield telemetry
