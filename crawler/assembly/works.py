"""Holds the parts of one crawl that stay when its settings change, and gives them other settings while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..dataclass import dataclass
from ..engine.engine import Engine, Visit
from ..engine.limits import Limits, Quota
from ..engine.site_turns import SiteTurns
from ..engine.slots import Seat
from ..errors import ConfigError
from ..fetch import CookieJar, HttpFetcher
from ..folder.lost_records import LostRecords
from ..frontier_protocols import Sharing
from ..metrics.metrics import Summary
from ..metrics.totals import Running, Totals, run_name
from ..model import make_crawl_id
from ..policy.answers import Answers
from ..policy.pace import Pace
from ..policy.scope import Scope
from ..policy.site_rules import SiteRules
from ..proof import RequestRecorder, note_grounds, note_no_grounds
from ..protocols import (
    Choosing,
    Fetcher,
    Frontier,
    Observer,
    Offloader,
    Patient,
    PerAddress,
    Robots,
    Sink,
)
from ..reach.roots import AdmittedPlaces, Roots
from ..robots.tdmrep import Reservations
from ..runtime.presence import Presence
from ..settings import Config
from ..standing import SiteView, WorkCost
from ..telemetry import Tracing
from ..visit import Visitor
from . import parts
from .parsing import Extract, Returns
from .rendering import Means, Renderer
from .site_facts import SiteFacts

if TYPE_CHECKING:
    from ..archives import ArchiveFetcher
    from ..copies import Copies
    from ..loops.run import Loops


@dataclass(frozen=True, slots=True)
class Works:
    """The parts of one crawl that stay when its settings change."""

    frontier: Frontier
    sinks: tuple[Sink, ...]
    robots: Robots
    fetcher: Fetcher
    offloader: Offloader
    seat: Seat
    answers: Answers
    extract: Extract | None
    returns: Returns
    roots: Roots
    lost: LostRecords
    presence: Presence
    http: HttpFetcher | None
    """The HTTP fetcher, whatever may be around it; None: the program gave its own."""
    pace: Pace
    visiting: Fetcher
    """The fetcher with the program's hooks around it: visits use it. Without hooks it is `fetcher`."""
    totals: Totals
    """The figures of all runs of the process."""
    tracing: Tracing | None
    """Makes spans. None: nobody asked for them."""
    archives: ArchiveFetcher | None
    """Answers from archives, in a replay. None: the crawl is on the network."""
    turns: SiteTurns
    """The turns of exchanges beside the visits."""
    observer: Observer | None = None
    """Hears of exchanges that bring no outcome. None: no sink wants to."""
    renderer: Renderer | None = None
    """Renders pages. None: the settings ask for none."""
    copies: Copies | None = None
    """Copies finished files to a store. None: nobody asked for them."""
    recorder: RequestRecorder | None = None
    """Records the requests. None: nobody asked for it, or there is no folder."""

    reservations: Reservations | None = None
    """Reservations of sites, as far as they were asked."""
    loops: Callable[[Config, Limits], Loops] | None = None
    """Makes a run on several event loops. None: it has one, this one."""

    @property
    def cookies(self) -> CookieJar:
        """The cookies of the crawl. Raises ConfigError if it keeps none."""
        if self.archives is not None:
            raise ConfigError("a replay sends no cookies: it answers from archives (fetch.archives)")
        if self.http is None:
            raise ConfigError("this crawl fetches with a fetcher of yours, which keeps its cookies itself")
        if self.http.line.cookies is None:
            raise ConfigError("this crawl keeps no cookies: open it with cookies=True (fetch.cookies)")
        return CookieJar(self.http.line.cookies)

    def hurry_sinks(self) -> None:
        """Makes sinks wait no longer for stores that are away: the run is to end."""
        for sink in self.sinks:
            if isinstance(sink, Patient):
                sink.hurry()
        if self.copies:
            self.copies.hurry()

    def work_costs(self) -> Sequence[WorkCost]:
        """Returns where CPU work is done and what it costs. Empty: nothing is chosen by its cost."""
        return self.offloader.costs() if isinstance(self.offloader, Choosing) else ()

    def engine(self, config: Config) -> Engine | Loops:
        """Returns an engine for one run, and puts its reach in force."""
        if self.loops is not None:
            self.roots.choose(self._ground(config))
            return self.loops(config, _limits(config))
        return self.engine_of(config, self._share_limit(config))

    def _share_limit(self, config: Config) -> Quota | None:
        """Returns the part of this node in the limit of pages, where several nodes share it."""
        match self.frontier:
            case Sharing() as shared:
                shared.share(config.scope.limit, lambda: self.seat.wake())  # noqa: PLW0108 - the engine that comes sets it
                return shared
            case _:
                return None

    def engine_of(self, config: Config, quota: Quota | None = None) -> Engine:
        """Returns an engine of this event loop; with `quota` for one among several."""
        ground = self._ground(config)
        self.roots.choose(ground)
        return Engine(
            self.frontier, self._visit(config, ground), self.sinks, _limits(config),
            parse_backlog=lambda: self.offloader.waiting, seat=self.seat, presence=self.presence,
            is_throttled=lambda: self.http is not None and self.http.limits.are_used_up, quota=quota,
        )  # fmt: skip

    @contextmanager
    def observe_run(self, engine: Engine | Loops) -> Iterator[Callable[[Summary], None]]:
        """Counts and traces a run, which goes on within the block; call what it yields with the result of the run."""
        crawl_id, job = make_crawl_id(self.frontier.key), run_name.get()
        with self.totals.count(Running(job or crawl_id, engine.metrics, self.frontier.counts)):
            if self.tracing is None:
                yield lambda summary: None
                return
            with self.tracing.run(crawl_id, job) as tell:
                yield tell

    def prepare_retune(self, engine: Engine | Loops, config: Config, who: str = "program") -> Callable[[], None]:
        """Returns a function that puts the settings in force. Raises ConfigError before anything is changed."""
        ground = self._ground(config)
        visit, limits, terms = self._visit(config, ground), _limits(config), parts.terms(config)
        change_sites = self.http.prepare_sites(SiteRules(config.sites)) if self.http else _change_nothing

        def retune() -> None:
            if self.recorder is not None:
                self.recorder.change_terms(parts.proof_terms(config), who)
            self.roots.choose(ground)
            self.frontier.limit_lending(
                per_site=terms.per_site, per_ip=terms.per_ip, rest_s=terms.rest_s,
                most_asked_s=terms.most_asked_s, most_held_s=terms.most_held_s, sites=terms.sites,
            )  # fmt: skip
            engine.change(visit, limits)
            self._share_limit(config)
            change_sites()
            if self.http:
                self.http.limit_speed(config.fetch.bytes_per_s)
            fetcher = self.http or self.fetcher
            if isinstance(fetcher, PerAddress):
                fetcher.limit_per_address(parts.per_ip(config))

        return retune

    def complete(self, view: SiteView, facts: SiteFacts) -> SiteView:
        """Returns the view of a site with its delay, the rest that it gets now, its robots.txt, tables and proxy."""
        robots = self.robots.state(view.site)
        (view,) = facts.complete([view._replace(robots=robots)])
        view = self.pace.show(view, view.delay_s, facts.politeness.adapt)
        return view._replace(proxy=self.proxy_of(view.site))

    def proxy_of(self, site: str) -> str:
        """Returns the proxy that a site goes to now, without its password; empty: none, or a fetcher of others."""
        return self.http.proxy_of(site) if self.http else ""

    async def scope(self, config: Config) -> Scope:
        """Returns the scope of the crawl with all its roots. Raises FrontierError, StorageFull."""
        await self.roots.fill()
        return parts.scope(config, self._ground(config).admitted)

    def _ground(self, config: Config) -> AdmittedPlaces:
        return self.roots.ground(config.scope.reach, config.scope.follow_moved_seeds)

    def _visit(self, config: Config, ground: AdmittedPlaces) -> Visit:
        """Returns a visit by these settings. Its job has a new `run` token, so workers report all links again."""
        scope = parts.scope(config, ground.admitted)
        job = parts.job(config, scope, self.frontier.key, self.extract, self.returns)
        means = Means(self.robots, self.turns, self.offloader, self.pace, self.observer)
        rendering = self.renderer.around(self.visiting, config, means) if self.renderer else None
        visitor = Visitor(
            self.robots, rendering or self.visiting, self.offloader, self.frontier, scope, parts.politeness(config),
            job, takes_sitemaps=config.scope.sitemaps, bar=self.frontier.bar,
            admit=self.roots.admit, answers=self.answers, keeps_cookies=config.fetch.cookies,
            pace=self.pace, note_grounds=note_grounds if self.recorder else note_no_grounds, rendering=rendering,
            use=parts.use(config, self.reservations),
        )  # fmt: skip
        visit = self.roots.wait_for(ground, visitor.visit)
        return self.tracing.trace_visits(visit) if self.tracing else visit


def _change_nothing() -> None:
    """Does nothing: a fetcher of others knows no settings of sites."""


def _limits(config: Config) -> Limits:
    scope = config.scope
    return Limits(
        concurrency=config.fetch.concurrency,
        pages=scope.limit,
        time_s=scope.time_limit_s,
        size_bytes=scope.size_limit_bytes,
        known_bytes=config.frontier.memory_bytes,
    )
