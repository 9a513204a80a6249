"""Drives crawld with the official client of the Model Context Protocol, over HTTP and over pipes."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import httpx2  # type: ignore[import-not-found]
from mcp import ClientSession, StdioServerParameters  # type: ignore[import-not-found]
from mcp.client.stdio import stdio_client  # type: ignore[import-not-found]
from mcp.client.streamable_http import streamable_http_client  # type: ignore[import-not-found]


async def use(session: Any, site: str) -> str:
    """Uses every tool; returns the version that was agreed on."""
    hello = await session.initialize()
    tools = [one.name for one in (await session.list_tools()).tools]
    assert tools == ["fetch_page", "map_site", "crawl_site", "job_status", "search_pages"], tools
    page = await session.call_tool("fetch_page", {"url": f"{site}/moved"})
    assert not page.is_error, page
    assert "[tea](" in page.content[0].text, page
    refused = await session.call_tool("fetch_page", {"url": f"{site}/private/x"})
    assert refused.is_error, refused
    assert "robots" in refused.content[0].text, refused
    found = await session.call_tool("map_site", {"url": f"{site}/"})
    assert f"{site}/listed" in found.structured_content["urls"], found
    begun = await session.call_tool("crawl_site", {"url": f"{site}/", "max_pages": 10})
    for _ in range(600):
        status = await session.call_tool("job_status", {"job": begun.structured_content["job"]})
        if status.structured_content["state"] == "completed":
            break
        await asyncio.sleep(0.1)
    assert status.structured_content["pages_fetched"] == 4, status
    hits = await session.call_tool("search_pages", {"job": begun.structured_content["job"], "words": "leaves"})
    assert hits.structured_content["pages"][0]["url"] == f"{site}/tea", hits
    return str(hello.protocol_version)


async def main() -> None:
    facts = json.loads(sys.argv[1])
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {facts['token']}"}, timeout=60) as http,
        streamable_http_client(f"{facts['url']}/mcp", http_client=http) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        over_http = await use(session, facts["site"])
    options = ["--allow-network", "127.0.0.0/8", "--set", "delay_s=0.02", "--set", "executor=inline"]
    server = StdioServerParameters(command=facts["crawl"], args=["mcp", "--data", facts["folder"], *options])
    async with stdio_client(server) as streams, ClientSession(streams[0], streams[1]) as session:
        over_pipes = await use(session, facts["site"])
    print(f"version {over_http} over HTTP, {over_pipes} over pipes")


if __name__ == "__main__":
    asyncio.run(main())
