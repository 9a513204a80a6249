"""The operation that runs a job again, as it was or changed, as a new job."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from aiohttp import web
from pydantic import Field

from ..jobs.job import JobSpec
from . import answers, inputs
from .fields import IDEMPOTENCY_KEY, etag, idempotency_key
from .jobs import id_of, shown
from .keys import JOBS
from .models import Formats, JobOut, Labels, Name, Priority, Sent, Settings
from .operations import Operations

operation = Operations()


Seeds: TypeAlias = tuple[Annotated[str, Field(max_length=8192)], ...]


class RunAgainIn(Sent):
    """Fields in which the new job differs from the one that it is like. Absent fields are as that job has them."""

    name: Name = ""
    seeds: Annotated[Seeds, Field(min_length=1, max_length=50_000)] | None = None
    """Other seeds. Absent: those of that job, however many."""
    settings: Settings = Field(default_factory=dict)
    """Settings that come over those of that job. Secrets of that job are taken over unseen."""
    without: Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=500)] = ()
    """Settings of that job, by full name, that the new one leaves to the daemon: `scope.max_depth`."""
    priority: Priority | None = None
    labels: Labels = Field(default_factory=dict)
    """Labels that come over those of that job."""
    is_paused: bool = False
    """Whether the job waits for `resume` before it starts."""
    webhook: Annotated[str, Field(max_length=2048)] = ""
    links: bool | None = None
    text: bool | None = None
    markdown: bool | None = None
    metadata: bool | None = None
    formats: Formats = ()


@operation(
    "POST", "/v1/jobs/{id}/run-again", {201: JobOut, 200: JobOut},
    body=RunAgainIn, fields=(IDEMPOTENCY_KEY,), has_etag=True, raises=("wrong-state", "full", "key-reused"),
)  # fmt: skip
async def run_job_again(request: web.Request) -> web.StreamResponse:
    """Submit a new job like this one: the same seeds and settings, but for what the body says."""
    asked = await inputs.body(request, RunAgainIn)
    spec = JobSpec(
        name=asked.name, settings=asked.settings, priority=asked.priority, labels=asked.labels,
        is_paused=asked.is_paused, webhook=asked.webhook, links=asked.links, text=asked.text, formats=asked.formats,
        markdown=asked.markdown, metadata=asked.metadata,
    )  # fmt: skip
    job, is_new = await request.app[JOBS].run_again(
        id_of(request), spec, asked.seeds, without=asked.without, idempotency_key=idempotency_key(request)
    )
    return answers.json(shown(job), 201 if is_new else 200, {"Location": f"../{job.id}", **etag(job.revision)})
