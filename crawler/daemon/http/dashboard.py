"""The dashboard's files, as they lie in the package: no build step, nothing from elsewhere."""

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
"""index.html, our own scripts and styles, and vendor/ with others' (vendor.json tells versions and checksums)."""


def routes() -> list[web.AbstractRouteDef]:
    return [
        web.get("/", _page, name=f"{PUBLIC}-page"),
        web.get("/assets/{name:.*}", _asset, name=f"{PUBLIC}-assets"),
    ]


async def _page(request: web.Request) -> web.StreamResponse:
    # Asked for anew each time: an update of the daemon brings its own page along.
    return FileAnswer(FOLDER / "index.html", headers={"Cache-Control": "no-cache"})


async def _asset(request: web.Request) -> web.StreamResponse:
    if (path := _assets().get(request.match_info["name"])) is None:
        raise Problem(404, "not-found", "the dashboard has no such file")
    return FileAnswer(path)


@cache
def _assets() -> Mapping[str, Path]:
    """All there are, by name: what a client asks for is looked up here and never reaches the file system."""
    return {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*") if path.is_file()}
