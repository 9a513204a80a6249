"""What a client on the other end of the fake web meets: hosts, behaviours, and the log that judges it."""

import asyncio
import gzip
import time

import aiohttp
import anyio
import pytest

from crawler.testing import (
    Answer,
    Page,
    Served,
    Site,
    Web,
    badly_chunked,
    bomb,
    cacheable,
    chunked,
    compressed,
    dripping,
    endless,
    error,
    failing,
    garbage,
    html,
    hung_up,
    open_web,
    plain,
    redirect,
    reset,
    silent,
    slow,
    truncated,
    unframed,
    written,
)
from crawler.testing.behaviours import CODINGS
from crawler.testing.connection import Connection

ALPHA, BETA = "alpha.test", "beta.test"


def one_site(**pages: Page) -> Web:
    return Web([Site(ALPHA, {f"/{name}": page for name, page in pages.items()})])


async def test_every_site_answers_at_an_address_of_its_own(client: aiohttp.ClientSession) -> None:
    web = Web([Site(ALPHA, {"/": html("Alpha")}), Site(BETA, {"/": html("Beta")})])
    async with open_web(web) as served:
        pages = {host: await (await client.get(served.url(host))).text() for host in (ALPHA, BETA)}
    assert "<title>Alpha</title>" in pages[ALPHA]
    assert "<title>Beta</title>" in pages[BETA]
    assert served.url(ALPHA) != served.url(BETA)
    assert not served.strays


async def test_links_between_sites_lead_to_where_they_are_served(client: aiohttp.ClientSession) -> None:
    web = Web([Site(ALPHA, {"/": html("Alpha", ["//beta.test/x?a=1&b=2"])}), Site(BETA, {"/x": html("Beta")})])
    async with open_web(web) as served:
        text = await (await client.get(served.url(ALPHA))).text()
        assert served.web.links(served.url(ALPHA)) == [served.url(BETA, "/x?a=1&b=2")]
    assert served.url(BETA, "/x?a=1&amp;b=2").removeprefix("http:") in text


async def test_sites_answer_to_their_names_for_a_client_with_a_resolver_map() -> None:
    web = Web([Site(ALPHA, {"/": html("Alpha", ["//beta.test/"])}), Site(BETA, {"/": html("Beta")})])
    async with open_web(web, by_name=True) as served:
        home, link = served.url(ALPHA), served.web.links(served.url(ALPHA))[0]
        assert home.startswith("http://alpha.test:")
        assert link.startswith("http://beta.test:")
        answer = await raw_exchange(served, BETA, f"GET / HTTP/1.1\r\nHost: {link.split('/')[2]}\r\n\r\n".encode())
    assert b"<title>Beta</title>" in answer


async def test_a_request_for_a_host_that_is_not_served_is_a_stray() -> None:
    async with open_web(one_site()) as served:
        answer = await raw_exchange(
            served, ALPHA, b"GET / HTTP/1.1\r\nHost: elsewhere.test\r\nConnection: close\r\n\r\n"
        )
    assert answer.startswith(b"HTTP/1.1 421 ")
    assert len(served.strays) == 1
    assert served.hits == []


async def test_what_nobody_described_is_missing(client: aiohttp.ClientSession) -> None:
    async with open_web(one_site()) as served, client.get(served.url(ALPHA, "/nowhere")) as response:
        assert response.status == 404


async def test_pipelined_requests_are_answered_in_order() -> None:
    web = one_site(one=slow(html("One"), 0.05), two=html("Two"))
    async with open_web(web) as served:
        host = served.web.authority(ALPHA)
        requests = "".join(f"GET /{name} HTTP/1.1\r\nHost: {host}\r\n\r\n" for name in ("one", "two"))
        answer = await raw_exchange(served, ALPHA, requests.encode() + b"GET /x HTTP/1.0\r\nHost: x\r\n\r\n")
    assert 0 < answer.index(b"<title>One") < answer.index(b"<title>Two") < answer.index(b" 421 ")


async def test_head_gets_the_head_alone(client: aiohttp.ClientSession) -> None:
    async with open_web(one_site(page=html("Page"))) as served, client.head(served.url(ALPHA, "/page")) as response:
        assert int(response.headers["content-length"]) > 0
        assert await response.read() == b""


