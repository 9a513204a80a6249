"""Serves scrapyd's API at the daemon's root: `/schedule.json`, `/listjobs.json` and so on."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote

from aiohttp import web

from ...runtime.escaping import json_line
from ..api import Jobs
from ..errors import NoSuchJob
from ..http import inputs
from ..http.keys import JOBS
from ..http.problems import Problem
from ..http.sending import FileAnswer
from ..jobs.job import Job
from ..jobs.states import State
from . import spiders
from .page import render_jobs

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 10_000
MOST_JOBS = 1000
"""Jobs in a list, the newest first: the protocol has no pages of them."""
EGGS = "no eggs are taken here: a spider is a template of crawld (PUT /v1/templates/NAME, with a label `project`)"
Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ScrapydAdapter:
    """Implements Adapter. Clients show the token as the password of HTTP Basic."""

    takes_password = True

    def owns(self, path: str) -> bool:
        return path.startswith("/logs/") or path in PATHS

    def mount(self, app: web.Application) -> None:
        for method, path, serve in ROUTES:
            app.router.add_route(method, path, serve)

    def tell(self, problem: Problem) -> web.Response:
        said = {"node_name": node_name(), "status": "error", "message": problem.detail}
        headers = dict(problem.headers)
        if problem.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="crawld"'  # clients of scrapyd know no other
        status = 400 if problem.status == 422 else problem.status
        return web.Response(status=status, body=json_line(said), content_type="application/json", headers=headers)


async def show_daemon(request: web.Request) -> web.StreamResponse:
    """Counts the jobs by state."""
    numbers = request.app[JOBS].numbers()
    counts = dict.fromkeys(("pending", "running", "finished"), 0)
    for state, n in numbers.items():
        word = "finished" if state.is_over else "running" if state is State.RUNNING else "pending"
        counts[word] += n
    return _ok(counts)


async def list_projects(request: web.Request) -> web.StreamResponse:
    """Lists the projects."""
    return _ok({"projects": spiders.projects(request.app[JOBS].templates)})


async def list_versions(request: web.Request) -> web.StreamResponse:
    """Lists the one version of a project."""
    spiders.spiders(request.app[JOBS].templates, _asked(request, "project"))
    return _ok({"versions": [spiders.VERSION]})


async def list_spiders(request: web.Request) -> web.StreamResponse:
    """Lists the spiders of a project."""
    return _ok({"spiders": spiders.spiders(request.app[JOBS].templates, _asked(request, "project"))})


async def schedule(request: web.Request) -> web.StreamResponse:
    """Makes a job of a spider."""
    jobs = request.app[JOBS]
    asked = spiders.read_request(await _form(request), jobs.templates)

    async def seeds() -> AsyncIterator[Sequence[str]]:
        yield asked.seeds

    key = None if asked.key is None else f"{spiders.MADE_BY} {asked.key[:150]}"
    job, _ = await jobs.submit(asked.spec, seeds(), key, who=spiders.MADE_BY)
    return _ok({"jobid": job.id})


async def cancel(request: web.Request) -> web.StreamResponse:
    """Ends a job, and tells the state that it was in."""
    fields = await _form(request)
    job = _find(request.app[JOBS], _one(fields, "project"), _one(fields, "job"))
    before = spiders.word_of(job)
    if before == "finished":
        return _ok({"prevstate": None})
    await request.app[JOBS].cancel(job.id, who=spiders.MADE_BY)
    return _ok({"prevstate": before})


async def list_jobs(request: web.Request) -> web.StreamResponse:
    """Lists the jobs of a project, or of all, by state."""
    return _ok(_by_state(request.app[JOBS], request.query.get("project", "")))


async def show_jobs(request: web.Request) -> web.StreamResponse:
    """Sends the page of all jobs."""
    return web.Response(text=render_jobs(_by_state(request.app[JOBS], "")), content_type="text/html")


def _by_state(jobs: Jobs, project: str) -> Mapping[str, list[Mapping[str, object]]]:
    """Returns the jobs of a project by scrapyd's words for their state; of all without one. Raises NoSuchJob."""
    if project:
        spiders.spiders(jobs.templates, project)
    lists: dict[str, list[Mapping[str, object]]] = {"pending": [], "running": [], "finished": []}
    for job in reversed(jobs.list(limit=MOST_JOBS, label=f"adapter={spiders.MADE_BY}")):
        if not project or job.labels.get(spiders.PROJECT) == project:
            lists[spiders.word_of(job)].append(_shown(job))
    return lists


