"""Webhooks: signed, tried again, kept over kills, guarded; and a dead target holds up nobody."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp import web

from crawler.daemon import Jobs, State
from crawler.daemon.errors import BadJob
from crawler.daemon.webhooks import delivery
from crawler.runtime.signing import new_secret, signature

from ..conftest import Open, submit, until

SEED = "http://127.0.0.1:9/"  # nobody is there: the job is over soon


@dataclass
class Target:
    """Somebody who wants to hear of jobs, and says what he is told to say."""

    url: str = ""
    status: int = 200
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    """Methods and paths."""

    @property
    def events(self) -> list[Any]:
        return [json.loads(body) for _, body in self.heard]

    def states(self, job: str) -> list[str]:
        return [event["data"]["to"] for event in self.events if event["job"] == job]

    async def until(self, wanted: Callable[[], bool]) -> None:
        with anyio.fail_after(60):
            while not wanted():
                await anyio.sleep(0.01)


@asynccontextmanager
async def open_target(status: int = 200) -> AsyncIterator[Target]:
    target = Target(status=status)

    async def hear(request: web.Request) -> web.Response:
        target.asked.add(f"{request.method} {request.path}")
        target.heard.append((dict(request.headers), await request.read()))
        if target.status == 302:
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        return web.Response(status=target.status)

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        target.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook?key=secret"
        yield target
    finally:
        await runner.cleanup()


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(open_target())


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next attempt comes at once."""
    monkeypatch.setattr(delivery, "FIRST_S", 0.05)
    monkeypatch.setattr(delivery, "MOST_S", 0.2)


async def test_every_state_of_a_job_is_told_and_signed(open_daemon: Open, target: Target, tmp_path: Path) -> None:
    async with open_daemon() as jobs:
        job = await submit(jobs, [SEED], webhook=target.url)
        await until(jobs, job.id, State.COMPLETED)
        await target.until(lambda: len(target.heard) >= 3)
        assert job.webhook == target.url.partition("/hook")[0], "the rest may be a secret"
    assert target.states(job.id) == ["queued", "running", "completed"]
    secret = (tmp_path / "data" / "webhook-secret").read_text().strip()
    for fields, body in target.heard:
        text = f"{fields['Webhook-Id']}.{fields['Webhook-Timestamp']}.".encode() + body
        mac = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), text, hashlib.sha256).digest()
        assert fields["Webhook-Signature"] == f"v1,{base64.b64encode(mac).decode()}"
    assert len({fields["Webhook-Id"] for fields, _ in target.heard}) == 3


def test_the_signature_is_that_of_the_standard() -> None:
    """The example of the specification's own libraries."""
    said = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert new_secret() != new_secret()


async def test_the_daemons_own_targets_hear_of_all_jobs(open_daemon: Open, target: Target) -> None:
    async with open_daemon(webhooks=(target.url,)) as jobs:
        made = [await submit(jobs, [SEED], is_paused=True) for _ in range(2)]
        await jobs.remove(made[0].id)
        await target.until(lambda: len(target.heard) >= 4)
    assert target.states(made[0].id) == ["paused", "cancelled", "removed"]
    assert target.states(made[1].id) == ["paused"]


async def test_what_was_not_taken_is_told_again_with_the_same_id(open_daemon: Open, target: Target) -> None:
    target.status = 503
    async with open_daemon() as jobs:
        await submit(jobs, [SEED], is_paused=True, webhook=target.url)
        await target.until(lambda: len(target.heard) >= 3)
    asked = len(target.heard)
    target.status = 204
    async with open_daemon():  # the queue outlives the daemon
        await target.until(lambda: len(target.heard) > asked)
    assert set(Counter(fields["Webhook-Id"] for fields, _ in target.heard).values()) == {asked + 1}


