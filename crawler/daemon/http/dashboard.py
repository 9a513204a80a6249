"""Serves the dashboard's files from the package: no build step, nothing from other servers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from aiohttp import web

from .problems import Problem
from .safety import PUBLIC
from .sending import FileAnswer

FOLDER = Path(str(files("crawler.daemon") / "dashboard"))
"""index.html, our own scripts and styles, and third-party files in vendor/ (versions and checksums: vendor.json)."""


def routes() -> list[web.AbstractRouteDef]:
    return [
        web.get("/", _page, name=f"{PUBLIC}-page"),
        web.get("/assets/{name:.*}", _asset, name=f"{PUBLIC}-assets"),
    ]


async def _page(request: web.Request) -> web.StreamResponse:
    # The browser checks it each time, so that an updated daemon shows its own page.
    return FileAnswer(FOLDER / "index.html", headers={"Cache-Control": "no-cache"})


async def _asset(request: web.Request) -> web.StreamResponse:
    if (path := _assets().get(request.match_info["name"])) is None:
        raise Problem(404, "not-found", "the dashboard has no such file")
    return FileAnswer(path)


@cache
def _assets() -> Mapping[str, Path]:
    """Returns all files by name. Requests are looked up here, so their paths never reach the file system."""
    return {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*") if path.is_file()}
