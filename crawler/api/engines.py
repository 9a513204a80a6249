"""Crawls that several machines work on together: nodes that join, what they wrote, and one output of all of it."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, TypeVar

import orjson

from ..assembly import parts
from ..assembly.engines import open_engine as open_server
from ..errors import ConfigError, FolderError
from ..event_loop import require_asyncio
from ..folder.folder import Folder
from ..folder.settings_file import write_settings
from ..frontier.sharded import open_sharded
from ..frontier_protocols import Look
from ..proof import HistoryEvent, SettingChange
from ..runtime.nearest import did_you_mean
from ..runtime.private_files import make_folder, opener
from ..settings import Config
from ..settings.loading import amend, chosen_settings
from ..standing import CrawlStanding, Paper
from .instructing import AGREED, decide_control, decide_hold, decide_settings, instruct
from .merging import MergedArchives, find_archives, merge_archives, merge_records, read_lines
from .seeds import read_seeds

if TYPE_CHECKING:
    from ..backends.engines import CrawlRow, EngineServer, NodeRow

T = TypeVar("T")

NAME_BYTES = 4
MOST_NAMED = 20
JSONL = "jsonl:pages.jsonl"
"""The output that is merged."""
PAGES = "pages.jsonl"
PLANTER = "seeds-"
"""Names of short lives that store seeds and visit nothing begin so."""
ASK_TTL_S = 15.0
"""Of a backend that is only asked: it has no node whose life could end."""


class Engine:
    """The crawls of one engine. `open_engine` makes it."""

    def __init__(self, server: EngineServer) -> None:
        self._server = server
        self.place: str = server.place
        """The server and the database, without a password."""

    @staticmethod
    def settle(config: Config, crawl: CrawlStanding) -> Config:
        """Returns the settings of a crawl: those on which its nodes agreed, over those of the machine.

        Raises ConfigError for settings that this version does not know.
        """
        return amend(config, crawl.settings)

    async def agree(self, name: str, config: Config, seeds: str, shards: int) -> None:
        """Makes the crawl, or checks that it is the same one: with these settings and these seeds. Raises ConfigError.

        `seeds` is a digest of them; empty: they are not known beforehand.
        """
        await self._server.check_safety(config.frontier.durability)
        crawl = await self._server.make_crawl(name, shards)
        mine = _agreed(config)
        told, told_seeds = await self._server.agree(crawl, orjson.dumps(mine).decode(), seeds)
        theirs = orjson.loads(told)
        if differing := sorted(key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key)):
            said = ", ".join(
                f"{key} is {_said(theirs, key)} there and {_said(mine, key)} here" for key in differing[:3]
            )
            raise ConfigError(
                f"the crawl {name!r} in {self.place} has other settings: {said}. Give this one another name"
            )
        if seeds and told_seeds and seeds != told_seeds:
            raise ConfigError(f"the crawl {name!r} in {self.place} has other seeds: give this one another name with -o")

    async def crawls(self) -> Sequence[str]:
        """Returns the names of its crawls."""
        return await self._server.crawls()

    async def standings(self) -> Sequence[CrawlStanding]:
        """Returns where its crawls stand, in the order in which they were made."""
        return await self._server.standings()

    async def standing(self, name: str) -> CrawlStanding:
        """Returns where a crawl stands. Raises ConfigError where there is none, or nobody gave it settings yet."""
        await self._find(name)
        for one in await self._server.standings(name):
            return one
        raise ConfigError(f"the crawl {name!r} in {self.place} was never begun: begin it with its seeds")

    async def mark_seeded(self, name: str) -> None:
        """Notes that all seeds of a crawl are stored: nodes that have no seeds (`crawl work`) join it from now on.

        Waits until seeds that are on their way to other nodes have come there: a node that joins reads them.
        """
        await self._server.mark_seeded(await self._find(name))

    async def begin(self, name: str, config: Config, seeds: Sequence[str]) -> None:
        """Makes a crawl with its seeds; nodes that take part in all crawls (`crawl work`) visit them from then on.

        After a failure the same call goes on. A crawl that is there already gets no seeds again. Raises ConfigError for
        a crawl of this name with other settings or seeds, UrlError, FrontierError.
        """
        requests = list(read_seeds(seeds, parts.policy(config), None))
        digest = hashlib.sha256("\n".join(request.url.text for request in requests).encode()).hexdigest()
        await self.agree(name, config, digest, config.frontier.shards)
        if (await self.standing(name)).is_seeded:
            return
        planter, crawl = f"{PLANTER}{secrets.token_hex(NAME_BYTES)}", await self._find(name)
        async with (
            self._server.open_backend(crawl, ttl_s=ASK_TTL_S) as backend,
            open_sharded(backend, planter, parts.terms(config), takes_all=True) as frontier,
        ):
            await frontier.add(requests)
        await self.mark_seeded(name)

    async def ask(self, name: str, question: Callable[[Look], T]) -> T:
        """Returns the answer of `question` about a crawl, as `look` does for a folder. Nodes may work meanwhile."""
        crawl = await self._find(name)
        async with self._server.open_backend(crawl, ttl_s=ASK_TTL_S) as backend:
            return await backend.ask(question)

    def asked(self, name: str) -> EngineAsked:
        """Returns the frontier of a crawl, for `explain`."""
        return EngineAsked(self, name)

    async def gather(self, name: str, homes: Sequence[Path], into: Path) -> Folder:
        """Makes a crawl folder of what all nodes of a crawl recorded until now, for those who read folders.

        `into` is an empty folder; the new one in it has the name of the crawl. Raises ConfigError, and FolderError if
        records of a node are missing.
        """
        config = self.settle(Config(), await self.standing(name))
        place = into / name
        make_folder(place)
        with _make_file(place / PAGES) as file:
            async for part in self.merge(name, homes):
                file.write(part)
        write_settings(place, config, None)
        return Folder(place, config, is_new=False)

    async def nodes(self, name: str) -> Sequence[NodeRow]:
        """Returns the nodes of a crawl. Raises ConfigError where there is no such crawl."""
        found = await self._server.nodes(await self._find(name))
        return [node for node in found if not node.name.startswith(PLANTER)]

    async def shards(self, name: str) -> int:
        """Returns into how many shards a crawl is cut."""
        return (await self._find(name)).shards

    async def drain(self, name: str, node: str) -> None:
        """Asks a node to finish what it has under way and to leave. Raises ConfigError for an unknown node."""
        crawl = await self._find(name)
        await self._check_node(crawl, node)
        await self._server.drain(crawl, node)

    async def forget(self, name: str, node: str) -> int:
        """Forgets a node that is lost with its files: its visits are made once more. Returns their number.

        Raises ConfigError for an unknown node, FrontierError for one that is alive.
        """
        crawl = await self._find(name)
        await self._check_node(crawl, node)
        return await self._server.forget(crawl, node)

    async def control(self, name: str, word: Literal["run", "pause", "stop"], *, who: str = "program") -> None:
        """Tells all nodes of a crawl to run, to pause or to stop; those that join later, too."""
        crawl = await self._find(name)
        await instruct(self._server, crawl, decide_control(await self.standing(name), word), who, word)

    async def change(
        self, name: str, settings: Mapping[str, object], *, who: str = "program"
    ) -> Sequence[SettingChange]:
        """Gives a crawl other settings, which all nodes put in force with their next beat; returns all that changes.

        Raises ConfigError for settings that cannot change while nodes work; then nothing has changed.
        """
        crawl = await self._find(name)
        return await instruct(self._server, crawl, decide_settings(await self.standing(name), settings), who)

    async def hold(self, name: str, site: str, *, who: str = "program") -> None:
        """Has no node begin further visits to a site, given by any of its URLs, until `let_go`. Raises UrlError."""
        await instruct(self._server, await self._find(name), decide_hold(site, is_held=True), who)

    async def let_go(self, name: str, site: str, *, who: str = "program") -> None:
        """Has a site visited again. Raises UrlError."""
        await instruct(self._server, await self._find(name), decide_hold(site, is_held=False), who)

    async def history(self, name: str) -> Sequence[HistoryEvent]:
        """Returns what was asked of the nodes of a crawl, in order: when and by whom, the old and the new value."""
        return await self._server.history(await self._find(name))

    async def _check_node(self, crawl: CrawlRow, node: str) -> None:
        known = [one.name for one in await self._server.nodes(crawl)]
        if node not in known:
            raise ConfigError(
                f"{crawl.name!r} has no node {node!r}{did_you_mean(node, known, '')}; it has: {', '.join(known)}"
            )

    async def now(self) -> float:
        """Returns the engine's time (Unix seconds)."""
        return await self._server.now()

    async def papers(self, prefix: str) -> Mapping[str, Paper]:
        """Returns the texts that are kept under names that begin so, with their versions."""
        return await self._server.papers(prefix)

    async def keep_paper(self, name: str, after: int, text: str | None) -> bool:
        """Keeps a text under a name, as the version that follows `after` (0: there is none); None: drops it.

        Returns False, and keeps nothing, if it has another version by now: somebody else was faster.
        """
        return await self._server.keep_paper(name, after, text)

    async def is_finished(self, name: str) -> bool:
        """Returns whether nothing is left to do in a crawl."""
        return await self._server.is_finished(await self._find(name))

    async def settled(self, name: str) -> Mapping[str, int]:
        """Returns the final visits of a crawl, by disposition."""
        return await self._server.settled(await self._find(name))

    async def merge(self, name: str, homes: Sequence[Path], sink: str = JSONL) -> AsyncIterator[bytes]:
        """Yields the records of all nodes, each once. Raises FolderError before the first one if some are missing."""
        parts = await self.find_parts(name, homes, sink)
        for path, length in parts:
            left = length
            with path.open("rb") as file:
                while left > 0 and (part := file.read(min(left, 1 << 20))):
                    left -= len(part)
                    yield part

    async def find_parts(self, name: str, homes: Sequence[Path], sink: str = JSONL) -> list[tuple[Path, int]]:
        """Returns the files of all nodes with their settled lengths. Raises FolderError if one is missing or short."""
        crawl = await self._find(name)
        parts: list[tuple[Path, int]] = []
        for full, position in sorted((await self._server.positions(crawl)).items()):
            node, _, output = full.partition("/")
            if output != sink:
                continue
            for file, length in position.items():
                if length:
                    parts.append((_find_file(homes, node, file, length), length))
        return parts

    async def merge_records(self, name: str, homes: Sequence[Path], into: Path | str | None) -> int:
        """Writes the records of all nodes, each once, into a file that appears whole or not at all, or into an object.

        None: standard output. Returns their number. Raises FolderError if some are missing, SinkError, StorageFull.
        """
        settled = sum((await self.settled(name)).values())
        parts = await self.find_parts(name, homes)
        return await asyncio.to_thread(merge_records, parts, settled, into)

    async def merge_archives(self, name: str, homes: Sequence[Path], into: Path | str) -> MergedArchives:
        """Writes the WARC files of all nodes, and one index of them (CDXJ), into a new folder or below a store's URL.

        Raises ConfigError for a crawl without WARC files, FolderError if files are missing or shorter than settled,
        ArchiveError, SinkError, StorageFull.
        """
        config = self.settle(Config(), await self.standing(name))
        places = [sink.path for sink in config.sinks if sink.kind == "warc"]
        if not places:
            raise ConfigError(f"the crawl {name!r} writes no WARC files: begin it with --warc")
        positions = await self._server.positions(await self._find(name))
        records = await self.find_parts(name, homes, JSONL)

        def merge() -> MergedArchives:
            return merge_archives(find_archives(positions, homes, places, _advise), read_lines(records), into)

        return await asyncio.to_thread(merge)

    async def _find(self, name: str) -> CrawlRow:
        crawl = await self._server.find_crawl(name)
        if crawl is None:
            known = await self._server.crawls()
            named = f"{', '.join(known[:MOST_NAMED]) or 'none'}{', ...' if len(known) > MOST_NAMED else ''}"
            raise ConfigError(f"{self.place} has no crawl {name!r}{did_you_mean(name, known, '')}; it has: {named}")
        return crawl


