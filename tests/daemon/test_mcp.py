"""Models use the daemon by the Model Context Protocol, over HTTP and pipes: bounded, by the rules of crawls."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import orjson
import pytest

from crawler.daemon import Jobs, State, make_adapters, make_mcp
from crawler.daemon.http.server import open_server
from crawler.daemon.mcp import rpc, stdio
from crawler.testing import Site, Web, disallowing, html, open_web, silent, sitemap, written

from .conftest import Open, until

CRAWL = str(Path(sys.executable).with_name("crawl"))
TOKEN = "a-token-of-this-test"
LONG = "<title>Long</title><main>" + "".join(f"<p>Paragraph {n} of a long page." for n in range(2000)) + "</main>"
PAGES = {
    "/": html("Home", ["/a", "/b", "/private/x"]),
    "/a": html("A"),
    "/b": html("B"),
    "/long": written(LONG),
    "/silent": silent(),
    "/sitemap.xml": sitemap(["/listed/tea", "/listed/coffee"]),
}
WEB = Web([Site("a.test", PAGES, disallowing("/private/"))])


class Mouth:
    """Asks one Mcp as a client does."""

    def __init__(self, mcp: rpc.Mcp) -> None:
        self.mcp = mcp
        self.n = 0

    async def ask(self, method: str, **params: Any) -> Any:
        self.n += 1
        said = await self.mcp.answer(orjson.dumps({"jsonrpc": "2.0", "id": self.n, "method": method, "params": params}))
        assert said is not None
        answer = json.loads(said)
        assert answer["id"] == self.n
        return answer.get("result", answer.get("error"))

    async def call(self, tool: str, **arguments: Any) -> Any:
        return await self.ask("tools/call", name=tool, arguments=arguments)


@asynccontextmanager
async def mouth(open_daemon: Open) -> AsyncIterator[tuple[Mouth, Jobs]]:
    async with open_daemon() as jobs:
        yield Mouth(make_mcp(jobs)), jobs


async def test_a_model_fetches_maps_and_crawls(open_daemon: Open) -> None:
    async with open_web(WEB) as served, mouth(open_daemon) as (asked, jobs):
        page = await asked.call("fetch_page", url=served.url("a.test", "/a"), links=True)
        assert page["isError"] is False
        assert "Title: A" in page["content"][0]["text"]
        found = await asked.call("map_site", url=served.seeds[0], search="tea listed")
        assert found["structuredContent"]["urls"] == [
            served.url("a.test", "/listed/tea"), served.url("a.test", "/listed/coffee"),
        ]  # fmt: skip
        begun = (await asked.call("crawl_site", url=served.seeds[0], max_pages=10))["structuredContent"]
        await until(jobs, begun["job"], State.COMPLETED)
        status = (await asked.call("job_status", job=begun["job"]))["structuredContent"]
        assert (status["state"], status["pages_fetched"], status["next"]) == ("completed", 3, None)
        assert {page["title"] for page in status["pages"]} == {"Home", "A", "B"}
        hits = (await asked.call("search_pages", job=begun["job"], words="home"))["structuredContent"]
        assert [one["title"] for one in hits["pages"]] == ["Home"]
        few = (await asked.call("job_status", job=begun["job"], pages=2))["structuredContent"]
        rest = (await asked.call("job_status", job=begun["job"], start=few["next"]))["structuredContent"]
        assert few["pages"] + rest["pages"] == status["pages"]


async def test_a_long_page_comes_in_parts(open_daemon: Open) -> None:
    async with open_web(WEB) as served, mouth(open_daemon) as (asked, _):
        texts: list[str] = []
        start: int | None = 0
        while start is not None:
            page = await asked.call("fetch_page", url=served.url("a.test", "/long"), start=start, max_characters=30_000)
            head, _, part = page["content"][0]["text"].partition("\n\n")
            texts.append(part)
            assert len(part) <= 30_000
            start = int(head.rpartition("next: ")[2]) if "next: " in head else None
        assert "".join(texts).count("Paragraph") == 2000
        assert len(texts) == 3


async def test_a_tool_that_fails_tells_the_model_why(open_daemon: Open) -> None:
    async with open_web(WEB) as served, mouth(open_daemon) as (asked, _):
        cases: list[tuple[str, dict[str, Any], str]] = [
            ("fetch_page", {"url": served.url("a.test", "/private/x")}, "was not fetched (robots"),
            ("fetch_page", {"url": "http://10.0.0.1/"}, "blocked-address"),
            ("fetch_page", {"url": "no url"}, "no url"),
            ("fetch_page", {"url": "http://a.test/", "max_characters": 10**9}, "max_characters"),
            ("fetch_page", {"address": "http://a.test/"}, "url: Field required"),
            ("map_site", {"url": "http://10.0.0.1/"}, "blocked-address"),
            ("crawl_site", {"url": "http://10.0.0.1/"}, "10.0.0.1"),
            ("job_status", {"job": "j-none"}, "j-none"),
            ("search_pages", {"job": "j-none", "words": "x"}, "j-none"),
        ]
        for tool, arguments, said in cases:
            result = await asked.call(tool, **arguments)
            assert result["isError"] is True, tool
            assert said in result["content"][0]["text"]


async def test_the_version_is_agreed_on_and_tools_have_schemas(open_daemon: Open) -> None:
    async with mouth(open_daemon) as (asked, _):
        for wanted, got in [("2024-11-05", "2024-11-05"), ("2099-01-01", rpc.VERSIONS[0])]:
            hello = await asked.ask("initialize", protocolVersion=wanted, capabilities={}, clientInfo={"name": "t"})
            assert hello["protocolVersion"] == got
            assert hello["serverInfo"]["name"] == "crawld"
        assert await asked.ask("ping") == {}
        tools = (await asked.ask("tools/list"))["tools"]
        assert [one["name"] for one in tools] == ["fetch_page", "map_site", "crawl_site", "job_status", "search_pages"]
        assert all(one["inputSchema"]["type"] == "object" and one["description"] for one in tools)
        assert (await asked.ask("tools/call", name="fetch_pages", arguments={}))["message"].endswith("fetch_page?")


BAD: list[tuple[bytes, int | None]] = [
    (b"{", rpc.PARSE_ERROR),
    (b"\xff\xfe", rpc.PARSE_ERROR),
    (b"3", rpc.INVALID_REQUEST),
    (b"[]", rpc.INVALID_REQUEST),
    (b"[" + b"1," * 60 + b"1]", rpc.INVALID_REQUEST),
    (b'{"id": 1, "method": "ping"}', rpc.INVALID_REQUEST),
    (b'{"jsonrpc": "2.0", "id": 1}', rpc.INVALID_REQUEST),
    (b'{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}', rpc.INVALID_REQUEST),
    (b'{"jsonrpc": "2.0", "id": true, "method": "ping"}', rpc.INVALID_REQUEST),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]}', rpc.INVALID_PARAMS),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "resources/list"}', rpc.NO_METHOD),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}', rpc.INVALID_PARAMS),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 7}}', rpc.INVALID_PARAMS),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "map_site", "arguments": []}}',
     rpc.INVALID_PARAMS),
    (b'{"jsonrpc": "2.0", "method": "notifications/initialized"}', None),
    (b'{"jsonrpc": "2.0", "method": "nobody/knows"}', None),
    (b'{"jsonrpc": "2.0", "id": 1, "result": {}}', None),
]  # fmt: skip


async def test_what_is_no_request_gets_an_error_of_json_rpc(open_daemon: Open) -> None:
    async with mouth(open_daemon) as (asked, _):
        for message, code in BAD:
            said = await asked.mcp.answer(message)
            assert (json.loads(said)["error"]["code"] if said else None) == code, message
        batch = await asked.mcp.answer(
            b'[{"jsonrpc": "2.0", "id": "a", "method": "ping"}, {"jsonrpc": "2.0", "method": "notifications/x"}, 1]'
        )
        assert batch is not None
        assert [one["id"] for one in json.loads(batch)] == ["a", None]


async def test_it_is_served_by_http_to_those_who_have_the_token(open_daemon: Open) -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    resolver = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())
    async with (
        open_daemon() as jobs,
        open_server(jobs, host="127.0.0.1", port=0, token=TOKEN, adapters=make_adapters(["mcp"])) as listening,
        aiohttp.ClientSession(connector=resolver) as http,
    ):

        async def post(status: int, headers: dict[str, str], **body: Any) -> Any:
            async with http.post(f"{listening.url}/mcp", headers=headers, **body) as answer:
                assert answer.status == status
                return await answer.json() if answer.status != 202 else await answer.read()

        assert await post(200, bearer, json=ping) == {"jsonrpc": "2.0", "id": 1, "result": {}}
        assert await post(202, bearer, json={"jsonrpc": "2.0", "method": "notifications/initialized"}) == b""
        assert (await post(401, {}, json=ping))["error"]["code"] == rpc.INVALID_REQUEST
        assert (await post(403, {**bearer, "Origin": "http://evil.test"}, json=ping))["error"]
        assert (await post(415, bearer, data=b"x"))["error"]["code"] == rpc.INVALID_REQUEST
        assert (await post(400, {**bearer, "MCP-Protocol-Version": "1999"}, json=ping))["error"]["data"]["supported"]
        assert (await post(200, {**bearer, "MCP-Protocol-Version": rpc.VERSIONS[0]}, json=ping))["result"] == {}
        assert (await post(413, {**bearer, "Content-Type": "application/json"}, data=io.BytesIO(b" " * (5 << 20))))[
            "error"
        ]
        for method in ("GET", "DELETE"):
            async with http.request(method, f"{listening.url}/mcp", headers=bearer) as answer:
                assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        async with http.post(f"{listening.url}/other", headers=bearer, json=ping) as answer:
            assert answer.content_type == "application/problem+json"


async def test_answers_come_as_they_are_ready_and_not_where_the_client_cancels(open_daemon: Open) -> None:
    async with open_web(WEB) as served, mouth(open_daemon) as (asked, _):
        wrote: list[Any] = []
        reader = asyncio.StreamReader(limit=stdio.MOST_LINE)

        def message(**fields: Any) -> bytes:
            return json.dumps({"jsonrpc": "2.0", **fields}).encode() + b"\n"

        slow = {"name": "fetch_page", "arguments": {"url": served.url("a.test", "/silent")}}
        reader.feed_data(message(id=1, method="tools/call", params=slow) + message(id=2, method="ping"))
        reader.feed_data(b" " * (stdio.MOST_LINE + 5) + b"\n\n" + message(id=3, method="ping"))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stdio.talk, reader, asked.mcp.answer, lambda said: wrote.append(json.loads(said)))
            with anyio.fail_after(30):
                while len(wrote) < 3:
                    await asyncio.sleep(0.01)
            reader.feed_data(message(method="notifications/cancelled", params={"requestId": 1}))
            reader.feed_eof()
        assert sorted([one["id"] for one in wrote], key=str) == [2, 3, None]


@pytest.mark.slow
async def test_the_command_speaks_over_pipes_alone_and_through_a_daemon(tmp_path: Path, open_daemon: Open) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18"}}
    lines = "".join(json.dumps(one) + "\n" for one in (hello, {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}))
    command = [CRAWL, "mcp", "--data", str(tmp_path / "data"), "--set", "executor=inline"]
    with anyio.fail_after(60):
        ran = await anyio.run_process(command, input=lines.encode())
        answers = sorted((json.loads(line) for line in ran.stdout.splitlines()), key=lambda one: one["id"])
        assert [one["id"] for one in answers] == [1, 2]
        assert answers[0]["result"]["protocolVersion"] == "2025-06-18"
        async with (
            open_daemon() as jobs,
            open_server(jobs, host="127.0.0.1", port=0, token=TOKEN, adapters=make_adapters(["mcp"])) as listening,
        ):
            token = tmp_path / "token"
            token.write_text(TOKEN)
            token.chmod(0o600)
            named = [*command, "--url", listening.url, "--token-file", str(token)]
            ran = await anyio.run_process(named, input=lines.encode())
            assert sorted((json.loads(line) for line in ran.stdout.splitlines()), key=lambda one: one["id"]) == answers
