"""One open crawl: it is run, watched, changed and stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Literal, TypeVar, Unpack

from anyio import CancelScope

from .. import urls
from ..assembly import parts
from ..assembly.site_facts import find_site_facts
from ..assembly.works import Works
from ..engine.limits import NOTHING_SPENT, Spent
from ..errors import ClosedError, CrawlError, FrontierError, unwrap_group
from ..fetch import CookieJar
from ..folder.folder import Folder
from ..folder.lost_records import LostRecords
from ..frontier import Look
from ..metrics.field_counts import name_fields
from ..metrics.metrics import Snapshot, Summary
from ..model import Reason, Request, Response, make_crawl_id
from ..policy.wider import FAILURES
from ..proof import History
from ..reach.late_seeds import LateSeeds
from ..reach.roots import AT_ONCE
from ..reach.second_looks import Reconsidered, SecondLooks
from ..reach.slow_sites import keep_slow_sites
from ..runtime.clock import wall
from ..runtime.threads import finish_in_thread
from ..runtime.watchdog import Stall, open_watchdog
from ..seeds import BadSeed, SkippedSeeds
from ..settings import Config, Settings
from ..settings.loading import Changes, amend, changes, value_of
from ..standing import SiteView
from .exchanges import Exchanges, make_request
from .heeding import heed_owner
from .outlook import Outlook, looking
from .past import keep_course_of_run, keep_index_of_run
from .progress import find_progress
from .seeds import OnBadSeed, Seed, read_seeds, seed_batches

if TYPE_CHECKING:
    from ..archives import ArchiveFetcher
    from ..explanation import Explanation

T = TypeVar("T")


class Crawl:
    """One open crawl: run it, watch it, change it, stop it. `open_crawl` makes it.

    Once the block of `open_crawl` has ended, calls raise ClosedError, except those that only look at it or stop it.
    """

    def __init__(
        self, config: Config, folder: Folder | None, works: Works, on_bad_seed: OnBadSeed = "raise",
        history: History | None = None,
    ) -> None:  # fmt: skip
        self.config: Config = config
        """The settings in force. A `change` that needs a restart is not among them."""
        self.folder = folder
        """The crawl folder. None: the crawl is in memory."""
        self.lost: LostRecords = works.lost
        """Records that were missing from the outputs when the folder was opened; their visits are queued again."""
        self._works = works
        self._history = history
        self._frontier = works.frontier
        self._engine = works.engine(config)
        self._wanted = config
        self._on_bad = self._note_bad if on_bad_seed == "skip" else None
        self._bad = SkippedSeeds()
        self._is_closed = self._is_running = False
        self._outlook, self._at_rest = Outlook(), asyncio.Event()
        """Set while it does not run."""
        self._at_rest.set()
        self._last: Snapshot | None = None
        """The figures at the end of the last run."""
        self._changing = asyncio.Lock()
        """Held from reading the settings until others are in force: meanwhile the disk is waited for."""
        self._second_looks = SecondLooks(works.frontier, folder, works.scope)
        self._exchanges = Exchanges(works.fetcher, works.robots, works.turns, works.offloader, works.pace)
        self._late = LateSeeds(works.frontier, works.roots)
        self._was_finished = self._has_finished()
        """Whether nothing was left to do before this run: then failed seeds that are given again are tried again."""

    @property
    def id(self) -> str:
        """Which crawl it is: the `CrawlInfo.id` that sinks get. The same in every run of a folder."""
        return make_crawl_id(self._frontier.key)

    async def add(self, seeds: Iterable[Seed], *, again: bool | Literal["failed"] = "failed") -> int:
        """Queues seeds that are new or parked; returns how many it queued.

        `again` says which known ones are fetched once more: those that failed, none (False), or all (True) that are not
        queued or under way. Durable on return if the frontier is durable. Raises UrlError, if `on_bad_seed` is "raise".
        """
        self._check_open()
        new = 0
        requests = list(read_seeds(seeds, parts.policy(self.config), self._on_bad))
        if again is True:
            return await self._add_again(requests)
        for i in range(0, len(requests), AT_ONCE):
            with self._works.roots.admit_added(part := requests[i : i + AT_ONCE]):
                new += await self._frontier.add(part)
        return new + await self._frontier.revive(FAILURES if again else ())

    async def _add_again(self, requests: Sequence[Request]) -> int:
        """Queues requests, known or new. The frontier looks all of them up at once, for that takes a while."""
        with ExitStack() as stack:
            for i in range(0, len(requests), AT_ONCE):
                stack.enter_context(self._works.roots.admit_added(requests[i : i + AT_ONCE]))
                await asyncio.sleep(0)
            return await self._frontier.add_again(requests)

    async def run(self, seeds: Iterable[Seed] | AsyncIterable[Seed] = (), *, spent: Spent = NOTHING_SPENT) -> Summary:
        """Visits until nothing is left, a limit is reached or `stop` is called. Returns a summary; may be called again.

        With `revisit_after_s` it also visits pages that are due again when it begins. `Counts.due_in_s` says when the
        next ones are.

        `seeds` are read during the crawl and are never all in memory; an ordinary iterable is read in a thread. `spent`
        adds time and bytes of earlier runs to the limits of time and size. Raises CrawlError: FrontierError,
        SinkError, StorageFull, UrlError.
        """
        self._check_open()
        if self._is_running:
            raise CrawlError("this crawl is running already: open another one, or wait for its end")
        self._is_running = True
        self._at_rest.clear()
        self._engine.spent = spent
        self._engine.look_again = self._look_again
        try:
            with unwrap_group():
                await self._works.roots.fill()
                async with (
                    open_watchdog(self._note_blocked, self.config.watch.blocked_after_s),
                    keep_slow_sites(self._frontier, self._works.pace),
                    keep_course_of_run(self.folder, self._engine.metrics, lambda: self.config),
                    keep_index_of_run(self.folder, self._frontier, self.config),
                    heed_owner(self, self._works, self._engine),
                ):
                    with self._works.observe_run(self._engine) as tell, looking(self._note_course):
                        summary = await self._engine.run(self._read_seeds(seeds))
                        tell(summary)
                lost, left_out = self.lost.visits, await self._frontier.left_out()
                fields = name_fields(self._engine.metrics.fields, self.config.extract.fields)
                return replace(summary, left_out=left_out, lost_records=lost, bad_seeds=self._bad, fields=fields)
        finally:
            self._bad = SkippedSeeds()
            self._was_finished = self._has_finished()
            self._last = self._engine.snapshot().at_rest()
            self._engine, self._outlook = self._works.engine(self.config), Outlook()
            self._is_running = False
            self._at_rest.set()

    async def reconsider(
        self, *, retry: Collection[Reason] = (), unpark: Collection[str] = (), unpark_all: bool = False
    ) -> Reconsidered:
        """Queues again the pages and URLs that may now bring more; returns how many of each kind.

        Where the settings let in more than those of the last run, pages with links that were left out are read again
        and URLs that were excluded are visited. On request it also queues URLs that failed or were excluded for the
        reasons in `retry`, and URLs parked under the patterns in `unpark`, or all parked URLs. A run does this for
        the settings when it begins. A run under way visits what is queued here. Raises FrontierError.
        """
        self._check_open()
        with self._engine.keep_open():
            return await self._second_looks.look(self.config, retry=retry, unpark=unpark, unpark_all=unpark_all)

    async def _reconsider_settings(self) -> None:
        with self._engine.keep_open():
            await self._second_looks.look(self.config)

    def _has_finished(self) -> bool:
        counts = self._frontier.counts()
        return counts.known > 0 and not (counts.queued or counts.leased)

    async def _look_again(self) -> int:
        """Queues again pages that link to places of late seeds; returns how many. Called when nothing else is left."""
        found = await self._late.look()
        if not found:
            await self._late.keep()
        return found

    async def _read_seeds(self, seeds: Iterable[Seed] | AsyncIterable[Seed]) -> AsyncIterator[Sequence[Request]]:
        """Queues the pages that are due again, then yields the seeds in batches.

        Pages that fall due later wait for the next run: a run visits a page at most once, and so comes to an end.
        """
        await self._reconsider_settings()
        await self._late.begin()
        if self.config.politeness.revisit_after_s is not None:
            now = wall()
            while await self._frontier.revisit(now):
                yield ()  # visits may begin meanwhile
        async for batch in seed_batches(seeds, parts.policy(self.config), self._on_bad):
            with self._works.roots.admit_added(batch):
                yield batch
        await self._frontier.revive(FAILURES if self._was_finished else ())
        yield ()

    def _note_course(self) -> None:
        self._outlook.note(self._engine.snapshot(), self.config, self._sites_with_most)

    def _note_bad(self, bad: BadSeed) -> None:
        self._bad = self._bad.add(bad)

    def _note_blocked(self, stall: Stall) -> None:
        self._engine.metrics.note_blocked(stall.culprit, stall.seconds)

    def stop(self) -> None:
        """Finishes the visits under way and keeps the rest for the next run. Does nothing once it is closed."""
        self._engine.stop()
        self._works.hurry_sinks()

    def abort(self) -> None:
        """Drops the visits under way; the next run makes them again. Does nothing once it is closed."""
        self._engine.abort()
        self._works.hurry_sinks()

    def pause(self) -> None:
        """Starts no more visits until `resume`."""
        self._check_open()
        self._engine.pause()
        self._outlook.hold()

    def resume(self) -> None:
        """Starts visits again after `pause`."""
        self._check_open()
        self._engine.resume()
        self._outlook.go_on()

    async def change(
        self, config: Config | None = None, *, who: str = "program", **settings: Unpack[Settings]
    ) -> Changes:
        """Gives this crawl other settings, running or not; returns all that differs from those it was given last.

        Settings that can change live are in force from the next lease. The folder keeps all of them, and the others
        are in force when it is opened again; its history says that `who` changed them. Raises ConfigError, FolderError,
        StorageFull; then nothing has changed. Changes are made in the order of the calls, each completely: one that is
        cancelled while the folder is being written is in force as well.
        """
        self._check_open()
        async with self._changing:
            with self._engine.keep_open():
                return await self._change(amend(config or self._wanted, settings), who)

    async def _change(self, wanted: Config, who: str) -> Changes:
        changed = changes(self._wanted, wanted)
        in_force = amend(self.config, {change.key: value_of(wanted, change.key) for change in changed.applied})
        retune = self._works.prepare_retune(self._engine, in_force, who)
        wants_sitemaps = in_force.scope.sitemaps and not self.config.scope.sitemaps
        cancelled = None
        if self.folder is not None:
            self.folder, cancelled = await finish_in_thread(partial(self.folder.keep, wanted))
            retune = self._works.prepare_retune(self._engine, in_force, who)  # a run may have ended, roots come
        self._wanted, self.config = wanted, in_force
        if self._history is not None:
            self._history.note_changes(chain(*changed), who)
        retune()
        if wants_sitemaps:
            self._works.robots.ask_again()
        self._engine.send(self._reconsider_settings)
        if cancelled:
            raise cancelled
        return changed

    @property
    def archives(self) -> ArchiveFetcher | None:
        """The archives that it answers from (`fetch.archives`). None: it is on the network."""
        return self._works.archives

    @property
    def cookies(self) -> CookieJar:
        """The cookies that the crawl keeps and sends. Raises ConfigError if it keeps none (`fetch.cookies`)."""
        self._check_open()
        return self._works.cookies

    async def fetch(self, wanted: Seed, *, obeys_robots: bool = True) -> Response:
        """Makes one exchange beside the visits and returns the answer, whatever its status, with its body decoded.

        It goes through the crawl's own fetcher, with its cookies, guard and limits, but not through its hooks, and
        leaves no record. It follows no redirect and tries nothing twice. The site rests before and after it as between
        two visits, and exchanges of one site come one by one. May be called between runs and during one, also in a
        hook. Raises FetchError, also where robots.txt disallows it, ParseError where the body cannot be decoded,
        UrlError and RequestError.
        """
        self._check_open()
        return await self._exchanges.fetch(
            make_request(wanted), parts.politeness(self.config), self.config.fetch.max_body_bytes,
            obeys_robots=obeys_robots, is_amid_visits=self._is_running,
        )  # fmt: skip

    async def decode(self, response: Response) -> Response:
        """Returns the response with its body decoded, so that `response.text` can be read. Raises ParseError."""
        self._check_open()
        return await self._exchanges.decode(response, self.config.fetch.max_body_bytes)

    async def close(self) -> None:
        """Refuses further calls, drops a run under way, and waits until it and all changes are stored.

        `open_crawl` calls it at the end of its block.
        """
        self._is_closed = True
        self._works.turns.close()
        with CancelScope(shield=True):
            async with self._changing:
                pass
            self._engine.abort()
            if self._is_running:
                self._works.hurry_sinks()
            await self._at_rest.wait()

    def _check_open(self) -> None:
        if self._is_closed:
            raise ClosedError("this crawl is", "open_crawl")

    def hold(self, site: str) -> None:
        """Starts no more visits to a site, given by any of its URLs, until `let_go`. Not stored. Raises UrlError."""
        self._check_open()
        self._works.turns.hold(urls.parse(site).site)

    def let_go(self, site: str) -> None:
        """Starts visits to a held site again. Raises UrlError."""
        self._check_open()
        self._works.turns.let_go(urls.parse(site).site)

    @property
    def held(self) -> frozenset[str]:
        """The sites that are held."""
        return self._works.turns.held

    @property
    def weight(self) -> float:
        """Its share of the places for visits that several crawls have in common, relative to their weights."""
        return self._works.seat.weight

    @weight.setter
    def weight(self, weight: float) -> None:
        self._check_open()
        self._works.seat.weight = weight

    def snapshot(self) -> Snapshot:
        """Returns counts and rates of this instant. It is cheap enough to call a few times a second.

        Between two runs the figures are those of the last one; `counts`, `busiest` and `work` are always of now.
        """
        now = self._engine.snapshot()
        now = replace(now, busiest=self._complete(now.busiest), work=self._works.work_costs())
        if self._last is not None and not self._is_running:
            return self._with_progress(replace(self._last, counts=now.counts, busiest=now.busiest, work=now.work))
        now, spent = self._with_progress(now), self._engine.spent
        return self._outlook.complete(now, self.config, spent, self._sites_with_most) if self._is_running else now

    def _with_progress(self, now: Snapshot) -> Snapshot:
        is_closed = not (now.reads_seeds or self._works.extract)
        return replace(now, progress=find_progress(self.config, now.counts, is_closed=is_closed))

    def _sites_with_most(self, limit: int) -> Sequence[SiteView]:
        return self._complete(self._frontier.busiest(limit))

    def sites(self, limit: int) -> Sequence[SiteView]:
        """Returns the sites with the most URLs left, with their delays and robots.txt. It sends no request."""
        self._check_open()
        busiest, retrying = self._frontier.busiest(limit), self._frontier.retrying()
        shown = {view.site for view in busiest}
        idle = (SiteView(site, 0, 0, None) for site in retrying if site not in shown)
        views = (*busiest, *islice(idle, limit - len(busiest)))
        return self._complete([view._replace(retrying=retrying.get(view.site, 0)) for view in views])

    def _complete(self, views: Iterable[SiteView]) -> list[SiteView]:
        facts = find_site_facts(self.config)
        return [self._works.complete(view, facts) for view in views]

    async def ask(self, question: Callable[[Look], T]) -> T:
        """Returns the answer of `question`, which gets what the frontier has stored as a `Look`.

        Raises FrontierError if the frontier is in memory alone.
        """
        self._check_open()
        if self._frontier.durable is None:
            raise FrontierError("this crawl keeps its frontier in memory: give it a folder")
        return await self._frontier.durable.ask(question)

    async def explain(self, text: str, *, is_offline: bool = False) -> Explanation:
        """Returns what decides about a URL and the result of its visit, as `explain` does. Works during a run, too."""
        from ..explanation import explain  # noqa: PLC0415 - imported by crawls that are asked

        self._check_open()
        scope = await self._works.scope(self.config)
        return await explain(
            text, self.config, frontier=self._frontier.durable, scope=scope, is_offline=is_offline,
            pace=self._works.pace, proxy_of=self._works.proxy_of,
        )  # fmt: skip
