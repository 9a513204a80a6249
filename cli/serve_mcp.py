"""Answers an MCP client from jobs of this process, or from the daemon that holds them."""

from __future__ import annotations

import logging
from pathlib import Path

import orjson

from crawler.daemon import (
    Client,
    DaemonConfig,
    Refused,
    Sources,
    Unreachable,
    find_daemon,
    make_mcp,
    open_client,
    open_jobs,
    serve_stdio,
)

from .exit_codes import Exit

log = logging.getLogger("crawler.cli")
INTERNAL = -32603


async def serve_mcp(sources: Sources, url: str | None) -> Exit:
    """Answers until the client closes the input, and returns the exit code. Raises CrawlError."""
    config, base = sources.load()
    found, token = find_daemon(config)
    async with open_client(url or found, token) as client:
        if url or await _holds_folder(client, config):
            log.info("everything goes to the daemon at %s", url or found)
            await serve_stdio(_Bridge(client).answer)
            return Exit.DONE
    async with open_jobs(config, Path(config.data), base) as jobs:
        await serve_stdio(make_mcp(jobs).answer)
    return Exit.DONE


async def _holds_folder(client: Client, config: DaemonConfig) -> bool:
    """Whether a daemon runs in the folder: it wrote its address there, and answers."""
    if not (Path(config.data) / "address").is_file():
        return False
    try:
        await client.ask("GET", "/healthz")
    except (Unreachable, Refused):
        return False
    return True


class _Bridge:
    """Hands messages on to a daemon."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def answer(self, text: bytes) -> bytes | None:
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            message = None  # the daemon says so
        try:
            answer = await self._client.ask("POST", "/mcp", message)
        except Refused as error:
            return _fail(message, f"the daemon refused it: {error}")
        except Unreachable as error:
            return _fail(message, str(error))
        return None if answer is None else orjson.dumps(answer)


def _fail(message: object, said: str) -> bytes | None:
    number = message.get("id") if isinstance(message, dict) else None
    if number is None:
        return None
    return orjson.dumps({"jsonrpc": "2.0", "id": number, "error": {"code": INTERNAL, "message": said}})
