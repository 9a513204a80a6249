"""Every Fetcher keeps the promises of its door: ours, ours up to a limit, and those that hold another one."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from crawler.errors import FetchError
from crawler.fetch import ForeignFetcher, HttpFetcher
from crawler.model import Reason, Request, Response, Url
from crawler.protocols import Capping, Fetcher, PerAddress, Vetting
from tests.fetch.conftest import Serve, ok, open_loopback

pytestmark = pytest.mark.slow

KINDS = ["ours", "capped", "foreign", "foreign capped", "a wrapper"]


@pytest.fixture(autouse=True)
def no_word_of_dropped_responses(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not [record for record in caplog.records if "without release" in record.message]


class Wrapper:
    """A Fetcher as somebody else writes it: it holds another one, and has no other method."""

    def __init__(self, inner: Fetcher) -> None:
        self.inner = inner

    async def fetch(self, request: Request) -> Response:
        return await self.inner.fetch(request)


@dataclass
class Case:
    fetcher: Fetcher
    ours: HttpFetcher


@asynccontextmanager
async def opened(kind: str) -> AsyncIterator[Case]:
    async with open_loopback(per_ip=2, timeout_s=0.5) as ours:
        fetchers: dict[str, Fetcher] = {
            "ours": ours,
            "capped": ours.capped(1000),
            "foreign": ForeignFetcher(ours),
            "foreign capped": ForeignFetcher(ours).capped(1000),
            "a wrapper": ForeignFetcher(Wrapper(ours)),
        }
        yield Case(fetchers[kind], ours)
        gc.collect()
        assert ours.budget.used == 0
        assert ours.gates.is_entered("127.0.0.1")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [200, 204, 301, 404, 503])
async def test_an_answer_is_returned_whatever_its_status(status: int, kind: str, serve: Serve) -> None:
    body = b"" if status == 204 else b"a body"
    length = b"" if status == 204 else b"Content-Length: 6\r\n"
    head = b"HTTP/1.1 %d Said\r\nLocation: /other\r\n" % status + length + b"\r\n"
    server = await serve(head + body)
    async with opened(kind) as case:
        response = await case.fetcher.fetch(server.request("/x"))
        assert (response.url, response.status, response.body) == (Url(server.url + "/x"), status, body)
        assert response.header("location") == "/other"
        assert (response.truncated, response.heads.response) == ("", head)
        assert len(server.heads) == 1, "it follows nothing and tries nothing twice"
        assert case.ours.budget.used == len(head + body)
        response.release()
        assert case.ours.budget.used == 0
        response.release()


@pytest.mark.parametrize("kind", KINDS)
async def test_what_fails_says_why_and_holds_nothing(kind: str, serve: Serve) -> None:
    silent = await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 900)  # and no more
    rude = await serve(b"hello\r\n\r\n")
    async with opened(kind) as case:
        for server, reason in ((silent, Reason.TIMEOUT), (rude, Reason.BAD_RESPONSE)):
            with pytest.raises(FetchError) as caught:
                await case.fetcher.fetch(server.request())
            assert caught.value.reason is reason
            assert case.ours.budget.used == 0
        with pytest.raises(FetchError) as caught:
            await case.fetcher.fetch(Request(Url("http://10.0.0.1/")))
        assert (caught.value.reason, caught.value.transient) == (Reason.BLOCKED_ADDRESS, False)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_fetch_may_be_cancelled_at_any_of_its_waits(kind: str, serve: Serve) -> None:
    server = await serve(ok(b"x" * 5000))
    turns, is_over = 0, False
    async with opened(kind) as case:
        while not is_over:
            task = asyncio.create_task(case.fetcher.fetch(server.request()))
            for _ in range(turns):
                await asyncio.sleep(0)
            is_over = not task.cancel()
            (done,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(done, Response):
                done.release()
            assert case.ours.budget.used == 0
            turns += 1 if turns < 20 else turns // 4
    assert turns > 3


@pytest.mark.parametrize("kind", KINDS)
async def test_many_fetches_run_at_a_time(kind: str, serve: Serve) -> None:
    server = await serve(ok(b"abc"))
    async with opened(kind) as case:
        responses = await asyncio.gather(*(case.fetcher.fetch(server.request(f"/{n}")) for n in range(50)))
        assert [response.url.path for response in responses] == [f"/{n}" for n in range(50)]
        for response in responses:
            response.release()


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_fetcher_offers_beside_does_as_it_says(kind: str, serve: Serve) -> None:
    server = await serve(ok(b"0123456789"))
    async with opened(kind) as case:
        if isinstance(case.fetcher, Capping):
            response = await case.fetcher.capped(4).fetch(server.request())
            is_cut = kind in ("ours", "foreign")  # the others hold one that cannot
            assert response.body == (b"0123" if is_cut else b"0123456789")
            assert response.truncated == ""
            response.release()
        if isinstance(case.fetcher, PerAddress):
            case.fetcher.limit_per_address(9)
            assert (case.ours.gates.per_address == 9) == (kind in ("ours", "foreign"))
        vetting: Vetting = case.ours
        with pytest.raises(FetchError):
            await vetting.vet(Request(Url("http://10.0.0.1/")))
        await vetting.vet(server.request())
        assert len(server.heads) == (1 if isinstance(case.fetcher, Capping) else 0)
