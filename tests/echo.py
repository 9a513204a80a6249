"""A server that tells what it was asked for, as JSON, and redirects or fails where its path says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
from aiohttp import web


@dataclass
class Echo:
    url: str = ""
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    """Method, path with query, fields and body of each request but those for robots.txt."""
    robots: str = ""

    def bodies(self) -> list[bytes]:
        return [body for *_, body in self.asked]

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/robots.txt":
            return web.Response(text=self.robots)
        body = await request.read()
        self.asked.append((request.method, request.path_qs, dict(request.headers), body))
        what, _, target = request.path_qs[1:].partition("/")
        if what.isdigit():
            is_first = sum(path == request.path_qs for _, path, _, _ in self.asked) == 1
            status = int(what) if is_first or int(what) < 400 else 200
            return web.Response(status=status, headers={"Location": target} if status < 400 else {}, text="no")
        if what == "login" and request.method == "POST":
            return web.Response(status=int(target), headers={"Location": request.path_qs})
        if what == "same":
            return web.Response(text="the same answer to all", content_type="text/html")
        said = orjson.dumps([request.method, request.path_qs, body.decode("latin-1")]).decode()
        return web.Response(text=f"<title>{what}</title><a href=/plain?l>{said}</a>", content_type="text/html")


@asynccontextmanager
async def open_echo(robots: str = "") -> AsyncIterator[Echo]:
    echo = Echo(robots=robots)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", echo.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        echo.url = f"http://{host}:{port}"
        yield echo
    finally:
        await runner.cleanup()
