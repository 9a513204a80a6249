"""Opens all jobs of a data folder with everything that runs beside them, and stops them at the end."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path

from anyio import CancelScope, create_task_group
from anyio.abc import TaskGroup

from ..api import Crawl, open_crawl
from ..assembly import kinds
from ..assembly.shared import open_shared
from ..errors import FolderError, unwrap_group
from ..event_loop import require_asyncio
from ..fetch import Guard
from ..fetch.posting import open_post
from ..folder.folder import lock_folder
from ..metrics.totals import run_name
from ..runtime.ownership import Trust, check_contents, check_writers
from ..runtime.private_files import BESIDE, DRAFT, Unsafe, check_place, close_to_others, make_folder
from ..runtime.signing import new_secret
from ..runtime.threads import finish_in_thread, run_in_thread
from ..settings import Config
from . import tokens
from .api import NOTHING_CHOSEN, Jobs
from .events import Events
from .jobs import recovery, validation
from .jobs.folders import Folders
from .jobs.job import Record, weight_of
from .jobs.registry import Registry
from .jobs.store import open_store
from .jobs.submission import Submissions, Threads
from .meters import DaemonMeters
from .owners import clamp_to_bounds
from .runs.logs import keep_logs
from .runs.scheduler import Scheduler
from .settings import ADDRESS, DaemonConfig, shared_settings, trust_in
from .webhooks.delivery import Webhooks, open_webhooks

log = logging.getLogger(__name__)

DATABASE = "daemon.sqlite"
OWN_FILES = (DATABASE, *(f"{DATABASE}{end}" for end in BESIDE), "lock", ADDRESS, f"{ADDRESS}{DRAFT}")
"""The daemon's own files in its data folder, which are made private. Token files that others can read are refused."""


@asynccontextmanager
async def open_jobs(
    config: DaemonConfig, data: Path, base: Config = NOTHING_CHOSEN, now: Callable[[], float] = time.time
) -> AsyncIterator[Jobs]:
    """Opens the jobs in `data`. Jobs that ran when the last daemon ended run again.

    `base` are the settings that every job starts from. At the end, visits under way get `grace_s` to finish. Raises
    FolderError if another daemon holds the folder, StoreError, StorageFull, ConfigError.
    """
    require_asyncio()
    kinds.check(base)
    events = Events()
    base = clamp_to_bounds(base, config.bounds)
    trust = trust_in(config)
    with (
        keep_logs() as logs,
        unwrap_group(),
        ThreadPoolExecutor(4, thread_name_prefix="daemon files") as executor,
    ):
        async with _open_home(data, trust), open_store(data / DATABASE) as (store, remembered):
            threads = Threads(executor)
            registry, folders = Registry(store, remembered, events, now), await run_in_thread(Folders, data, trust)
            reception = Submissions.of(registry, folders, threads, config, base)
            await recovery.recover(registry, folders, threads, reception.new_id, config.max_crashes)

            def settings_of(record: Record) -> Config:
                return validation.apply_rules(record.settings, reception.rule)

            def secret() -> str:
                return tokens.read_or_make(
                    Path(config.webhook_secret_file or data / "webhook-secret"), new_secret, trust_in(config)
                )

            async with open_shared(shared_settings(config, base)) as shared:

                def opened(record: Record) -> AbstractAsyncContextManager[Crawl]:
                    run_name.set(record.id)  # in the task of its run
                    share = weight_of(record.priority)
                    ruled = validation.settings_in_force(record.settings, reception.rule, is_adopted=record.is_adopted)
                    return open_crawl(
                        ruled, folder=folders.path(record), shared=shared, weight=share, trust=folders.trust
                    )

                scheduler = Scheduler(
                    registry, folders, events, opened, settings_of, config, logs, shared.network.files
                )
                async with _run_jobs(scheduler, reception, events) as tasks:
                    jobs = Jobs(registry, store, reception, scheduler, events, shared)
                    await jobs.schedules.open()
                    for task in (jobs.keep_clear, jobs.schedules.run, jobs.reports.run, jobs.changes.run):
                        tasks.start_soon(task)
                    async with open_post(Guard(base.fetch.allow_networks), shared.network.ask) as post:
                        async with open_webhooks(Webhooks(store, jobs, post, secret, now)):
                            figures = shared.meters.offer("jobs", DaemonMeters(jobs).read)
                            with figures, shared.vitals.lateness.watch():
                                yield jobs


def make_home(data: Path, trust: Trust) -> str | None:
    """Makes the data folder, whose jobs may hold passwords. Returns a warning if others may write there, else None.

    Raises FolderError if it belongs to another account or others may write there, and `trust` does not allow that.
    """
    try:
        make_folder(data)
        check_contents(data, trust)
        for name in OWN_FILES:
            check_place(data / name)
        return check_writers(data, trust, holds_secrets=True)
    except Unsafe as error:
        raise FolderError(str(error)) from error
    except OSError as error:
        raise FolderError(f"{data} cannot be the data folder: {error.strerror}") from error


@asynccontextmanager
async def _open_home(data: Path, trust: Trust) -> AsyncIterator[None]:
    """Makes and locks the data folder, in a thread: the loop may be that of a busy program."""
    with ExitStack() as stack:
        _, cancelled = await finish_in_thread(partial(stack.enter_context, _lock_home(data, trust)))
        if cancelled:
            raise cancelled
        yield


@contextmanager
def _lock_home(data: Path, trust: Trust) -> Iterator[None]:
    remark = make_home(data, trust)
    with lock_folder(data):
        if remark:
            log.warning(remark)
        if not trust.open and sum(close_to_others(data / name) for name in OWN_FILES):
            log.warning("files in %s could be read by others; they are private now", data)
        yield


@asynccontextmanager
async def _run_jobs(scheduler: Scheduler, reception: Submissions, events: Events) -> AsyncIterator[TaskGroup]:
    with unwrap_group(), closing(reception.registry):
        async with create_task_group() as tasks:
            tasks.start_soon(scheduler.run)
            try:
                yield tasks
            finally:
                with CancelScope(shield=True):
                    await scheduler.close(reception.config.grace_s)
                events.close()
                tasks.cancel_scope.cancel()
