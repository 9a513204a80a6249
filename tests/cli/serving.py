"""`crawl serve` as a process of its own, for tests that talk to it, send it signals and kill it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import anyio
from anyio.abc import Process

from .conftest import CRAWL

ALLOWED = ("--allow-network", "127.0.0.0/8", "--set", "delay_s=0", "--set", "executor=inline")


@dataclass
class Serving:
    """A daemon that runs."""

    process: Process
    data: Path
    log: Path

    @property
    def url(self) -> str:
        return (self.data / "address").read_text().strip()

    @property
    def token(self) -> str:
        return (self.data / "token").read_text().strip()

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        connector = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            http.request(method, self.url + path, json=body, headers=headers) as answer,
        ):
            is_json = answer.content_type.endswith("json")
            return answer.status, await (answer.json(content_type=None) if is_json else answer.text())

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        with anyio.fail_after(60):
            return await self.process.wait()

    async def told(self, words: str) -> None:
        """Until the log holds these words."""
        with anyio.fail_after(60):
            while words not in self.log.read_text():
                await anyio.sleep(0.02)


@asynccontextmanager
async def serving(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> AsyncIterator[Serving]:
    """Listens on a port of its own, with its data in `folder`/data."""
    command = [CRAWL, "serve", "--port", "0", "--data", str(folder / "data"), *ALLOWED, *arguments]
    log = folder / "log"
    with log.open("ab") as file:
        process = await anyio.open_process(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=env
        )
    async with process:
        try:
            with anyio.fail_after(60):
                while not (folder / "data" / "address").exists():
                    assert process.returncode is None, log.read_text()
                    await anyio.sleep(0.02)
            yield Serving(process, folder / "data", log)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            (folder / "data" / "address").unlink(missing_ok=True)  # so that the next one is waited for
