"""Speaks the Model Context Protocol, so that models fetch pages and run crawls as people do: bounded and politely."""

from __future__ import annotations

from ..api import Jobs
from ..desk import Desk
from ..insight import Insight
from .adapter import McpAdapter
from .rpc import Mcp
from .stdio import serve_stdio
from .tools import Tools

__all__ = ["Mcp", "McpAdapter", "make_mcp", "serve_stdio"]


def make_mcp(jobs: Jobs) -> Mcp:
    """Returns what answers messages of the protocol over these jobs: `serve_stdio(make_mcp(jobs).answer)`."""
    return Mcp(Tools(jobs, Desk(jobs), Insight(jobs)))
