"""The operations of a control plane on its jobs."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from aiohttp import web

from ...api.engines import Engine
from ...explanation import explain
from ...settings import Config
from ...standing import CrawlStanding
from ..http import answers, inputs, safety
from ..http.models import (
    ChangeOut,
    EventOut,
    ExplanationOut,
    HistoryOut,
    JobIn,
    JobPatch,
    ListQuery,
    SeriesOut,
    SinceQuery,
    UrlQuery,
)
from ..http.problems import Problem, bad_field
from ..http.results import SiteIn
from ..jobs import validation
from ..jobs.job import JobSpec
from ..jobs.outputs import choose_settings
from ..owners import Rule
from .keys import ENGINE, RULE, SAMPLES
from .shown import NodeOut, NodesOut, PlaneJobOut, PlaneJobsOut, show_job

MOST_NAME = 100
NAME_BYTES = 4
WHO = "api"
REFUSED = ("template", "priority", "labels", "webhook", "formats")
"""Fields of a job that need a daemon of its own."""
UNCHANGED = ("name", "priority", "labels")
"""Fields of a job that cannot change in an engine."""


def routes() -> list[web.RouteDef]:
    """Returns the operations, at the paths that they have in a daemon."""
    job, expects = "/v1/jobs/{id}", safety.answer_expectation
    return [
        web.post("/v1/jobs", submit_job, expect_handler=expects),
        web.get("/v1/jobs", list_jobs),
        web.get(job, show_one),
        web.patch(job, change_job, expect_handler=expects),
        web.get(f"{job}/nodes", list_nodes),
        web.get(f"{job}/history", show_history),
        web.get(f"{job}/explain", explain_url),
        web.get(f"{job}/stats", show_stats),
        web.post(f"{job}/pause", pause_job),
        web.post(f"{job}/resume", resume_job),
        web.post(f"{job}/cancel", cancel_job),
        web.post(f"{job}/sites/hold", hold_site, expect_handler=expects),
        web.post(f"{job}/sites/release", release_site, expect_handler=expects),
    ]


async def submit_job(request: web.Request) -> web.Response:
    """Enters a crawl into the engine. The status is 200 if it is there already, with the same settings and seeds."""
    engine = request.app[ENGINE]
    asked = await inputs.body(request, JobIn)
    for name in REFUSED:
        if getattr(asked, name):
            raise bad_field(name, "is not for jobs in an engine: leave it out, or run `crawl serve` without --engine")
    if not asked.seeds:
        raise bad_field("seeds", "should name one URL at least: seeds cannot be added to a job in an engine later")
    config = _settings(asked, request.app[RULE])
    name = check_name(asked.name) if asked.name else f"job-{secrets.token_hex(NAME_BYTES)}"
    is_new = name not in await engine.crawls()
    await engine.begin(name, config, asked.seeds)
    if asked.is_paused and is_new:
        await engine.control(name, "pause", who=WHO)
    job = show_job(await engine.standing(name), 0.0)
    return answers.json(job, 201 if is_new else 200, {"Location": f"/v1/jobs/{name}"})


def _settings(asked: JobIn, rule: Rule) -> Config:
    spec = JobSpec(
        settings=asked.settings, links=asked.links, text=asked.text, markdown=asked.markdown, metadata=asked.metadata
    )
    return validation.apply_rules(choose_settings(spec, rule, {}), rule)


def check_name(name: str, field: str = "name") -> str:
    """Returns the name of a job, which is that of a folder at its nodes. Raises Problem."""
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    if not (name.isascii() and plain.isalnum() and name[0].isalnum() and len(name) <= MOST_NAME):
        raise bad_field(field, f"should have letters, digits, `-`, `_` and `.` alone, {MOST_NAME} at most")
    return name


async def list_jobs(request: web.Request) -> web.Response:
    """All crawls of the engine, the newest first, or in another order."""
    asked, samples = inputs.query(request, ListQuery), request.app[SAMPLES]
    crawls = await request.app[ENGINE].standings()
    jobs = [show_job(one, samples.pages_per_s(one.name)) for one in crawls]
    jobs = [one for one in jobs if asked.state in (None, one.state) and asked.name.casefold() in one.name.casefold()]
    if asked.label:
        jobs = []
    jobs.sort(key=_ORDERS[asked.sort], reverse=asked.order == "desc")
    return answers.json(PlaneJobsOut(items=tuple(jobs[: asked.limit])))


_ORDERS: Mapping[str, Callable[[PlaneJobOut], float | str]] = {
    "created": lambda job: job.created_at,
    "name": lambda job: job.name.casefold(),
    "state": lambda job: job.state,
    "pages": lambda job: job.pages,
    "pages_per_s": lambda job: job.pages_per_s,
    "bytes": lambda job: job.bytes,
    "queued": lambda job: job.counts.queued,
    "failed": lambda job: job.counts.settled.get("failed", 0),
}


async def show_one(request: web.Request) -> web.Response:
    """One crawl."""
    return answers.json(_shown(request, await _find(request)))


async def change_job(request: web.Request) -> web.Response:
    """Changes settings of a crawl; all nodes put them in force with their next beat."""
    crawl, asked = await _find(request), await inputs.body(request, JobPatch)
    for name in UNCHANGED:
        if getattr(asked, name) is not None:
            raise bad_field(name, "cannot change in a job of an engine: settings can")
    chosen = validation.choose(asked.settings, request.app[RULE])
    changed = await request.app[ENGINE].change(crawl.name, validation.flatten_settings(chosen), who=WHO)
    job = _shown(request, await _find(request))
    return answers.json(ChangeOut(job=job, applied=tuple(one.key for one in changed), needs_restart=()))


async def list_nodes(request: web.Request) -> web.Response:
    """The nodes of one crawl."""
    crawl = await _find(request)
    nodes = await request.app[ENGINE].nodes(crawl.name)
    items = [
        NodeOut(
            name=node.name, is_alive=node.is_alive, drains=node.drains, shards=node.shards, settled=node.settled,
            beat_s=round(node.beat_s, 1), joined_at=node.joined_at,
        ) for node in nodes
    ]  # fmt: skip
    return answers.json(NodesOut(items=tuple(items), shards=await request.app[ENGINE].shards(crawl.name)))


async def show_history(request: web.Request) -> web.Response:
    """All that was asked of the nodes, the oldest first: when, by whom, the old and the new value."""
    crawl = await _find(request)
    items = []
    for number, event in enumerate(await request.app[ENGINE].history(crawl.name), 1):
        changes = [{"key": one.key, "from": one.old, "to": one.new} for one in event.changes]
        data = {"who": event.who, "changes": changes}
        items.append(EventOut(id=number, at=event.at, job=crawl.name, kind="change", data=data))
    return answers.json(HistoryOut(items=tuple(items)))


async def explain_url(request: web.Request) -> web.Response:
    """Why a URL is fetched or not, and its outcome in this crawl."""
    crawl, asked, engine = await _find(request), inputs.query(request, UrlQuery), request.app[ENGINE]
    config = Engine.settle(request.app[RULE].base, crawl)
    said = await explain(asked.url, config, frontier=engine.asked(crawl.name))
    return answers.json(ExplanationOut.model_validate(said.record(Path(crawl.name))))


async def show_stats(request: web.Request) -> web.Response:
    """The crawl's figures since this control plane runs, for an hour at most: pages and queued URLs."""
    crawl, asked = await _find(request), inputs.query(request, SinceQuery)
    points = request.app[SAMPLES].since(crawl.name, asked.since)
    columns = {
        "pages": tuple(float(one.pages) for one in points), "queued": tuple(float(one.queued) for one in points)
    }  # fmt: skip
    return answers.json(SeriesOut(at=tuple(one.at for one in points), columns=columns))


