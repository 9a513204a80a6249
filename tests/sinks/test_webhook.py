"""Messages of records: signed, in bounds, each with an id that stays; nothing is lost, and a repetition is known."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import anyio
import orjson
import pytest
from aiohttp import web

import crawler
from crawler import Config, ConfigError, SinkError
from crawler.model import PostResult
from crawler.protocols import Follower, Output, Posting
from crawler.settings.loading import amend, chosen_settings, mask_value
from crawler.sinks import make_outputs, patience
from crawler.sinks.webhook import sending, writing
from crawler.testing import link_graph, open_web
from tests.hostile import kills
from tests.hostile.victim import troubled_web
from tests.sinks.test_jsonl import fetched

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
WEB = link_graph(seed=3, sites=4, pages_per_site=15, links_per_page=8)


@dataclass
class Receiver:
    """Takes messages, or answers as it is told to."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    """The next answers; after them 204."""
    headers: Mapping[str, str] = field(default_factory=dict)
    heard: list[tuple[Mapping[str, str], bytes, int]] = field(default_factory=list)

    def taken(self) -> Counter[tuple[str, int]]:
        """Returns the visits of all messages that were taken, those with one id counted once."""
        bodies = {head["Webhook-Id"]: body for head, body, status in self.heard if status == 204}
        pages = [page for body in bodies.values() for page in json.loads(body)["data"]["pages"]]
        return Counter((page["url"], page["visit"]) for page in pages)


@asynccontextmanager
async def open_receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()

    async def hear(request: web.Request) -> web.Response:
        status = receiver.statuses.pop(0) if receiver.statuses else 204
        receiver.heard.append((dict(request.headers), await request.read(), status))
        return web.Response(status=status, headers=receiver.headers)

    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/hook", hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}/hook?token=hush-hush-9"
    try:
        yield receiver
    finally:
        await runner.cleanup()


def settings(receiver: Receiver, **more: Any) -> Config:
    sink = {"kind": "webhook", "url": receiver.url, "secret": SECRET, **more}
    quick = {"executor": "inline", "reach": "any", "delay_s": 0.0, "per_site": 4, "allow_networks": ["127.0.0.0/8"]}
    return amend(Config(), {**quick, "sinks": [{"kind": "jsonl"}, sink]})


def visits(folder: Path) -> Counter[tuple[str, int]]:
    records = map(orjson.loads, (folder / "pages.jsonl").read_bytes().splitlines())
    return Counter((record["url"], record["visit"]) for record in records)


async def crawl(config: Config, folder: Path) -> None:
    async with open_web(WEB) as served, crawler.open_crawl(config, folder=folder) as opened:
        await opened.run(served.seeds)


async def test_every_visit_is_told_in_signed_messages_within_bounds(tmp_path: Path) -> None:
    async with open_receiver() as receiver:
        await crawl(settings(receiver, batch=7, batch_bytes=5000, batch_s=60), tmp_path / "c")
        assert receiver.taken() == visits(tmp_path / "c")
        for head, body, _ in receiver.heard:
            said = f"{head['Webhook-Id']}.{head['Webhook-Timestamp']}.".encode() + body
            mac = base64.b64encode(hmac.new(b"k" * 32, said, hashlib.sha256).digest()).decode()
            assert head["Webhook-Signature"] == f"v1,{mac}"
            message = json.loads(body)
            assert (message["type"], message["timestamp"][:2], head["Content-Type"]) == (
                "crawl.pages",
                "20",
                "application/json",
            )
            assert 1 <= len(message["data"]["pages"]) <= 7
            assert len(body) < 5300 or len(message["data"]["pages"]) == 1
        assert len({head["Webhook-Id"] for head, _, _ in receiver.heard}) == len(receiver.heard)
    left = sorted(path.name for path in (tmp_path / "c" / "webhook").iterdir())
    assert left == ["sent.json", "waiting-000001.jsonl"]


async def test_a_message_that_is_not_taken_comes_again_as_it_was(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "FIRST_S", 0.01)
    async with open_receiver() as receiver:
        receiver.statuses, receiver.headers = [503, 429, 200], {"Retry-After": "0"}
        await crawl(settings(receiver), tmp_path / "c")
        (first, *_), (second, *_), (third, *_) = receiver.heard[:3]
        assert first["Webhook-Id"] == second["Webhook-Id"] == third["Webhook-Id"]
        assert receiver.heard[0][1] == receiver.heard[2][1]
        receiver.heard = [(head, body, 204) for head, body, _ in receiver.heard]
        assert receiver.taken() == visits(tmp_path / "c")
    assert caplog.text.count("takes no pages: HTTP 503") == 1
    assert "takes pages again" in caplog.text


@pytest.mark.parametrize("status", [500, 410])
async def test_a_receiver_that_takes_nothing_ends_the_run_and_the_next_run_sends_all(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    words = "wants no more messages" if status == 410 else "has taken no pages for"
    async with open_receiver() as receiver:
        receiver.statuses = [status] * 100
        config = settings(receiver, give_up_s=0.1)
        with pytest.raises(SinkError, match=rf"^http://127\.0\.0\.1:\d+ {words}.*HTTP {status}") as raised:
            await crawl(config, tmp_path / "c")
        receiver.statuses = []
        await crawl(config, tmp_path / "c")
        assert receiver.taken() == visits(tmp_path / "c")
        shown = str([mask_value(key, value) for key, value in chosen_settings(config).items()])
    assert not any(word in caplog.text + str(raised.value) + shown for word in ("hush-hush-9", SECRET))


def output(folder: Path, **settings: Any) -> Output:
    sink = {"kind": "webhook", "url": "http://a.test/", **settings}
    (made,) = make_outputs(folder, amend(Config(), {"sinks": [sink]}))
    return made


async def test_a_process_that_dies_amid_a_message_sends_the_same_one_first(tmp_path: Path) -> None:
    """More was settled meanwhile; it comes in the next message."""
    made = output(tmp_path, batch_s=0.001)
    assert isinstance(made, Posting)
    heard: list[tuple[str, bytes]] = []
    reached = anyio.Event()

    async def hang(url: str, body: bytes, fields: dict[str, str]) -> PostResult:
        heard.append((fields["Webhook-Id"], body))
        reached.set()
        await anyio.sleep_forever()
        return PostResult()

    async def take(url: str, body: bytes, fields: dict[str, str]) -> PostResult:
        heard.append((fields["Webhook-Id"], body))
        return PostResult()

    async def die_amid_it() -> Any:
        async with made.open_posting(hang, is_synced=True) as sink:
            assert isinstance(sink, Follower)
            await sink.rewind(None)
            await sink.write([fetched(1)])
            sink.note_settled()
            await reached.wait()
            settled = await sink.write([fetched(2)])
            sink.note_settled()
            await sink.write([fetched(3)])  # never settled
            found.append(settled)
            await anyio.sleep_forever()

    found: list[Any] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(die_amid_it)
        with anyio.fail_after(30):
            while not found:
                await anyio.sleep(0.001)
        state = {path.name: path.read_bytes() for path in (tmp_path / "webhook").iterdir()}
        tasks.cancel_scope.cancel()
    for name, data in state.items():  # as a kill would have left it
        (tmp_path / "webhook" / name).write_bytes(data)
    async with made.open_posting(take, is_synced=True) as sink:
        await sink.rewind(found[0])
    assert heard[1] == heard[0]
    pages = [[page["url"][-1] for page in json.loads(body)["data"]["pages"]] for _, body in heard]
    assert pages == [["1"], ["1"], ["2"]]


async def test_the_crawl_waits_while_too_much_is_on_its_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "FILE_BYTES", 1)
    made = output(tmp_path, batch_s=0.001)
    assert isinstance(made, Posting)
    may_go = anyio.Event()
    urls: list[str] = []

    async def take(url: str, body: bytes, fields: dict[str, str]) -> PostResult:
        await may_go.wait()
        urls.extend(page["url"] for page in json.loads(body)["data"]["pages"])
        return PostResult()

    async with made.open_posting(take, is_synced=True) as sink:
        assert isinstance(sink, Follower)
        await sink.rewind(None)
        written = 0
        with anyio.move_on_after(0.3):
            for written in range(20):
                await sink.write([fetched(written)])
                sink.note_settled()
        assert 0 < written < 10
        may_go.set()
        for n in range(written, 20):
            await sink.write([fetched(n)])
            sink.note_settled()
    assert urls == [f"http://a.test/{n}" for n in range(20)]
    assert len(list((tmp_path / "webhook").glob("waiting-*"))) == 1, "files whose records were taken are gone"


async def test_an_address_that_is_not_allowed_is_not_connected_to(tmp_path: Path) -> None:
    async with open_receiver() as receiver:
        config = amend(settings(receiver, give_up_s=0), {"allow_networks": []})
        with pytest.raises(SinkError, match="refused: loopback"):
            await crawl(config, tmp_path / "c")
        assert receiver.heard == []


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"url": "ftp://a.test/"}, r"sinks\.0\.url: should be like https://host/path"),
        ({"url": ""}, r"sinks\.0\.url: should be like"),
        ({"fields": ["url"]}, r"sinks\.0\.fields: are for tables"),
        ({"path": "../x"}, r"sinks\.0\.path"),
    ],
)
def test_settings_that_cannot_be_used_are_told(tmp_path: Path, chosen: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        output(tmp_path, **chosen)


async def test_a_damaged_note_of_what_was_sent_is_told(tmp_path: Path) -> None:
    (tmp_path / "webhook").mkdir()
    (tmp_path / "webhook" / sending.SENT).write_bytes(b"[1,")
    made = output(tmp_path)
    assert isinstance(made, Posting)

    async def take(url: str, body: bytes, fields: dict[str, str]) -> PostResult:
        return PostResult()

    with pytest.raises(SinkError, match=r"sent\.json cannot be read"):
        async with made.open_posting(take, is_synced=True) as sink:
            await sink.rewind({"segment": 1, "bytes": 0})


@pytest.mark.slow
async def test_killed_at_any_moment_every_visit_is_told_once_by_the_ids_of_its_messages(tmp_path: Path) -> None:
    async with open_receiver() as receiver, kills.victim(troubled_web(60, sites=4), tmp_path) as crawl:
        await kills.killed_while_it_sends_messages(crawl, 2, Random(kills.SEED), receiver.url)
        assert receiver.taken() == visits(crawl.folder)
