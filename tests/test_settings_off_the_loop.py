"""Nothing that is kept is written on the event loop: a slow disk stops no visit."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import crawler
from crawler import urls
from crawler.daemon import DaemonConfig, JobSpec, open_jobs

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CALLS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "sqlite3.connect"}
BASE = crawler.Config.model_validate({"offload": {"executor": "inline"}})


class Disk:
    """Notes the calls of one thread that wait for a disk. There is one of these, for an audit hook stays for ever."""

    def __init__(self) -> None:
        self.thread = 0
        self.folder = ""
        self.calls: list[tuple[str, str]] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.thread or threading.get_ident() != self.thread:
            return
        if event in CALLS or (event == "open" and arguments[2] & WRITES):
            self.note(event, arguments[0])

    def note(self, what: str, path: object) -> None:
        if self.thread == threading.get_ident() and (isinstance(path, int) or str(path).startswith(self.folder)):
            self.calls.append((what, os.path.basename(str(path))))


DISK: list[Disk] = []


@contextmanager
def watched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    if not DISK:
        DISK.append(Disk())
    disk, real = DISK[0], os.fsync

    def fsync(file: int) -> None:
        disk.note("fsync", file)
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    disk.calls, disk.folder, disk.thread = [], str(folder), threading.get_ident()
    try:
        yield disk
    finally:
        disk.thread = 0


async def test_a_crawl_keeps_its_settings_off_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with watched(tmp_path, monkeypatch) as disk:
        for depth in (2, 3):
            async with crawler.open_crawl(folder=tmp_path / "crawl", max_depth=depth, executor="inline") as crawl:
                await crawl.change(delay_s=float(depth), include=["/a*"])
                await crawl.add(["https://example.org/"])
    assert disk.calls == []
    assert "delay_s = 3.0" in (tmp_path / "crawl" / "crawl.toml").read_text()


async def lines() -> AsyncIterator[Sequence[str]]:
    yield ["https://example.org/"]


async def test_a_daemon_keeps_its_jobs_off_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with watched(tmp_path, monkeypatch) as disk:
        for _ in range(2):
            async with open_jobs(DaemonConfig(), tmp_path / "data", BASE) as jobs:
                job, _ = await jobs.submit(JobSpec(is_paused=True), lines())
                await jobs.change(job.id, {"max_depth": 3, "delay_s": 2.0})
                await jobs.hold(job.id, "https://example.org/")
                await jobs.cancel(job.id)
                await jobs.remove(job.id)
    assert disk.calls == []


def test_what_waits_for_the_disk_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with watched(tmp_path, monkeypatch) as disk:
        with open(tmp_path / "new", "w") as file:
            os.fsync(file.fileno())
        (tmp_path / "new").rename(tmp_path / "old")
    assert [what for what, _ in disk.calls] == ["open", "fsync", "os.rename"]


async def test_the_list_of_suffixes_is_there_before_the_first_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a tenth of a second of CPU, which stood in the way of the first page that needed it."""
    loaded_in: list[int] = []
    monkeypatch.setattr(urls, "load_suffixes", lambda: loaded_in.append(threading.get_ident()))
    async with crawler.open_crawl(executor="inline"):
        pass
    assert loaded_in
    assert threading.get_ident() not in loaded_in
