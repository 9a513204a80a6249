"""Opens the parts of one crawl in order, and gives them other settings while it runs."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..engine.engine import Engine, Visit
from ..engine.hooked_fetcher import NO_HOOKS, HookedFetcher, Hooks
from ..engine.limits import Limits
from ..engine.site_turns import SiteTurns
from ..engine.slots import Places, Seat
from ..errors import ConfigError
from ..fetch import Budget, CookieJar, ForeignFetcher, Guard, HttpFetcher, Network, keep_cookies
from ..fetch.posting import open_post, open_post_alone
from ..folder import lost_records
from ..folder.folder import Folder
from ..folder.lost_records import NOTHING_LOST, LostRecords
from ..metrics.metrics import Summary
from ..metrics.totals import Running, Totals, run_name
from ..model import make_crawl_id
from ..offload import fork_folder as shelter
from ..policy.admitted import Admitted
from ..policy.answers import Answers
from ..policy.pace import Pace
from ..policy.scope import Scope
from ..policy.site_rules import SiteRules
from ..proof import RequestRecorder, note_grounds, note_no_grounds
from ..protocols import (
    Archive,
    Choosing,
    Fetcher,
    Frontier,
    Observer,
    Offloader,
    Output,
    Patient,
    PerAddress,
    PerCrawl,
    Posting,
    Robots,
    Sink,
)
from ..reach.roots import AdmittedPlaces, Roots
from ..runtime.presence import Presence
from ..settings import Config
from ..settings.kinds import check_shape
from ..sinks import SkipStored, find_observers
from ..standing import SiteView, WorkCost
from ..telemetry import Tracing
from ..visit import Visitor
from . import parts
from .given import OpenFetcher, enter_given_fetcher, makes_fetcher
from .kinds import enter_fetcher, enter_frontier
from .parsing import Extract, Returns, choose_return, try_to_load
from .rendering import Means, Renderer, enter_renderer
from .shared import Shared, open_shared
from .site_facts import SiteFacts

if TYPE_CHECKING:
    from ..archives import ArchiveFetcher
    from ..copies import Copies


@dataclass(slots=True)
class Stacking:
    """Opens the parts of one crawl on an exit stack, in their order."""

    stack: AsyncExitStack
    config: Config
    folder: Folder | None
    sinks: tuple[Sink, ...]
    fetcher: Fetcher | OpenFetcher | None
    extract: Extract | None
    shared: Shared | None
    weight: float
    hooks: Hooks = NO_HOOKS
    lost: LostRecords = NOTHING_LOST
    http: HttpFetcher | None = None
    archives: ArchiveFetcher | None = None
    recorder: RequestRecorder | None = None

    async def works(self) -> Works:
        config = self.config
        parts.check_extras(config)
        renderer = await enter_renderer(self.stack, config)
        frontier = await self._open_frontier()
        copies = await self._open_copies(frontier)
        self.recorder = self._open_recorder()
        outputs = [*await self._open_outputs(), *await self._open_near_duplicates()]
        opened = [*outputs, *self.sinks, *((self.recorder,) if self.recorder else ())]
        sinks = await self._rewind(opened, frontier)
        shared = self.shared
        if shared is None:
            shared = await self.stack.enter_async_context(open_shared(config))
        offloader = shared.offloader.lane()
        await try_to_load(self.extract, offloader)
        returns = choose_return(shared.config, bool(self.sinks))
        seat = (shared.places if self.shared else Places()).seat(self.weight)
        fetcher = await self._open_fetcher(shared.budget, self.shared.network if self.shared else None, shared.presence)
        tracing = shared.telemetry.open_tracing() if shared.telemetry else None
        if tracing:
            fetcher = tracing.trace_exchanges(fetcher)
        observer = find_observers(sinks)
        robots = parts.robots(config, fetcher, offloader, observer, shared.presence, shared.robots)
        visiting = HookedFetcher(fetcher, self.hooks, robots) if any(self.hooks) else fetcher
        in_workers = shared.config.offload.executor in ("process", "auto")
        durable = frontier.durable
        roots = Roots(durable, partial(_make_table if in_workers else Admitted, frontier.key))
        self.stack.callback(roots.close)
        answers = Answers(durable.brought) if durable else Answers()
        return Works(
            frontier, sinks, robots, fetcher, offloader, seat, answers, self.extract, returns, roots, self.lost,
            shared.presence, self.http, Pace(shared.presence), visiting, shared.totals, tracing, self.archives,
            SiteTurns(frontier), observer, renderer, copies, self.recorder,
        )  # fmt: skip

    def _open_recorder(self) -> RequestRecorder | None:
        """Opens the audit of requests. A crawl without a folder has none, nor has one that sends no requests."""
        if self.folder is None or self.config.fetch.archives or not self.config.proof.audit_requests:
            return None
        is_synced = self.config.frontier.durability == "power"
        recorder = RequestRecorder(self.folder.path, parts.proof_terms(self.config), is_synced=is_synced)
        self.stack.callback(recorder.close)
        recorder.open()
        return recorder

    async def _open_frontier(self) -> Frontier:
        """Opens the frontier. Visits whose records are gone from an output are queued again before."""
        terms = parts.terms(self.config, self.shared.turns if self.shared else None)
        config, folder = self.config.frontier, self.folder
        place = folder.path if folder else None
        if folder is None or config.kind != "sqlite":
            return await enter_frontier(self.stack, place, config, terms)
        async with AsyncExitStack() as opened:
            frontier = await enter_frontier(opened, place, config, terms)
            damaged = await asyncio.to_thread(lost_records.find_damaged, folder.outputs, await frontier.positions())
            if not damaged:
                self.stack.push_async_exit(opened.pop_all())
                return frontier
        self.lost = await asyncio.to_thread(
            lost_records.requeue_lost_records, folder.frontier_path, damaged, is_asked=False
        )
        return await enter_frontier(self.stack, place, config, terms)

    async def _open_copies(self, frontier: Frontier) -> Copies | None:
        """Opens copies before the outputs: the last files are copied when these are closed."""
        if not self.config.copies.to or self.folder is None:
            return None
        from ..copies import open_copies  # noqa: PLC0415 - imported by crawls that copy

        folder, to = self.folder, self.config.copies.to
        place = f"{to}/{folder.path.name}" if self.shared else to  # each crawl of many has a place of its own
        opening = open_copies(folder.outputs, folder.path, place, frontier.positions)
        return await self.stack.enter_async_context(opening)

    async def _rewind(self, opened: Sequence[Sink], frontier: Frontier) -> tuple[Sink, ...]:
        positions = await frontier.positions()
        owed = frontier.durable.owed if frontier.durable else {}
        sinks = tuple(_skip_kept(sink, owed) for sink in opened)
        names = [sink.name for sink in sinks]
        if len(set(names)) < len(names):
            raise ConfigError(f"each sink needs a name of its own, but some of these are equal: {', '.join(names)}")
        info = parts.crawl_info(self.config, frontier, self.folder.path if self.folder else None)
        for sink in opened:  # unwrapped
            if isinstance(sink, PerCrawl):
                await sink.begin_crawl(info)
        for sink in sinks:
            await sink.rewind(positions.get(sink.name))
        return sinks

    async def _open_outputs(self) -> list[Sink]:
        is_synced = self.config.frontier.durability == "power"
        outputs = self.folder.outputs if self.folder else ()
        sinks = [await self._open_output(output, is_synced) for output in outputs]
        for output, sink in zip(outputs, sinks, strict=True):
            check_shape(sink, Sink, f"the output {output.name!r}", "sinks")
            if sink.name != output.name:
                raise ConfigError(f"sinks: the output {output.name!r} opened a sink with another name, {sink.name!r}")
        return sinks

    async def _open_near_duplicates(self) -> list[Sink]:
        opening = parts.open_near_duplicates(self.config, self.folder.path if self.folder else None)
        return [await self.stack.enter_async_context(opening)] if opening else []

    async def _open_output(self, output: Output, is_synced: bool) -> Sink:
        if not isinstance(output, Posting):
            return await self.stack.enter_async_context(output.open(is_synced=is_synced))
        fetch = self.config.fetch
        posts = open_post(Guard(fetch.allow_networks), self.shared.network.ask) if self.shared else None
        post = await self.stack.enter_async_context(posts or open_post_alone(fetch))
        return await self.stack.enter_async_context(output.open_posting(post, is_synced=is_synced))

    async def _open_fetcher(self, budget: Budget, network: Network | None, presence: Presence) -> Fetcher:
        """Opens the fetcher that the settings name, around the HTTP fetcher, whose gates change with the settings.

        A function of the program gets it, and may put another one around it. A fetcher of the program takes its place.
        """
        if self.fetcher is not None and not makes_fetcher(self.fetcher):
            return ForeignFetcher(cast("Fetcher", self.fetcher), self.recorder)
        if self.config.fetch.archives:
            from ..archives import open_archives  # noqa: PLC0415 - needed for a replay alone

            opening = open_archives(self.config.fetch, parts.policy(self.config), budget)
            self.archives = await self.stack.enter_async_context(opening)
            return await self._open_around(self.archives)
        self.http = await self.stack.enter_async_context(parts.open_fetcher(self.config, budget, network, presence))
        self.http.line.recorder = self.recorder
        if self.config.fetch.cookie_file:
            if self.http.line.cookies is None:
                raise ConfigError("fetch.cookie_file needs fetch.cookies = true beside it", ["fetch.cookie_file"])
            place = (self.folder.path if self.folder else Path()) / self.config.fetch.cookie_file
            await self.stack.enter_async_context(keep_cookies(self.http.line.cookies, place))
        return await self._open_around(self.http)

    async def _open_around(self, inner: Fetcher) -> Fetcher:
        """Opens the fetchers that the settings and the program put around `inner`."""
        named = await enter_fetcher(self.stack, inner, self.config)
        if self.fetcher is None:
            return named
        return await enter_given_fetcher(self.stack, cast("OpenFetcher", self.fetcher), named)


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

    def engine(self, config: Config) -> Engine:
        """Returns an engine for one run, and puts its reach in force."""
        ground = self._ground(config)
        self.roots.choose(ground)
        return Engine(
            self.frontier, self._visit(config, ground), self.sinks, _limits(config),
            parse_backlog=lambda: self.offloader.waiting, seat=self.seat, presence=self.presence,
            is_throttled=lambda: self.http is not None and self.http.limits.are_used_up,
        )  # fmt: skip

    @contextmanager
    def observe_run(self, engine: Engine) -> Iterator[Callable[[Summary], None]]:
        """Counts and traces a run, which goes on within the block; call what it yields with the result of the run."""
        crawl_id, job = make_crawl_id(self.frontier.key), run_name.get()
        with self.totals.count(Running(job or crawl_id, engine.metrics, self.frontier.counts)):
            if self.tracing is None:
                yield lambda summary: None
                return
            with self.tracing.run(crawl_id, job) as tell:
                yield tell

    def prepare_retune(self, engine: Engine, config: Config, who: str = "program") -> Callable[[], None]:
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
        )  # fmt: skip
        visit = self.roots.wait_for(ground, visitor.visit)
        return self.tracing.trace_visits(visit) if self.tracing else visit


def _skip_kept(sink: Sink, owed: Mapping[int, Sequence[str]]) -> Sink:
    """Returns the sink, wrapped so that it skips records that it still has and other sinks lost.

    An archive and the audit keep what comes: the visit is made once more, and so are its exchanges.
    """
    has = [row for row, sinks in owed.items() if sink.name not in sinks]
    return SkipStored(sink, has) if has and not isinstance(sink, (Archive, RequestRecorder)) else sink


def _make_table(key: bytes) -> Admitted:
    """Returns a table in a file, which worker processes can open."""
    return Admitted(key, shelter.fork_folder() / f"places-{secrets.token_hex(8)}")


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