async def pause_job(request: web.Request) -> web.Response:
    """Lets no node begin further visits until it is resumed."""
    return await _control(request, "pause")


async def resume_job(request: web.Request) -> web.Response:
    """Lets nodes go on, also if it was cancelled."""
    return await _control(request, "run")


async def cancel_job(request: web.Request) -> web.Response:
    """Ends the work of all nodes on it. What they fetched is kept."""
    return await _control(request, "stop")


async def hold_site(request: web.Request) -> web.Response:
    """Has no node begin visits to a site until it is released."""
    crawl, asked = await _find(request), await inputs.body(request, SiteIn)
    await request.app[ENGINE].hold(crawl.name, asked.site, who=WHO)
    return answers.nothing()


async def release_site(request: web.Request) -> web.Response:
    """Has a site visited again that was held."""
    crawl, asked = await _find(request), await inputs.body(request, SiteIn)
    await request.app[ENGINE].let_go(crawl.name, asked.site, who=WHO)
    return answers.nothing()


async def _control(request: web.Request, word: Literal["run", "pause", "stop"]) -> web.Response:
    crawl = await _find(request)
    if crawl.is_finished and word != "run":
        raise Problem(409, "wrong-state", f"{crawl.name} is completed: there is nothing to {word}")
    await request.app[ENGINE].control(crawl.name, word, who=WHO)
    return answers.json(_shown(request, await _find(request)))


async def _find(request: web.Request) -> CrawlStanding:
    """Returns the crawl that the path names. Raises Problem."""
    name = request.match_info["id"]
    for one in await request.app[ENGINE].standings():
        if one.name == name:
            return one
    raise Problem(404, "not-found", f"there is no job {name[:200]!a}")


def _shown(request: web.Request, crawl: CrawlStanding) -> PlaneJobOut:
    return show_job(crawl, request.app[SAMPLES].pages_per_s(crawl.name))
