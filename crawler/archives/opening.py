"""Opens the archives of a replay, and closes them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from ..fetch import Budget
from ..runtime.threads import start_in_thread
from ..settings import FetchConfig
from ..urls.canonical import Policy
from .fetcher import ArchiveFetcher
from .files import find_archives
from .store import Store
from .unanswered import find_records

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_archives(config: FetchConfig, policy: Policy, budget: Budget) -> AsyncIterator[ArchiveFetcher]:
    """Opens a Fetcher over the archives of `config`, which are read once for their index. Closes it with the block.

    `policy` makes the spelling of URLs that requests have. Raises ConfigError for what is no archive.
    """
    thread = ThreadPoolExecutor(1, "crawld archives")
    try:
        files = await start_in_thread(thread, find_archives, config.archives)
        records = await start_in_thread(thread, find_records, config.archives)
        store = Store(files, policy, config.max_body_bytes, records)
        try:
            await start_in_thread(thread, store.index)
            for note in store.notes:
                log.info("%s", note)
            yield ArchiveFetcher(store, thread, budget, config)
        finally:
            store.stop()
            thread.submit(store.close)
    finally:
        thread.shutdown()
