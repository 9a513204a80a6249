"""Power cuts at random instants of a real crawl: in the end every page is in the output once, and none is missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal

import anyio

import crawler
from crawler.errors import SinkError
from crawler.folder.repair import repair_folder
from crawler.settings.loading import amend
from crawler.testing import Served, link_graph, open_web
from tests.hostile.archives import check_references, read_archive
from tests.hostile.victim import CRAWL
from tests.power import disk

SEED = 20261130
PAGES = 40
SETTINGS: dict[str, Any] = {
    "delay_s": 0, "per_site": 4, "reach": "any", "allow_networks": ["127.0.0.0/8"], "executor": "inline",
}  # fmt: skip
Way = Literal["process", "power"]


@dataclass
class Tally:
    """What was seen over all cuts."""

    cuts: int = 0
    kept: int = 0
    """Records that were there after a cut."""
    lost: int = 0
    """Visits that were settled and had to be made again."""
    asked: int = 0
    """Folders that wanted `crawl repair`."""

    def __str__(self) -> str:
        return f"{self.cuts} cuts; {self.kept} records kept, {self.lost} made again, {self.asked} repairs asked for"


@dataclass
class Trial:
    """A web, a place for folders, and the instants that are drawn."""

    served: Served
    home: Path
    chance: Random
    tally: Tally = field(default_factory=Tally)
    is_archived: bool = False
    """Whether the crawls write WARC files, too."""

    @property
    def folder(self) -> Path:
        """Where the crawl is whose writes are noted."""
        return self.home / "disk" / "crawl"

    async def note(self, way: Way) -> tuple[disk.Disk, list[disk.Note]]:
        """Run the command to its end in the folder as it is; the disk before, and what was done to it."""
        notes = self.home / "notes"
        notes.unlink(missing_ok=True)
        self.folder.parent.mkdir(exist_ok=True)
        before = disk.found(self.folder.parent)
        settings = {**SETTINGS, "allow_networks": "127.0.0.0/8", "durability": way}
        options = [f"--set={name}={value}" for name, value in settings.items()]
        options += ["--warc", "--set=max_file_bytes=64K"] if self.is_archived else []
        command = [str(CRAWL), *self.served.seeds, "-o", str(self.folder), "-q", *options]
        environment = disk.environment(disk.library(self.home), self.folder.parent, notes)
        done = await anyio.run_process(command, check=False, env=environment, stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stderr.decode()
        return before, disk.read_notes(notes)

    async def go_on_after(self, before: disk.Disk, notes: Sequence[disk.Note], way: Way) -> None:
        """Cut the power at a random instant, and crawl on in what is left."""
        left, settled = self.left(before, notes)
        output = left / "pages.jsonl"
        self.tally.cuts += 1
        self.tally.kept += len(_urls(output)) if output.exists() else 0
        try:
            summary = await self._crawl(left, way)
        except SinkError as error:
            if way == "power" or "crawl repair" not in str(error):
                raise
            self.tally.asked += 1
            self.tally.lost += (await anyio.to_thread.run_sync(repair_folder, left)).lost.visits
            summary = await self._crawl(left, way)
        self.tally.lost += summary.lost_records
        if way == "power":
            assert not self.tally.lost, "an output was shorter than what was settled"
            assert output.read_bytes().startswith(settled), "what was settled was fetched again"
        if self.is_archived:
            _check_archive(left)
        times = Counter(_urls(output))
        assert set(times) == self.served.web.reachable()
        assert set(times.values()) == {1}

    def left(self, before: disk.Disk, notes: Sequence[disk.Note]) -> tuple[Path, bytes]:
        """The crawl folder as the power cut leaves it, and the records that were surely settled."""
        into = self.home / "left"
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir()
        seen = disk.copied(before)
        for note in notes[: self._instant(notes)]:
            seen.do(note)
        seen.cut_power(self.chance, self.folder.parent, into)
        output = seen.live.get(str(self.folder / "pages.jsonl"))
        return into / "crawl", output.earlier if output else b""

    def _instant(self, notes: Sequence[disk.Note]) -> int:
        """How many of the notes come before the cut: mostly it comes amid the records, at times while all begins."""
        output = str(self.folder / "pages.jsonl")
        first = next((i for i, note in enumerate(notes) if note.what == "write" and note.path == output), 0)
        return self.chance.randint(first if self.chance.random() < 0.8 else 0, len(notes))

    async def _crawl(self, folder: Path, way: Way) -> crawler.Summary:
        sinks = [{"kind": "jsonl"}, *([{"kind": "warc"}] if self.is_archived else [])]
        config = amend(crawler.Config(), {**SETTINGS, "durability": way, "sinks": sinks, "max_file_bytes": 1 << 16})
        return await crawler.crawl(self.served.seeds, config, folder=folder)


@asynccontextmanager
async def trial(home: Path, seed: object = SEED, *, is_archived: bool = False) -> AsyncIterator[Trial]:
    graph = link_graph(seed=7, sites=2, pages_per_site=PAGES // 2, links_per_page=6)
    async with open_web(graph) as served:
        yield Trial(served, home, Random(f"{seed}"), is_archived=is_archived)


async def cut_again_and_again(trial: Trial, way: Way, cuts: int, *, restarts: int = 0) -> Tally:
    """Cuts amid a new crawl, then amid crawls that go on after a cut, so many times as many."""
    before, notes = await trial.note(way)
    for _ in range(cuts):
        await trial.go_on_after(before, notes, way)
    for _ in range(restarts):
        left, _ = trial.left(before, notes)
        shutil.rmtree(trial.folder)
        if left.exists():
            os.rename(left, trial.folder)
        try:
            later = await trial.note(way)
        except AssertionError as error:
            if "crawl repair" not in str(error):
                raise
            await anyio.to_thread.run_sync(repair_folder, trial.folder)
            later = await trial.note(way)
        for _ in range(cuts):
            await trial.go_on_after(*later, way)
    return trial.tally


def _check_archive(folder: Path) -> None:
    """Fails where a file is not valid to its last byte, or a record of a page names no capture of it."""
    found = read_archive(folder / "warc")
    check_references(found)
    for line in (folder / "pages.jsonl").read_text().splitlines():
        record = json.loads(line)
        assert found[tuple(record["warc"].values())].fields["warc-target-uri"] == record["url"]


def _urls(output: Path) -> list[str]:
    """The URLs of all whole records."""
    found = []
    for line in output.read_bytes().splitlines():
        try:
            found.append(json.loads(line)["url"])
        except ValueError:
            continue
    return found