async def test_a_target_that_never_answers_is_given_up_and_the_job_says_so(
    open_daemon: Open, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "GIVEN_UP_S", 0.3)
    target.status = 500
    async with open_daemon() as jobs:
        job = await submit(jobs, [SEED], is_paused=True, webhook=target.url)
        await noted(jobs, job.id)
        [said] = [event.data for event in await jobs.history(job.id) if "given_up" in event.data]
        assert said["why"] == "HTTP 500"
        assert "secret" not in str(said)


async def test_a_target_that_is_gone_is_asked_once(open_daemon: Open, target: Target) -> None:
    target.status = 410
    async with open_daemon() as jobs:
        job = await submit(jobs, [SEED], is_paused=True, webhook=target.url)
        await noted(jobs, job.id)
    assert len(target.heard) == 1


async def noted(jobs: Jobs, job: str) -> None:
    with anyio.fail_after(60):
        while not any("given_up" in event.data for event in await jobs.history(job)):
            await anyio.sleep(0.02)


async def test_redirects_are_not_followed(open_daemon: Open, target: Target) -> None:
    target.status = 302
    async with open_daemon() as jobs:
        await submit(jobs, [SEED], is_paused=True, webhook=target.url)
        await target.until(lambda: len(target.heard) >= 2)
    assert {fields["Webhook-Id"] for fields, _ in target.heard} == {target.heard[0][0]["Webhook-Id"]}
    assert target.asked == {"POST /hook"}


async def test_a_dead_target_holds_up_no_other(open_daemon: Open, target: Target) -> None:
    async with open_target(500) as dead, open_daemon(webhooks=(dead.url, target.url)) as jobs:
        for _ in range(5):
            await submit(jobs, [SEED], is_paused=True)
        await target.until(lambda: len(target.heard) >= 5)
        assert len({fields["Webhook-Id"] for fields, _ in dead.heard}) == 1, "the others wait behind the first"


@pytest.mark.parametrize("url", ["http://10.0.0.1/hook", "http://[::ffff:a9fe:a9fe]/", "ftp://a.test/", "no url"])
async def test_a_target_that_nobody_may_reach_is_refused(open_daemon: Open, url: str) -> None:
    async with open_daemon() as jobs:
        with pytest.raises(BadJob) as told:
            await submit(jobs, [SEED], webhook=url)
        assert [one.field for one in told.value.complaints] == ["webhook"]
        assert jobs.list() == []


async def test_a_name_that_leads_inside_is_not_connected_to(open_daemon: Open) -> None:
    """The guard sits at the connection: what a name leads to is nobody's choice but its owner's."""
    from crawler.fetch import Guard
    from crawler.fetch.posting import open_post
    from crawler.fetch.resolver import NameAnswer

    async def ask(_: str) -> NameAnswer:
        return NameAnswer(("127.0.0.1",), 60.0)

    async with open_target() as target, open_post(Guard(()), ask) as post:
        port = target.url.split(":")[2].partition("/")[0]
        for url in (f"http://inside.test:{port}/", f"http://127.0.0.1:{port}/"):
            assert "loopback" in (await post(url, b"", {})).why
        assert target.heard == []


async def test_who_comes_later_hears_nothing_old(open_daemon: Open, target: Target) -> None:
    async with open_daemon() as jobs:
        old = await submit(jobs, [SEED], is_paused=True)
    async with open_daemon(webhooks=(target.url,)) as jobs:
        await jobs.cancel(old.id)
        await target.until(lambda: len(target.heard) >= 1)
    assert target.states(old.id) == ["cancelled"]


async def test_what_happened_when_the_daemon_died_is_told_by_the_next_one(
    open_daemon: Open, target: Target, tmp_path: Path
) -> None:
    async with open_daemon() as jobs:
        job = await submit(jobs, [SEED], is_paused=True)
        await jobs.cancel(job.id)
    with closing(sqlite3.connect(tmp_path / "data" / "daemon.sqlite")) as database, database:
        database.execute("UPDATE delivery_seen SET event = event - 1")  # killed before it was looked at
    async with open_daemon(webhooks=(target.url,)):
        await target.until(lambda: len(target.heard) >= 1)
    assert target.states(job.id) == ["cancelled"]
