"""The dashboard's files, as they lie in the package: no build step, nothing from elsewhere."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from aiohttp import web

from .safety import PUBLIC

FOLDER = Path(str(files("crawler.daemon") / "dashboard"))
"""index.html, our own scripts and styles, and vendor/ with others' (vendor.json tells versions and checksums)."""


def routes() -> list[web.AbstractRouteDef]:
    return [web.get("/", _page, name=f"{PUBLIC}-page"), web.static("/assets", FOLDER, name=f"{PUBLIC}-assets")]


async def _page(request: web.Request) -> web.StreamResponse:
    # Asked for anew each time: an update of the daemon brings its own page along.
    return web.FileResponse(FOLDER / "index.html", headers={"Cache-Control": "no-cache"})
