"""The operations on settings and templates."""

from __future__ import annotations

from aiohttp import web

from ..jobs.job import Template
from . import answers, inputs, paging
from .fields import IF_MATCH, IF_NONE, IF_NONE_MATCH, etag, expected, must_be_new, tagged
from .jobs import id_of
from .keys import INSIGHT, JOBS, RELOAD
from .models import ReloadOut, SchemaOut, SettingOut, SettingsOut, TemplateIn, TemplateOut, TemplatesOut
from .operations import Operations
from .paging import PageQuery
from .problems import Problem

operation = Operations()


@operation("GET", "/v1/settings", {200: SchemaOut, 304: None}, fields=(IF_NONE_MATCH,), has_etag=True)
async def describe_settings(request: web.Request) -> web.StreamResponse:
    """Every setting with its meaning, bounds and default, to make a form for new jobs."""
    said = SchemaOut.model_validate(request.app[INSIGHT].schema())
    return tagged(request, answers.encode(said))


@operation("POST", "/v1/reload", {200: ReloadOut}, raises=("no-file", "bad-field"))
async def reload_settings(request: web.Request) -> web.StreamResponse:
    """Reload the daemon's settings file and token, as SIGHUP does. If anything is wrong, nothing changes."""
    reload = request.app.get(RELOAD)
    if reload is None:
        raise Problem(409, "no-file", "this daemon has no settings file: it is part of another program")
    return answers.json(ReloadOut.model_validate(reload()))


@operation("GET", "/v1/jobs/{id}/settings", {200: SettingsOut}, query=PageQuery)
async def list_settings(request: web.Request) -> web.StreamResponse:
    """Every setting of a job, and where its value comes from; secrets are hidden."""
    found = request.app[INSIGHT].settings(id_of(request))
    page = paging.cut_by_number(found, inputs.query(request, PageQuery), "settings")
    items = tuple(SettingOut.model_validate(one) for one in page.items)
    return paging.answer(request, SettingsOut(items=items, next=page.following))


@operation("GET", "/v1/templates", {200: TemplatesOut}, query=PageQuery)
async def list_templates(request: web.Request) -> web.StreamResponse:
    """All templates, by name."""
    found = sorted(request.app[JOBS].templates.values(), key=lambda template: template.name)
    asked = inputs.query(request, PageQuery)
    page = paging.cut_by_key(found, asked, "templates", lambda template: template.name, "")
    items = tuple(TemplateOut.model_validate(one) for one in page.items)
    return paging.answer(request, TemplatesOut(items=items, next=page.following))


@operation("GET", "/v1/templates/{name}", {200: TemplateOut}, has_etag=True)
async def show_template(request: web.Request) -> web.StreamResponse:
    """One template."""
    return _answer(request.app[JOBS].template(request.match_info["name"]))


@operation(
    "PUT", "/v1/templates/{name}", {200: TemplateOut}, body=TemplateIn, fields=(IF_MATCH, IF_NONE), has_etag=True
)
async def keep_template(request: web.Request) -> web.StreamResponse:
    """Store a template for jobs to start from. An older one of the same name is replaced."""
    asked, is_new = await inputs.body(request, TemplateIn), must_be_new(request)
    template = Template(request.match_info["name"], asked.settings, asked.priority, asked.labels)
    return _answer(await request.app[JOBS].put_template(template, expected=expected(request), is_new=is_new))


@operation("DELETE", "/v1/templates/{name}", {204: None}, fields=(IF_MATCH,))
async def remove_template(request: web.Request) -> web.StreamResponse:
    """Remove a template. Jobs made from it stay as they are."""
    await request.app[JOBS].remove_template(request.match_info["name"], expected=expected(request))
    return answers.nothing()


def _answer(template: Template) -> web.Response:
    return answers.json(TemplateOut.model_validate(template), 200, etag(template.revision))
