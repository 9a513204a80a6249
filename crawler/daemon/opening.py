"""Takes a daemon's jobs up from their folder, with all that goes along while it lives, and brings them to rest."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path

from anyio import CancelScope, create_task_group
from anyio.abc import TaskGroup

from ..api import Crawl, open_crawl
from ..errors import unwrapped
from ..fetch import Guard
from ..folder import held
from ..settings import Config
from ..shared import open_shared
from . import asking, recovery, tokens
from .book import Book
from .events import Events
from .folders import Folders
from .job import Record, weight
from .jobs import NOTHING_CHOSEN, Jobs
from .logs import logs_kept
from .owners import within
from .posting import open_post
from .running import Running
from .settings import DaemonConfig, shared_settings
from .store import open_store
from .submission import Reception, Threads
from .webhooks import Webhooks, new_secret, open_webhooks


@asynccontextmanager
async def open_jobs(
    config: DaemonConfig, data: Path, base: Config = NOTHING_CHOSEN, now: Callable[[], float] = time.time
) -> AsyncIterator[Jobs]:
    """All that lies in `data`, going on: what ran when the last daemon ended runs again. `base` is what every job
    begins with. On leaving, what is in hand gets `grace_s`.

    Raises FolderError where another daemon holds the folder, StoreError, StorageFull, ConfigError.
    """
    events = Events()
    base = within(base, config.bounds)
    with (
        logs_kept() as logs,
        unwrapped(),
        _home(data),
        ThreadPoolExecutor(4, thread_name_prefix="daemon files") as executor,
    ):
        async with open_store(data / "daemon.sqlite") as (store, remembered):
            threads = Threads(executor)
            book, folders = Book(store, remembered, events, now), Folders(data)
            reception = Reception.of(book, folders, threads, config, base)
            await recovery.recover(book, folders, threads, reception.new_id, config.max_crashes)

            def settings_of(record: Record) -> Config:
                return asking.ruled(record.settings, reception.rule)

            def secret() -> str:
                return tokens.kept(Path(config.webhook_secret_file or data / "webhook-secret"), new_secret)

            async with open_shared(shared_settings(config, base)) as shared:

                def opened(record: Record) -> AbstractAsyncContextManager[Crawl]:
                    share = weight(record.priority)
                    ruled = asking.in_force(record.settings, reception.rule, is_adopted=record.is_adopted)
                    return open_crawl(ruled, folder=folders.path(record), shared=shared, weight=share)

                running = Running(book, folders, events, opened, settings_of, config, logs, shared.network.files)
                async with _under_way(running, reception, events) as tasks:
                    jobs = Jobs(book, store, reception, running, events, shared.places)
                    await jobs.schedules.open()
                    for task in (jobs.keep_clear, jobs.schedules.run):
                        tasks.start_soon(task)
                    async with open_post(Guard(base.fetch.allow_networks), shared.network.ask) as post:
                        async with open_webhooks(Webhooks(store, jobs, post, secret, now)):
                            yield jobs


@contextmanager
def _home(data: Path) -> Iterator[None]:
    data.mkdir(mode=0o700, parents=True, exist_ok=True)  # jobs may hold passwords
    with held(data):
        yield


@asynccontextmanager
async def _under_way(running: Running, reception: Reception, events: Events) -> AsyncIterator[TaskGroup]:
    with unwrapped():
        async with create_task_group() as tasks:
            tasks.start_soon(running.run)
            try:
                yield tasks
            finally:
                with CancelScope(shield=True):
                    await running.close(reception.config.grace_s)
                events.close()
                tasks.cancel_scope.cancel()
