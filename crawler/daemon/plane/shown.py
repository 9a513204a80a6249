"""Shows crawls of an engine as the API of a daemon shows jobs."""

from __future__ import annotations

from collections.abc import Mapping

from ...settings.loading import mask_value
from ...standing import CrawlStanding
from ..http.models import CountsOut, JobOut, ListOut, SeedsOut, Shape
from ..jobs.job import Progress
from ..jobs.states import State


class PlaneJobOut(JobOut):
    """A crawl of an engine as a job. Fields that an engine does not know have the values of a job that did not run."""

    nodes: int
    """Nodes that work on it now."""
    held: tuple[str, ...]
    """Sites that get no visits."""


class PlaneJobsOut(ListOut):
    items: tuple[PlaneJobOut, ...]


class NodeOut(Shape):
    """A node of a crawl."""

    name: str
    is_alive: bool
    drains: bool
    """Whether it was asked to leave."""
    shards: int
    settled: Mapping[str, int]
    """Its final visits, by disposition."""
    beat_s: float
    """Seconds since it was heard of."""
    joined_at: float


class NodesOut(Shape):
    items: tuple[NodeOut, ...]
    shards: int
    """The shards of the crawl. Those that no node holds wait for one."""


def show_job(crawl: CrawlStanding, pages_per_s: float) -> PlaneJobOut:
    """Returns the job as the API shows it."""
    state, pages = state_of(crawl), crawl.settled.get("fetched", 0)
    return PlaneJobOut(
        id=crawl.name, name=crawl.name, state=state.value, priority=0, template=None, created_at=crawl.made_at,
        started_at=None, ended_at=None, ended="exhausted" if state is State.COMPLETED else None, error="",
        settings={key: mask_value(key, value) for key, value in crawl.settings.items()}, labels={}, webhook="",
        seeds=SeedsOut(given=0, bad=0, is_reading=not crawl.is_seeded, queued=0),
        counts=CountsOut(known=crawl.known, queued=crawl.queued, settled=crawl.settled), pages=pages, bytes=0,
        revision=crawl.version, wishes=(), has_more=False, pages_per_s=pages_per_s, bytes_per_s=0.0, in_flight=0,
        progress=_progress(crawl, pages), bound_by="", advice="", remedies={}, at_least_s=None, eta=None, stages={},
        latency=None, nodes=crawl.nodes, held=crawl.held,
    )  # fmt: skip


def _progress(crawl: CrawlStanding, pages: int) -> Progress:
    settled, limit = sum(crawl.settled.values()), crawl.settings.get("scope.limit")
    if isinstance(limit, int) and pages + crawl.queued >= limit:
        return Progress(min(pages, limit), limit, "pages")
    return Progress(settled, settled + crawl.queued, "URLs")


def state_of(crawl: CrawlStanding) -> State:
    """Returns the state of the job."""
    if crawl.is_seeded and crawl.is_finished:
        return State.COMPLETED
    words = {"stop": State.CANCELLED, "pause": State.PAUSED}
    return words.get(crawl.control, State.RUNNING if crawl.nodes and crawl.is_seeded else State.QUEUED)