async def test_a_redirect_names_its_target_as_served(client: aiohttp.ClientSession) -> None:
    web = one_site(old=redirect("//alpha.test/new?x=1", 308))
    async with open_web(web) as served:
        async with client.get(served.url(ALPHA, "/old"), allow_redirects=False) as response:
            assert response.status == 308
            assert f"http:{response.headers['location']}" == served.url(ALPHA, "/new?x=1")


async def test_a_failing_page_recovers_after_so_many_requests(client: aiohttp.ClientSession) -> None:
    web = one_site(page=failing(html("At last"), times=2, by=error(503, retry_after_s=7)))
    async with open_web(web) as served:
        answers = [await client.get(served.url(ALPHA, "/page")) for _ in range(3)]
    assert [answer.status for answer in answers] == [503, 503, 200]
    assert [answer.headers.get("retry-after") for answer in answers] == ["7", "7", None]
    assert [(hit.visit, hit.status) for hit in served.hits] == [(1, 503), (2, 503), (3, 200)]


async def test_a_known_page_is_not_sent_again(client: aiohttp.ClientSession) -> None:
    async with open_web(one_site(page=cacheable(html("Page"), etag='"e"'))) as served:
        url = served.url(ALPHA, "/page")
        first = await client.get(url)
        by_etag = await client.get(url, headers={"If-None-Match": first.headers["etag"]})
        by_date = await client.get(url, headers={"If-Modified-Since": first.headers["last-modified"]})
        changed = await client.get(url, headers={"If-None-Match": '"other"'})
    assert [answer.status for answer in (first, by_etag, by_date, changed)] == [200, 304, 304, 200]


@pytest.mark.parametrize("coding", CODINGS)
async def test_compressed_bodies_unpack_to_the_page(coding: str, client: aiohttp.ClientSession) -> None:
    page = html("Packed")
    web = one_site(packed=compressed(page, coding), plain=page)  # type: ignore[arg-type]
    async with open_web(web) as served:
        headers = {"Accept-Encoding": "gzip, deflate, br, zstd"}
        async with client.get(served.url(ALPHA, "/packed"), headers=headers) as response:
            packed = await response.read()
            assert response.headers["content-encoding"] == coding.removeprefix("raw-")
        async with client.get(served.url(ALPHA, "/packed"), headers={"Accept-Encoding": "identity"}) as response:
            assert "content-encoding" not in response.headers
            assert await response.read() == packed


async def test_whoever_does_not_ask_for_compression_may_get_it_all_the_same(client: aiohttp.ClientSession) -> None:
    async with open_web(one_site(page=compressed(plain("hello"), unasked=True))) as served:
        async with client.get(served.url(ALPHA, "/page"), headers={"Accept-Encoding": "identity"}) as response:
            assert await response.read() == b"hello"


async def test_a_bomb_is_small_on_the_wire() -> None:
    async with open_web(one_site(bomb=bomb(unpacked_bytes=8 * 1024 * 1024))) as served:
        answer = await get_raw(served, "/bomb")
    body = answer.partition(b"\r\n\r\n")[2]
    assert len(body) < 20_000
    assert len(gzip.decompress(body)) > 8 * 1024 * 1024


@pytest.mark.parametrize("wrapped", [chunked(plain("x" * 40_000)), unframed(plain("x" * 40_000))])
async def test_other_framings_bring_the_same_body(wrapped: Page, client: aiohttp.ClientSession) -> None:
    async with open_web(one_site(page=wrapped)) as served, client.get(served.url(ALPHA, "/page")) as response:
        assert await response.text() == "x" * 40_000


async def test_a_broken_body_never_looks_whole(client: aiohttp.ClientSession) -> None:
    async with open_web(one_site(page=truncated(plain("x" * 9_000)))) as served:
        async with client.get(served.url(ALPHA, "/page")) as response:
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()
        assert [hit.complete for hit in served.hits] == [False]


async def test_bad_chunks_are_sent_as_bad_as_they_are() -> None:
    async with open_web(one_site(page=badly_chunked(plain("x" * 9_000)))) as served:
        body = (await get_raw(served, "/page")).partition(b"\r\n\r\n")[2]
    assert body.startswith(b"2328\r\nxxx")
    assert body.endswith(b"xxx\r\nnot-a-size\r\nrubbish\r\n")