async def show_status(request: web.Request) -> web.StreamResponse:
    """Tells the state of a job."""
    job = _find(request.app[JOBS], request.query.get("project", ""), _asked(request, "job"))
    return _ok({"currstate": spiders.word_of(job)})


async def send_log(request: web.Request) -> web.StreamResponse:
    """Sends the log of a job."""
    named = request.match_info
    job = _find(request.app[JOBS], named["project"], named["job"])
    if job.labels.get("spider") != named["spider"]:
        raise NoSuchJob(f"job {job.id} is one of another spider")
    path = request.app[JOBS].folder(job.id) / "crawl.log"
    if path.is_symlink() or not path.is_file():
        raise NoSuchJob(f"job {job.id} has no log yet")
    return FileAnswer(path, headers={"Content-Type": "text/plain; charset=utf-8"})


async def refuse_eggs(request: web.Request) -> web.StreamResponse:
    """Refuses what deploys code."""
    raise Problem(400, "bad-request", EGGS)


ROUTES: Sequence[tuple[str, str, Serve]] = (
    ("GET", "/daemonstatus.json", show_daemon),
    ("GET", "/listprojects.json", list_projects),
    ("GET", "/listversions.json", list_versions),
    ("GET", "/listspiders.json", list_spiders),
    ("GET", "/listjobs.json", list_jobs),
    ("GET", "/jobs", show_jobs),
    ("GET", "/status.json", show_status),
    ("POST", "/schedule.json", schedule),
    ("POST", "/cancel.json", cancel),
    ("POST", "/addversion.json", refuse_eggs),
    ("POST", "/delversion.json", refuse_eggs),
    ("POST", "/delproject.json", refuse_eggs),
    ("GET", "/logs/{project}/{spider}/{job}.log", send_log),
)
"""All calls, by method and path."""
PATHS = frozenset(path for _, path, _ in ROUTES)


def node_name() -> str:
    return socket.gethostname()


def _shown(job: Job) -> Mapping[str, object]:
    project, spider = job.labels[spiders.PROJECT], job.labels["spider"]
    said: dict[str, object] = {"id": job.id, "project": project, "spider": spider}
    if spiders.word_of(job) == "pending":
        return said
    log_url = f"/logs/{quote(project, safe='')}/{quote(spider, safe='')}/{job.id}.log"
    said |= {
        "pid": None if job.state.is_over else os.getpid(),
        "start_time": _moment(job.started_at or job.created_at),
        "log_url": log_url,
    }
    if job.state.is_over:
        said["end_time"] = _moment(job.ended_at or job.created_at)
    return said | {"items_url": f"/v1/jobs/{job.id}/files/pages.jsonl"}


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _find(jobs: Jobs, project: str, job: str) -> Job:
    """Returns a job of a spider; `project` empty: of any. Raises NoSuchJob."""
    found = jobs.find(job)
    if found.labels.get("adapter") != spiders.MADE_BY or (project and found.labels.get(spiders.PROJECT) != project):
        raise NoSuchJob(f"there is no job {job[:100]!a} in project {project[:100]!a}")
    return found


def _asked(request: web.Request, name: str) -> str:
    """Returns a parameter of the query. Raises Problem: 400."""
    return _one({key: [value] for key, value in request.query.items()}, name)


def _one(fields: Mapping[str, Sequence[str]], name: str) -> str:
    if not (given := fields.get(name, [""])[0]):
        raise Problem(400, "bad-request", f"'{name}' parameter is required")
    return given


async def _form(request: web.Request) -> Mapping[str, Sequence[str]]:
    """Reads a form. Raises Problem: 400, 408, 413, 415."""
    if request.content_type != FORM:
        raise Problem(415, "media-type", f"the body should be {FORM}, not {request.content_type[:100]!r}")
    try:
        text = (await inputs.whole(request)).decode()
        return parse_qs(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise Problem(400, "malformed", f"the body is no form: {error}") from None


def _ok(values: Mapping[str, object]) -> web.Response:
    body = json_line({"node_name": node_name(), "status": "ok", **values})
    return web.Response(body=body, content_type="application/json")
