"""The control plane of an engine: an API whose jobs are crawls in the engine, which `crawl work` nodes run.

It keeps nothing itself, so any number of them serve one engine, and one that dies takes nothing with it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from ..api.engines import Engine, open_engine
from ..errors import ConfigError, CrawlError, FrontierError
from ..event_loop import require_asyncio
from ..runtime.escaping import json_line
from ..runtime.times import iso
from ..settings import Config
from ..settings.loading import mask_value, project_version
from ..standing import CrawlStanding
from . import tokens
from .daemon import Sources
from .http import inputs, safety, sockets
from .http.errors import problem
from .http.models import JobIn
from .http.problems import Problem, bad_field
from .http.safety import Token
from .http.server import Listening
from .jobs.job import JobSpec
from .jobs.outputs import choose_settings
from .jobs.states import State
from .jobs.validation import apply_rules
from .opening import make_home
from .owners import Rule, clamp_to_bounds
from .settings import DaemonConfig, token_file, trust_in

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
MOST_NAME = 100
NAME_BYTES = 4
STOP_S = 3.0
READY_S = 5.0
"""Seconds in which the engine must answer, or the plane is not ready."""
REFUSED = ("template", "priority", "labels", "webhook", "formats")
"""Fields of a job that need a daemon of its own."""
_ENGINE = web.AppKey("engine", Engine)
_RULE = web.AppKey("rule", Rule)


@dataclass(frozen=True, slots=True)
class Plane:
    """A control plane that listens."""

    listening: Listening
    """The address that it listens on."""
    token: Token
    """The token that clients send."""
    token_file: Path
    """The file that holds the token."""
    place: str
    """The engine, without a password."""


@asynccontextmanager
async def open_plane(sources: Sources, url: str) -> AsyncIterator[Plane]:
    """Serves the crawls of an engine as jobs. Raises ConfigError, FolderError, FrontierError."""
    require_asyncio()
    config, base = sources.load()
    _refuse(config)
    path = token_file(config)
    make_home(Path(config.data), trust_in(config))
    token = Token(tokens.read_or_make(path, trust=trust_in(config)))
    async with open_engine(url) as engine:
        app = application(engine, Rule(clamp_to_bounds(base, config.bounds), config.bounds), token, _hosts(config))
        runner = web.AppRunner(app, shutdown_timeout=STOP_S, access_log=None)
        try:
            await runner.setup()
            async with sockets.open_socket(config.host, config.port, config.socket) as sock:
                await web.SockSite(runner, sock).start()
                yield Plane(_listening(config, sock.getsockname()), token, path, engine.place)
                await runner.cleanup()
        finally:
            await runner.cleanup()


def _refuse(config: DaemonConfig) -> None:
    """Raises ConfigError for settings that need a daemon of its own."""
    if config.adapters:
        raise ConfigError("daemon.adapters: a control plane speaks its own protocol alone: leave out --adapter")
    if config.webhooks:
        raise ConfigError("daemon.webhooks: a control plane sends no webhooks: run `crawl serve` without --engine")


def _hosts(config: DaemonConfig) -> frozenset[str]:
    return LOCAL_NAMES | {host.lower() for host in (config.host, *config.allowed_hosts)}


def _listening(config: DaemonConfig, name: Any) -> Listening:
    if config.socket:
        return Listening(f"unix:{config.socket}", None)
    host = f"[{config.host}]" if ":" in config.host else config.host
    return Listening(f"http://{host}:{name[1]}", int(name[1]))


def application(engine: Engine, rule: Rule, token: Token, hosts: frozenset[str]) -> web.Application:
    """Returns the application: some of the API of `crawl serve`, at the same paths."""
    middlewares = [safety.problems(), safety.guard(token, hosts), _translate_errors]
    app = web.Application(middlewares=middlewares, client_max_size=inputs.MAX_BODY)
    app[_ENGINE], app[_RULE] = engine, rule
    app.on_response_prepare.append(safety.add_headers)
    app.add_routes(
        [
            web.get("/healthz", is_alive, name=f"{safety.PUBLIC}-is_alive"),
            web.get("/readyz", is_ready, name=f"{safety.PUBLIC}-is_ready"),
            web.post("/v1/jobs", submit_job, expect_handler=safety.answer_expectation),
            web.get("/v1/jobs", list_jobs),
            web.get("/v1/jobs/{id}", show_job),
            web.get("/v1/jobs/{id}/nodes", list_nodes),
            web.post("/v1/jobs/{id}/pause", pause_job),
            web.post("/v1/jobs/{id}/resume", resume_job),
            web.post("/v1/jobs/{id}/cancel", cancel_job),
            web.route("*", "/{rest:.*}", refuse_rest, expect_handler=safety.answer_expectation),
        ]
    )
    return app


async def is_alive(request: web.Request) -> web.Response:
    """Whether the event loop runs."""
    return _json({"status": "ok", "version": project_version()})


async def is_ready(request: web.Request) -> web.Response:
    """Whether the engine answers."""
    try:
        async with asyncio.timeout(READY_S):
            await request.app[_ENGINE].crawls()
    except (FrontierError, TimeoutError):
        raise Problem(503, "not-ready", "the engine does not answer", headers={"Retry-After": "1"}) from None
    return _json({"status": "ok", "version": project_version()})


async def submit_job(request: web.Request) -> web.Response:
    """Enters a crawl into the engine. The status is 200 if it is there already, with the same settings and seeds."""
    engine = request.app[_ENGINE]
    asked = await inputs.body(request, JobIn)
    for name in REFUSED:
        if getattr(asked, name):
            raise bad_field(name, "is not for jobs in an engine: leave it out, or run `crawl serve` without --engine")
    if not asked.seeds:
        raise bad_field("seeds", "should name one URL at least: seeds cannot be added to a job in an engine later")
    config = _settings(asked, request.app[_RULE])
    name = _check_name(asked.name) if asked.name else f"job-{secrets.token_hex(NAME_BYTES)}"
    is_new = name not in await engine.crawls()
    await engine.begin(name, config, asked.seeds)
    if asked.is_paused and is_new:
        await engine.control(name, "pause")
    job = _job(await engine.standing(name))
    return _json(job, 201 if is_new else 200, {"Location": f"jobs/{name}"})


def _settings(asked: JobIn, rule: Rule) -> Config:
    spec = JobSpec(
        settings=asked.settings, links=asked.links, text=asked.text, markdown=asked.markdown, metadata=asked.metadata
    )
    return apply_rules(choose_settings(spec, rule, {}), rule)


def _check_name(name: str) -> str:
    """Returns the name of a job, which is that of a folder at its nodes. Raises Problem."""
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    if not (name.isascii() and plain.isalnum() and name[0].isalnum() and len(name) <= MOST_NAME):
        raise bad_field("name", f"should have letters, digits, `-`, `_` and `.` alone, {MOST_NAME} at most")
    return name


async def list_jobs(request: web.Request) -> web.Response:
    """All crawls of the engine, the newest first."""
    standings = await request.app[_ENGINE].standings()
    return _json({"items": [_job(one) for one in reversed(standings)], "next": None})


async def show_job(request: web.Request) -> web.Response:
    """One crawl."""
    return _json(_job(await _find(request)))


async def list_nodes(request: web.Request) -> web.Response:
    """The nodes of one crawl."""
    crawl = await _find(request)
    nodes = await request.app[_ENGINE].nodes(crawl.name)
    items = [
        {"name": node.name, "is_alive": node.is_alive, "drains": node.drains, "shards": node.shards,
         "settled": dict(node.settled), "beat_s": round(node.beat_s, 1), "joined_at": iso(node.joined_at)}
        for node in nodes
    ]  # fmt: skip
    return _json({"items": items})


async def pause_job(request: web.Request) -> web.Response:
    """Lets no node begin further visits until it is resumed."""
    return await _control(request, "pause")


async def resume_job(request: web.Request) -> web.Response:
    """Lets nodes go on, also if it was cancelled."""
    return await _control(request, "run")


async def cancel_job(request: web.Request) -> web.Response:
    """Ends the work of all nodes on it. What they fetched is kept."""
    return await _control(request, "stop")


async def refuse_rest(request: web.Request) -> web.Response:
    """Refuses all else that a daemon can do."""
    asked = f"{request.method} {request.path[:200]!a}"
    raise Problem(
        404, "not-found",
        f"a control plane of an engine has no {asked}: it lists, submits, shows, pauses, resumes and cancels jobs, and"
        " lists their nodes; records are merged with `crawl merge`; for all else run `crawl serve` without --engine",
    )  # fmt: skip


async def _control(request: web.Request, word: Any) -> web.Response:
    crawl = await _find(request)
    if crawl.is_finished and word != "run":
        raise Problem(409, "wrong-state", f"{crawl.name} is completed: there is nothing to {word}")
    await request.app[_ENGINE].control(crawl.name, word)
    return _json(_job(await _find(request)))


async def _find(request: web.Request) -> CrawlStanding:
    """Returns the crawl that the path names. Raises Problem."""
    name = request.match_info["id"]
    standings: Sequence[CrawlStanding] = await request.app[_ENGINE].standings()
    for one in standings:
        if one.name == name:
            return one
    raise Problem(404, "not-found", f"there is no job {name[:200]!a}")


def _job(crawl: CrawlStanding) -> dict[str, object]:
    return {
        "id": crawl.name,
        "name": crawl.name,
        "state": _state(crawl),
        "created_at": iso(crawl.made_at),
        "settings": {key: mask_value(key, value) for key, value in crawl.settings.items()},
        "nodes": crawl.nodes,
        "counts": {"known": crawl.known, "queued": crawl.queued, "settled": dict(crawl.settled)},
    }


def _state(crawl: CrawlStanding) -> State:
    if crawl.is_seeded and crawl.is_finished:
        return State.COMPLETED
    words = {"stop": State.CANCELLED, "pause": State.PAUSED}
    return words.get(crawl.control, State.RUNNING if crawl.nodes and crawl.is_seeded else State.QUEUED)


def _json(value: Mapping[str, object], status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=json_line(value), content_type="application/json", headers=headers)


@web.middleware
async def _translate_errors(request: web.Request, handler: Any) -> web.StreamResponse:
    """Turns errors into problem documents."""
    try:
        answer: web.StreamResponse = await handler(request)
    except FrontierError as error:
        raise Problem(503, "not-ready", str(error), headers={"Retry-After": "5"}) from error
    except CrawlError as error:
        raise problem(error) from error
    return answer
