"""Opens the parts of one crawl in order."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..dataclass import dataclass
from ..engine.hooked_fetcher import NO_HOOKS, HookedFetcher, Hooks
from ..engine.limits import Limits
from ..engine.site_turns import SiteTurns
from ..engine.slots import Places
from ..errors import ConfigError
from ..fetch import Budget, ForeignFetcher, Guard, HttpFetcher, Network, keep_cookies
from ..fetch.posting import open_post, open_post_alone
from ..folder import lost_records
from ..folder.folder import Folder
from ..folder.lost_records import NOTHING_LOST, LostRecords
from ..frontier_protocols import Admitting
from ..offload import fork_folder as shelter
from ..policy.admitted import Admitted
from ..policy.answers import Answers
from ..policy.pace import Pace
from ..proof import RequestRecorder
from ..protocols import (
    Archive,
    Fetcher,
    Frontier,
    Output,
    PerCrawl,
    Posting,
    Sink,
)
from ..reach.roots import Roots
from ..robots.tdmrep import Reservations
from ..runtime.presence import Presence
from ..settings import Config
from ..settings.kinds import check_shape
from ..sinks import SkipStored, find_observers
from ..sinks.preferences import PreferencesFile
from . import parts
from .given import OpenFetcher, enter_given_fetcher, makes_fetcher
from .kinds import enter_fetcher, enter_frontier
from .parsing import Extract, choose_return, try_to_load
from .rendering import enter_renderer
from .several_loops import count_loops, is_for_loops, make_loops, make_merger, open_cut_frontier
from .shared import Shared, open_shared
from .works import Works

if TYPE_CHECKING:
    from ..archives import ArchiveFetcher
    from ..copies import Copies
    from ..frontier.sharded import ShardedFrontier
    from ..loops.run import Loops


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
    frontier: Frontier | None = None
    """The frontier, where the caller has opened it: for one event loop among several."""
    audit_in: Path | None = None
    """Where to record requests, if `folder` is None."""
    loop: str = ""
    """The name of this event loop among several, which records into files of its own."""
    lost: LostRecords = NOTHING_LOST
    http: HttpFetcher | None = None
    archives: ArchiveFetcher | None = None
    recorder: RequestRecorder | None = None
    cut: ShardedFrontier | None = None
    """The same frontier, where the folder is one for several event loops."""
    lock: int = -1
    """The lock that these inherit."""

    async def works(self) -> Works:
        config = self.config
        parts.check_extras(config)
        renderer = await enter_renderer(self.stack, config) if self._visits else None
        frontier = self.frontier or await self._open_frontier()
        copies = await self._open_copies(frontier)
        self.recorder = await self._open_recorder()
        beside = [
            *await self._open_near_duplicates(),
            *self.sinks,
            *((self.recorder,) if self.recorder else ()),
            *self._preferences(),
        ]
        opened = [*await self._open_outputs(), *beside]
        sinks = await self._rewind(opened, frontier)
        loops = await self._open_loops(sinks)
        shared = self.shared
        if shared is None:
            shared = await self.stack.enter_async_context(open_shared(config))
        if renderer is not None:
            self.stack.enter_context(shared.rendering.count(renderer.browsers.figures))
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
        lending = cast(object, frontier)
        if isinstance(lending, Admitting):
            lending.admit_by(roots.admit)
        answers = Answers(durable.brought) if durable else Answers()
        return Works(
            frontier, sinks, robots, fetcher, offloader, seat, answers, self.extract, returns, roots, self.lost,
            shared.presence, self.http, Pace(shared.presence), visiting, shared.totals, tracing, self.archives,
            SiteTurns(frontier), observer, renderer, copies, self.recorder,
            Reservations(fetcher, offloader, observer), loops,
        )  # fmt: skip

    @property
    def _visits(self) -> bool:
        """Whether this process visits pages itself, and not its children."""
        return self.folder is None or self.frontier is not None or count_loops(self.config) == 1

    def _check_given(self) -> None:
        """Raises ConfigError for what a program gives to its own process, where others make the visits."""
        is_own_function = self.extract is not None and not self.config.extract.function
        given = {
            "records on standard output (--json) or a sink": bool(self.sinks),
            "a fetcher": self.fetcher is not None,
            "hooks": any(self.hooks),
            "a parse function that is no extract.function": is_own_function,
        }
        if names := [name for name, is_there in given.items() if is_there]:
            why = f"several event loops are processes of their own, which cannot use {names[0]} of this one"
            raise ConfigError(f"offload.loops: {why}", ["offload.loops"], [why])

    async def _open_loops(self, sinks: Sequence[Sink]) -> Callable[[Config, Limits], Loops] | None:
        """Returns what makes a run on several event loops; None: there is one. Records that loops left are moved."""
        cut, folder, lock = self.cut, self.folder, self.lock
        if cut is None or folder is None:
            return None
        await make_merger(cut, folder, sinks).merge(is_over=True)
        if count_loops(self.config) == 1:
            return None
        return lambda config, limits: make_loops(config, folder, cut, sinks, limits, lock)

    async def _open_recorder(self) -> RequestRecorder | None:
        """Opens the audit of requests. A crawl without a folder has none, nor has one that sends no requests."""
        if self.config.fetch.archives or not self.config.proof.audit_requests or not self._visits:
            return None
        folder = self.folder.path if self.folder else self.audit_in
        if folder is None:
            return None
        is_synced = self.config.frontier.durability == "power"
        recorder = RequestRecorder(folder, parts.proof_terms(self.config), is_synced=is_synced, loop=self.loop)
        self.stack.push_async_callback(recorder.close)
        await asyncio.to_thread(recorder.open)
        return recorder

    async def _open_frontier(self) -> Frontier:
        """Opens the frontier. Visits whose records are gone from an output are queued again before."""
        terms = parts.terms(self.config, self.shared.turns if self.shared else None)
        config, folder = self.config.frontier, self.folder
        place = folder.path if folder else None
        if is_for_loops(self.config, folder):
            assert folder is not None
            if not self._visits:
                self._check_given()
            self.cut, self.lock = await open_cut_frontier(self.stack, folder, self.config, terms)
            return self.cut
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
        if not self.config.copies.to or self.folder is None or self.frontier is not None:
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

    def _preferences(self) -> list[Sink]:
        """Returns what keeps the preferences of sites; nothing: there is no folder, or no purpose."""
        if self.folder is None or not self.config.usage.purpose:
            return []
        return [PreferencesFile(self.folder.path, is_synced=self.config.frontier.durability == "power")]

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


def _skip_kept(sink: Sink, owed: Mapping[int, Sequence[str]]) -> Sink:
    """Returns the sink, wrapped so that it skips records that it still has and other sinks lost.

    An archive and the audit keep what comes: the visit is made once more, and so are its exchanges.
    """
    has = [row for row, sinks in owed.items() if sink.name not in sinks]
    return SkipStored(sink, has) if has and not isinstance(sink, (Archive, RequestRecorder)) else sink


def _make_table(key: bytes) -> Admitted:
    """Returns a table in a file, which worker processes can open."""
    return Admitted(key, shelter.fork_folder() / f"places-{secrets.token_hex(8)}")