@pytest.mark.parametrize("page", [reset(), hung_up(), garbage()])
async def test_a_connection_without_an_answer_is_an_error(page: Page, client: aiohttp.ClientSession) -> None:
    async with open_web(one_site(page=page)) as served:
        with pytest.raises(aiohttp.ClientError):
            await client.get(served.url(ALPHA, "/page"))
        assert {hit.status for hit in served.hits} == {None}  # aiohttp asks again by itself


async def test_a_reset_is_a_reset_and_not_an_end() -> None:
    async with open_web(one_site(page=reset())) as served:
        with pytest.raises(ConnectionResetError):
            await get_raw(served, "/page")


async def test_an_endless_body_goes_on_while_the_loop_lives(client: aiohttp.ClientSession) -> None:
    async with open_web(one_site(page=endless())) as served:
        async with client.get(served.url(ALPHA, "/page")) as response:
            assert len(await response.content.readexactly(5_000_000)) == 5_000_000
            response.close()


async def test_a_dripping_body_comes_in_pieces_and_whole(client: aiohttp.ClientSession) -> None:
    page = dripping(plain("x" * 1_000), chunk_bytes=100, pause_s=0.01)
    async with open_web(one_site(page=page)) as served:
        async with client.get(served.url(ALPHA, "/page")) as response:
            assert await response.text() == "x" * 1_000
        (hit,) = served.hits
    assert hit.ended is not None
    assert hit.ended - hit.began >= 0.1


async def test_a_silent_page_outlasts_the_clients_patience(client: aiohttp.ClientSession) -> None:
    async with open_web(one_site(page=silent())) as served:
        with pytest.raises(asyncio.TimeoutError):
            await client.get(served.url(ALPHA, "/page"), timeout=aiohttp.ClientTimeout(total=0.05))


async def test_the_log_knows_how_many_requests_a_site_had_in_hand(client: aiohttp.ClientSession) -> None:
    web = Web([Site(ALPHA, {"/": slow(html("Slow"), 0.05)}), Site(BETA, {"/": html("Beta")})])
    async with open_web(web) as served:
        await asyncio.gather(*(read(client, served.url(ALPHA)) for _ in range(5)))
        await read(client, served.url(BETA))
        await read(client, served.url(BETA))
    assert served.worst_concurrency(ALPHA) == 5
    assert served.worst_concurrency(BETA) == 1
    assert served.worst_concurrency() == served.peak() == 5
    assert served.counts() == {served.url(ALPHA): 5, served.url(BETA): 2}


async def test_the_log_knows_the_gaps_and_the_pauses_of_a_site(
    client: aiohttp.ClientSession,
) -> None:
    web = Web([Site(ALPHA, {"/": slow(html("Slow"), 0.05), "/robots.txt": plain("")})])
    async with open_web(web) as served:
        for target in ("/robots.txt", "/", "/"):
            await read(client, served.url(ALPHA, target))
    assert len(served.gaps(ALPHA, robots=True)) == 2
    (gap,) = served.gaps(served.url(ALPHA))
    (pause,) = served.pauses(served.web.authority(ALPHA))
    assert gap >= 0.05
    assert 0 <= pause < gap


