"""The dashboard of a control plane, and what its forms ask for."""

from __future__ import annotations

from html import escape

from aiohttp import web

from ...settings import Config
from ...settings.catalog import LIVE, fields
from ...settings.loading import mask_value, value_of
from ..http import answers, dashboard
from ..http.models import SchemaOut, TemplatesOut
from ..http.safety import PUBLIC
from ..owners import OWNERS
from .keys import ENGINE, RULE


def routes() -> list[web.AbstractRouteDef]:
    """Returns the dashboard's files, and the operations of its forms."""
    files = [route for route in dashboard.routes() if getattr(route, "path", "") != "/"]
    return [
        web.get("/", show_page, name=f"{PUBLIC}-page"),
        *files,
        web.get("/v1/settings", describe_settings),
        web.get("/v1/templates", list_templates),
    ]


async def show_page(request: web.Request) -> web.Response:
    """The dashboard, which is told that it shows an engine: what an engine has not is hidden there."""
    text = (dashboard.FOLDER / "index.html").read_text()
    told = f'<html lang="en" data-engine="{escape(request.app[ENGINE].place)}">'
    text = text.replace('<html lang="en">', told, 1)
    return web.Response(text=text, content_type="text/html", headers={"Cache-Control": "no-cache"})


async def describe_settings(request: web.Request) -> web.Response:
    """Every setting with its meaning, bounds and default, to make a form for new jobs."""
    base = request.app[RULE].base
    defaults = {key: _plain(base, key) for key in fields()}
    return answers.json(
        SchemaOut(
            json_schema=Config.model_json_schema(), defaults=defaults, live=tuple(sorted(LIVE)), refused=tuple(OWNERS),
            formats=(),
        )
    )  # fmt: skip


async def list_templates(request: web.Request) -> web.Response:
    """Nothing: an engine keeps no templates."""
    return answers.json(TemplatesOut(items=()))


def _plain(config: Config, key: str) -> object:
    """Returns the value of a setting as JSON, with secrets hidden."""
    value: object = config.model_dump(mode="json")
    for name in key.split("."):
        value = value[name] if isinstance(value, dict) else None
    return mask_value(key, value) if mask_value(key, value_of(config, key)) != value_of(config, key) else value
