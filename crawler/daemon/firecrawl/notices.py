"""Tells webhooks in Firecrawl's shape how a job goes: started, each page, completed or failed; at least once."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from aiohttp import web
from anyio import create_task_group

from ...errors import ConfigError, CrawlError, StorageFull
from ...fetch import Guard
from ...fetch.posting import open_post
from ...model import Post
from ...runtime.signing import new_secret
from .. import tokens
from ..api import Jobs
from ..errors import BadJob, Complaint, JobError, NoSuchJob
from ..jobs.states import State
from ..runs import records
from ..settings import parse_target, trust_in
from . import documents
from .documents import Form
from .requests import WEBHOOK, WebhookIn

log = logging.getLogger(__name__)
TABLES = """
CREATE TABLE IF NOT EXISTS firecrawl_hook (
    job TEXT PRIMARY KEY, asked TEXT NOT NULL, position INT NOT NULL, is_begun INT NOT NULL
) WITHOUT ROWID;
"""
LOOK_S = 1.0
"""Seconds between two looks at a job that runs."""
WAITS_S = (2.0, 10.0, 60.0)
"""Pauses between attempts. Then a message is given up, which the log says."""


class Hook(NamedTuple):
    """One webhook of one job, and how far it was told."""

    job: str
    asked: WebhookIn
    position: int
    is_begun: bool


class Notices:
    """Follows the jobs that have such a webhook. What was told stands in the daemon's database."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._new: asyncio.Queue[Hook] = asyncio.Queue()

    def check(self, asked: WebhookIn) -> None:
        """Raises BadJob if the webhook is no URL."""
        try:
            parse_target(asked.url)
        except ValueError as error:
            raise BadJob([Complaint("webhook", str(error))]) from None

    async def add(self, job: str, asked: WebhookIn) -> None:
        """Stores the webhook of a new job, and begins to follow it."""
        text = asked.model_dump_json()
        await self._jobs.store.do(
            lambda connection: connection.execute("INSERT INTO firecrawl_hook VALUES (?, ?, 0, 0)", [job, text])
        )
        self._new.put_nowait(Hook(job, asked, 0, False))

    async def live(self, app: web.Application) -> AsyncIterator[None]:
        """Follows jobs as long as the application lives, those of earlier lives, too."""
        with suppress(CrawlError):  # a database that cannot be used is told by everything else
            for hook in await self._jobs.store.do(_load):
                self._new.put_nowait(hook)
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        guard = Guard(self._jobs.base.fetch.allow_networks)
        async with open_post(guard, self._jobs.shared.network.ask) as post, create_task_group() as tasks:
            while True:
                tasks.start_soon(self._follow, await self._new.get(), post)

    async def _follow(self, hook: Hook, post: Post) -> None:
        try:
            with self._jobs.listen(hook.job) as heard:
                async for _ in ticks(heard):
                    hook = await self._tell_pages(hook, post)
                    job = self._jobs.find(hook.job)
                    if job.state.is_over:
                        hook = await self._tell_pages(hook, post)
                        kind = "completed" if job.state is State.COMPLETED else "failed"
                        await self._send(hook, kind, [], post, job.error or ("" if kind == "completed" else job.state))
                        break
        except NoSuchJob:
            pass
        except (JobError, StorageFull) as error:
            log.warning("the webhook of job %s is not told any more: %s", hook.job, error)
            return
        with suppress(CrawlError):
            await self._jobs.store.do(
                lambda connection: connection.execute("DELETE FROM firecrawl_hook WHERE job = ?", [hook.job])
            )

    async def _tell_pages(self, hook: Hook, post: Post) -> Hook:
        """Tells the pages that are new, and returns the hook with the new position."""
        job = self._jobs.find(hook.job)
        if not hook.is_begun and job.state is not State.QUEUED:
            await self._send(hook, "started", [], post)
            hook = hook._replace(is_begun=True)
            await self._keep(hook)
        form = Form(frozenset(job.labels.get("formats", "markdown").split()), job.labels.get("part") != "page")
        try:
            reader = records.reader(await self._jobs.outputs(hook.job))
        except (ConfigError, JobError):
            return hook
        folder, workers = self._jobs.folder(hook.job), self._jobs.shared.offloader
        async for batch, end in documents.batches(reader, hook.position, 1):
            for record in filter(documents.is_document, batch if "page" in hook.asked.events else ()):
                document = await documents.of_record(record, folder, form, workers)
                await self._send(hook, "page", [document], post)
            if end != hook.position:
                hook = hook._replace(position=end)
                await self._keep(hook)
        return hook

    async def _send(self, hook: Hook, kind: str, data: list[Mapping[str, Any]], post: Post, error: str = "") -> None:
        """Sends a message, again if it was not taken; gives it up after a while."""
        if kind not in hook.asked.events:
            return
        job = self._jobs.find(hook.job)
        prefix = "batch_scrape" if job.labels.get("kind") == "batch" else "crawl"
        said = {"success": not error, "type": f"{prefix}.{kind}", "id": hook.job, "data": data}
        body = orjson.dumps({**said, "metadata": hook.asked.metadata, **({"error": error} if error else {})})
        fields = {**hook.asked.headers, "Content-Type": "application/json", "X-Firecrawl-Signature": self._sign(body)}
        for wait_s in (*WAITS_S, None):
            result = await post(hook.asked.url, body, fields)
            if not result.why:
                return
            if wait_s is None or result.is_final:
                log.warning("the webhook of job %s did not take %s.%s: %s", hook.job, prefix, kind, result.why)
                return
            await asyncio.sleep(wait_s)

    def _sign(self, body: bytes) -> str:
        config, data = self._jobs.config, self._jobs.data
        path = Path(config.webhook_secret_file or data / "webhook-secret")
        secret = tokens.read_or_make(path, new_secret, trust_in(config))
        return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"

    async def _keep(self, hook: Hook) -> None:
        await self._jobs.store.do(
            lambda connection: connection.execute(
                "UPDATE firecrawl_hook SET position = ?, is_begun = ? WHERE job = ?",
                [hook.position, hook.is_begun, hook.job],
            )
        )


async def ticks(heard: Any) -> AsyncIterator[None]:
    """Yields at once, and then whenever something was heard or some time is over."""
    iterator = aiter(heard)
    while True:
        yield
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                try:
                    await anext(iterator)
                except StopAsyncIteration:
                    await asyncio.sleep(LOOK_S)


def _load(connection: sqlite3.Connection) -> list[Hook]:
    connection.execute(TABLES)
    rows = connection.execute("SELECT job, asked, position, is_begun FROM firecrawl_hook").fetchall()
    return [
        Hook(job, WEBHOOK.validate_json(asked), position, bool(is_begun)) for job, asked, position, is_begun in rows
    ]