class EngineAsked:
    """The frontier of one crawl in an engine, which answers questions."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._name = name

    async def ask(self, question: Callable[[Look], T]) -> T:
        return await self._engine.ask(self._name, question)


@asynccontextmanager
async def open_engine(url: str) -> AsyncIterator[Engine]:
    """Opens the engine at a URL. Raises ConfigError, FrontierError."""
    require_asyncio()
    async with open_server(url) as server:
        yield Engine(server)


def _agreed(config: Config) -> dict[str, object]:
    chosen = orjson.loads(orjson.dumps(chosen_settings(config), default=_plain))
    return {key: value for key, value in chosen.items() if key.split(".")[0] in AGREED}


def _plain(value: object) -> object:
    dump = getattr(value, "model_dump", None)
    return dump() if dump else str(value)


def _said(settings: Mapping[str, object], key: str) -> str:
    return orjson.dumps(settings[key]).decode()[:60] if key in settings else "not set"


def _find_file(homes: Sequence[Path], node: str, file: str, length: int) -> Path:
    """Returns the file of a node. Raises FolderError if no folder has it whole."""
    found = [path for home in homes if (path := home / node / file).is_file()]
    whole = [path for path in found if path.stat().st_size >= length]
    if whole:
        return whole[0]
    if found:
        raise FolderError(
            f"{found[0]} is short: {length:,} bytes of it are settled, and it has {found[0].stat().st_size:,}. Copy it"
            f" again from the node, or have its pages fetched again: crawl nodes forget {node}"
        )
    raise FolderError(
        f"the records of the node {node} are not here ({homes[0] / node / file}): copy its folder from its machine, or"
        f" have its pages fetched again: crawl nodes forget {node}"
    )


def _advise(what: str, node: str) -> str:
    return f"{what}: copy its folder from its machine, or have its pages fetched again: crawl nodes forget {node}"


def _make_file(path: Path) -> IO[bytes]:
    """Makes a file that only its owner may read."""
    return open(path, "xb", opener=opener)
