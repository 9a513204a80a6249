"""A crawl over its own archive gives its records again, without a network."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import crawler
from crawler import ConfigError, Reason, Request
from crawler.testing import (
    Served,
    Site,
    Web,
    big,
    chunked,
    compressed,
    disallowing,
    error,
    failing,
    garbage,
    html,
    open_web,
    plain,
    redirect,
    redirect_loop,
    reset,
)
from tests.list_sink import ListSink

LIVE: dict[str, Any] = {
    "allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.0, "retry_delay_s": 0.01,
    "max_body_bytes": 1_000_000,
    "sinks": [{"kind": "jsonl", "links": True, "text": True, "headers": True}, {"kind": "warc"}],
}  # fmt: skip
DIFFERENT = {"fetched_at", "elapsed_ms", "timings", "tls", "warc"}
"""Fields of a record that a replay does not give again. docs/replay.md names them."""
WEB = Web([
    Site("a.test", {
        "/": html(
            "Home",
            ["/1", "/2", "/moved", "/gone", "/tired", "/loop1", "//b.test/", "/private/x", "/zip", "/pieces",
             "/reset", "/garbage", "/hung", "/huge", "/down", "/unknown"],
        ),
        "/1": html("One", ["/2", "/deep/"]), "/2": html("Same"), "/moved": redirect("/1"), "/gone": error(410),
        "/tired": failing(html("Tired", ["/only-here"]), times=1, by=error(503)), "/only-here": html("Only"),
        **redirect_loop("/loop", 3), "/private/x": html("Private"), "/zip": compressed(html("Packed", ["/1"])),
        "/pieces": chunked(html("Pieces", ["/2"])), "/deep/": html("Deep", ["/deep/er", "/deep/copy"]),
        "/deep/er": plain("end"), "/deep/copy": html("Same"), "/reset": reset(), "/garbage": garbage(),
        "/hung": failing(html("Hung up at first", ["/late"]), times=1, by=reset()), "/late": html("Late"),
        "/huge": big("Huge", 3_000_000), "/down": error(503), "/unknown": html("U", ["//nowhere.test/"]),
    }, disallowing("/private/")),
    Site("b.test", {"/": html("B", ["/1"]), "/1": html("B1")}),
])  # fmt: skip


@contextmanager
def no_network() -> Iterator[list[str]]:
    """Collects the names of all audit events of sockets that look for a name or another machine."""
    seen: list[str] = []
    is_on = [True]

    def hook(event: str, args: tuple[object, ...]) -> None:
        if is_on and is_on[0] and event in _NETWORK:
            seen.append(f"{event} {args[1:]}")

    sys.addaudithook(hook)
    try:
        yield seen
    finally:
        is_on[0] = False


_NETWORK = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind"}


def read_records(folder: Path) -> dict[str, dict[str, Any]]:
    lines = (folder / "pages.jsonl").read_bytes().splitlines()
    records = [json.loads(line) for line in lines]
    assert len({record["url"] for record in records}) == len(records)
    return {record["url"]: {k: v for k, v in record.items() if k not in DIFFERENT} for record in records}


async def crawl_live(tmp_path: Path, served: Served, **settings: Any) -> Path:
    """Crawls the web into the folder `live`, which keeps its WARC."""
    folder = tmp_path / "live"
    await crawler.crawl(served.seeds, crawler.Config(**(LIVE | settings)), folder=folder)
    return folder


async def test_the_own_archive_gives_every_record_again(tmp_path: Path) -> None:
    async with open_web(WEB) as served:
        live = await crawl_live(tmp_path, served)
    with no_network() as seen:
        await crawler.replay(live, folder=tmp_path / "again")
    assert seen == []
    was, now = read_records(live), read_records(tmp_path / "again")
    assert now == was
    assert {record["disposition"] for record in now.values()} >= {"fetched", "redirected", "failed", "duplicate"}
    told = {url.rpartition("/")[2]: (record["reason"], record["attempt"]) for url, record in now.items()}
    assert told["tired"] == told["hung"] == (None, 2)
    assert told["reset"] == ("connect", 3)
    assert (told["garbage"][0], told["huge"][0], told["down"]) == ("bad-response", "too-large", ("status-5xx", 3))


async def test_a_replay_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    async with open_web(WEB) as served:
        live = await crawl_live(tmp_path, served)
    await crawler.replay(live, folder=tmp_path / "again", limit=3)
    assert 3 <= len(read_records(tmp_path / "again")) < len(read_records(live))
    with no_network() as seen:  # the folder knows its archives: any way to continue it stays off the network
        await crawler.crawl([], folder=tmp_path / "again", limit=None)
    assert seen == []
    assert read_records(tmp_path / "again") == read_records(live)


async def test_questions_to_a_replay_stay_off_the_network_or_are_refused(tmp_path: Path) -> None:
    async with open_web(WEB) as served:
        live = await crawl_live(tmp_path, served)
        home = served.seeds[0]
    config = crawler.plan_replay(live).config
    with no_network() as seen:
        async with crawler.open_crawl(config, folder=tmp_path / "again") as crawl:
            response = await crawl.fetch(home)
            assert response.status == 200
            answer = await crawl.explain(f"{home}new")
            assert answer.robots.verdict == "not-asked"
            with pytest.raises(ConfigError, match="a replay sends no cookies"):
                _ = crawl.cookies
        with pytest.raises(ConfigError, match="a dry run asks the network"):
            await crawler.rehearse([crawler.Url(home)], config)
    assert seen == []


async def test_other_settings_make_other_records_of_the_same_bytes(tmp_path: Path) -> None:
    async with open_web(WEB) as served:
        live = await crawl_live(tmp_path, served)
        asked = len(served.hits)
    await crawler.replay(live, folder=tmp_path / "again", parse=_count_words, robots="ignore")
    now = read_records(tmp_path / "again")
    missing = {url: record for url, record in now.items() if record["reason"] == "not-archived"}
    assert sorted(url.rpartition("/")[2] for url in missing) == ["x"], "robots.txt kept the live crawl away from it"
    assert all(record["data"] for record in now.values() if record["disposition"] == "fetched")
    assert len(served.hits) == asked


def _count_words(content: crawler.Content) -> dict[str, int]:
    return {"words": len(content.body.split())}


async def test_what_was_not_archived_ends_as_not_archived_and_robots_as_absent(tmp_path: Path) -> None:
    async with open_web(WEB) as served:
        live = await crawl_live(tmp_path, served)
    sink = ListSink()
    summary = await crawler.replay(
        live, ["http://nowhere.test/", Request("http://nowhere.test/", method="POST")], sinks=[sink]
    )
    assert summary.reasons == {Reason.NOT_ARCHIVED: 2}
    assert [(one.disposition, one.response) for one in sink.got] == [("failed", None)] * 2


async def test_without_a_crawl_folder_each_document_is_a_seed_and_links_are_not_followed(tmp_path: Path) -> None:
    async with open_web(WEB) as served:
        live = await crawl_live(tmp_path, served)
    alone = tmp_path / "alone.warc.gz"
    [archive] = (live / "warc").glob("*.warc.gz")
    archive.rename(alone)
    await crawler.replay(str(alone), folder=tmp_path / "again")
    now, was = read_records(tmp_path / "again"), read_records(live)
    assert not [url for url, record in now.items() if record["reason"] == "not-archived"]
    assert now.keys() == {url for url, record in was.items() if record["status"] is not None}
    assert {record["depth"] for record in now.values()} == {0}


@pytest.mark.parametrize("place", ["missing.warc", "empty", "foreign.warc", "pipe"])
async def test_what_is_no_archive_is_refused_and_leaves_no_folder(tmp_path: Path, place: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "foreign.warc").write_bytes(b"hello")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(
        ConfigError, match=r"^fetch\.archives: \S+(:| at byte 0:) (no such file|no WARC|not a WARC|no regular file)"
    ):
        await crawler.replay(tmp_path / place, folder=tmp_path / "again")
    assert not (tmp_path / "again").exists()


async def test_turns_cost_nothing_however_long_sites_rest(tmp_path: Path) -> None:
    async with open_web(WEB) as served:
        live = await crawl_live(tmp_path, served)
    now = await crawler.replay(
        live, folder=tmp_path / "again", delay_s=3600.0, retry_delay_s=3600.0, sites={"*": {"delay_s": 3600.0}}
    )
    assert not now.queued
