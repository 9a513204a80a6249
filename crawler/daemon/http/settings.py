"""Settings and templates: what there is to choose, what a job was given, and what is kept under a name."""

from __future__ import annotations

from aiohttp import web

from ..job import Template
from . import answers, inputs
from .jobs import id_of
from .keys import INSIGHT, JOBS, RELOAD
from .models import ReloadOut, SchemaOut, SettingOut, SettingsOut, TemplateIn, TemplateOut, TemplatesOut
from .operations import Operations
from .problems import Problem

operation = Operations()


@operation("GET", "/v1/settings", {200: SchemaOut})
async def describe_settings(request: web.Request) -> web.StreamResponse:
    """Every setting with its meaning, bounds and default: what a form for new jobs is made from."""
    return answers.json(SchemaOut.model_validate(request.app[INSIGHT].schema()))


@operation("POST", "/v1/reload", {200: ReloadOut})
async def reload_settings(request: web.Request) -> web.StreamResponse:
    """Read the daemon's file of settings and its token anew, as SIGHUP does: all that is right, or nothing."""
    reload = request.app.get(RELOAD)
    if reload is None:
        raise Problem(409, "no-file", "this daemon was given its settings by the program that it is part of")
    return answers.json(ReloadOut.model_validate(reload()))


@operation("GET", "/v1/jobs/{id}/settings", {200: SettingsOut})
async def list_settings(request: web.Request) -> web.StreamResponse:
    """Every setting of a job, and where its value comes from; secrets are not shown."""
    items = tuple(SettingOut.model_validate(one) for one in request.app[INSIGHT].settings(id_of(request)))
    return answers.json(SettingsOut(items=items))


@operation("GET", "/v1/templates", {200: TemplatesOut})
async def list_templates(request: web.Request) -> web.StreamResponse:
    """All templates, by name."""
    items = tuple(TemplateOut.model_validate(one) for one in request.app[JOBS].templates.values())
    return answers.json(TemplatesOut(items=items))


@operation("PUT", "/v1/templates/{name}", {200: TemplateOut}, body=TemplateIn)
async def keep_template(request: web.Request) -> web.StreamResponse:
    """Keep settings under a name, for jobs to start from; an older one of that name is replaced."""
    asked = await inputs.body(request, TemplateIn)
    jobs, name = request.app[JOBS], request.match_info["name"]
    await jobs.put_template(Template(name, asked.settings, asked.priority, asked.labels))
    return answers.json(TemplateOut.model_validate(jobs.templates[name]))


@operation("DELETE", "/v1/templates/{name}", {204: None})
async def remove_template(request: web.Request) -> web.StreamResponse:
    """Forget a template; jobs made from it stay as they are."""
    await request.app[JOBS].remove_template(request.match_info["name"])
    return answers.nothing()
