"""Serves the Model Context Protocol at `/mcp` of the daemon: streamable HTTP, answers as JSON, no sessions."""

from __future__ import annotations

from aiohttp import web

from ..http import inputs
from ..http.keys import DESK, INSIGHT, JOBS
from ..http.problems import Problem
from .rpc import INVALID_REQUEST, PARSE_ERROR, Mcp, check_version, encode_error
from .tools import Tools

PATH = "/mcp"
JSON = "application/json"
VERSION = "MCP-Protocol-Version"


class McpAdapter:
    """Implements Adapter. GET and DELETE are refused: there is no stream of the server's own, and no session."""

    takes_password = False

    def owns(self, path: str) -> bool:
        return path == PATH

    def mount(self, app: web.Application) -> None:
        mcp = Mcp(Tools(app[JOBS], app[DESK], app[INSIGHT]))

        async def serve(request: web.Request) -> web.Response:
            inputs.check_json(request)
            if refused := check_version(request.headers.get(VERSION)):
                return web.Response(status=400, body=refused, content_type=JSON)
            answer = await mcp.answer(await inputs.whole(request))
            if answer is None:
                return web.Response(status=202)
            return web.Response(body=answer, content_type=JSON)

        app.router.add_post(PATH, serve)

    def tell(self, problem: Problem) -> web.Response:
        code = PARSE_ERROR if problem.slug == "malformed" else INVALID_REQUEST
        body = encode_error(code, problem.detail)
        return web.Response(status=problem.status, body=body, content_type=JSON, headers=problem.headers)