class SlowWire(asyncio.Transport):
    """Its client has an answer long before `write` returns, as happens where a machine has other things to do."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.had_at: list[float] = []

    def write(self, data: object) -> None:
        self.had_at.append(time.monotonic())
        while time.monotonic() < self.had_at[-1] + 0.02:
            pass

    def close(self) -> None:
        pass


@pytest.mark.slow
@pytest.mark.parametrize("page", [html("Page"), chunked(html("Page"), 50)])
async def test_an_answer_ends_in_the_log_before_its_client_can_have_it(page: Page) -> None:
    async with open_web(one_site(page=page)) as served:
        wire, host = SlowWire(), served.web.authority(ALPHA)
        connection = Connection(served.receive, set())
        connection.connection_made(wire)
        connection.data_received(f"GET /page HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        with anyio.fail_after(30):
            while not served.hits[0].complete:
                await asyncio.sleep(0)
    ended = served.hits[0].ended
    assert ended is not None
    assert served.hits[0].began <= ended <= wire.had_at[-1]


async def test_the_log_keeps_what_the_client_said(client: aiohttp.ClientSession) -> None:
    async with open_web(one_site(page=html("Page"))) as served:
        async with client.get(served.url(ALPHA, "/page?x=1"), headers={"User-Agent": "probe/1"}):
            pass
    (hit,) = served.hits
    assert (hit.host, hit.method, hit.path, hit.target) == (ALPHA, "GET", "/page", "/page?x=1")
    assert hit.headers["user-agent"] == "probe/1"


async def test_a_prepared_web_serves_the_same_answers() -> None:
    async with open_web(one_site(page=html("Page"))) as served:
        fresh = await get_raw(served, "/page")
        served.prepare()
        assert await get_raw(served, "/page") == fresh
    assert [hit.status for hit in served.hits] == [200, 200]


async def test_a_bug_in_a_page_comes_out_when_the_web_closes(client: aiohttp.ClientSession) -> None:
    def answer(_: object) -> Answer:
        raise LookupError("a bug in a test's own page")

    with pytest.RaisesGroup(LookupError):
        async with open_web(one_site(page=Page(answer))) as served:
            async with client.get(served.url(ALPHA, "/page")) as response:
                assert response.status == 500


async def test_closing_ends_what_is_still_being_sent() -> None:
    async with open_web(one_site(page=silent())) as served:
        reader, writer = await asyncio.open_connection(served.addresses[ALPHA], port_of(served))
        writer.write(f"GET /page HTTP/1.1\r\nHost: {served.web.authority(ALPHA)}\r\n\r\n".encode())
        while not served.hits:
            await asyncio.sleep(0)
    assert await reader.read() == b""
    writer.close()


async def test_sites_may_share_an_address(client: aiohttp.ClientSession) -> None:
    sites = [Site(host, {"/": html(host)}, address="127.0.0.1") for host in (ALPHA, BETA)]
    async with open_web(Web(sites)) as served:
        assert served.url(ALPHA) != served.url(BETA)
        assert [BETA in await read(client, served.url(host)) for host in (ALPHA, BETA)] == [False, True]


async def test_a_port_that_is_taken_is_an_error() -> None:
    async with open_web(one_site()) as served:
        with pytest.raises(OSError, match="in use"):
            async with open_web(one_site(), port=port_of(served)):
                pass


def test_a_host_is_described_once() -> None:
    with pytest.raises(ValueError, match="same host"):
        Web([Site(ALPHA), Site(ALPHA)])


async def test_html_as_written_keeps_its_letters_and_its_links_are_placed(client: aiohttp.ClientSession) -> None:
    page = written("<title>T</title><A HREF=//alpha.test/x>", title="T", links=["//alpha.test/x"])
    async with open_web(one_site(page=page)) as served:
        url = served.url(ALPHA, "/page")
        assert served.web.links(url) == [served.url(ALPHA, "/x")]
        assert await read(client, url) == f"<title>T</title><A HREF=//{served.web.authority(ALPHA)}/x>"


async def read(client: aiohttp.ClientSession, url: str) -> str:
    async with client.get(url) as response:
        return await response.text()


async def get_raw(served: Served, target: str) -> bytes:
    host = served.web.authority(ALPHA)
    request = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    return await raw_exchange(served, ALPHA, request.encode())


async def raw_exchange(served: Served, host: str, request: bytes) -> bytes:
    """Everything that comes back before the connection ends; the write side is closed once the request is out."""
    reader, writer = await asyncio.open_connection(served.addresses[host], port_of(served))
    try:
        writer.write(request)
        return (
            await asyncio.wait_for(reader.read(), 60)
            if b"close" in request or b"/1.0" in request
            else await first(reader)
        )
    finally:
        writer.close()


async def first(reader: asyncio.StreamReader) -> bytes:
    """One answer that is framed by Content-Length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    return head + await reader.readexactly(length)


def port_of(served: Served) -> int:
    return int(served.web.authority(ALPHA).rpartition(":")[2])
