"""Requests that are no plain GET, on the wire: their heads, their bodies, and what is never sent twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from crawler.errors import FetchError
from crawler.fetch import HttpFetcher
from crawler.model import Request, Url
from crawler.urls import check_request
from tests.fetch.conftest import RawServer, Serve, Talk, ok, open_loopback


def reading(
    bodies: list[bytes], answer: Callable[[int], bytes] = lambda number: ok(b"hello")
) -> Callable[[RawServer], Talk]:
    """Reads the body of each request by its Content-Length; an empty answer ends the connection."""

    def server(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                head = await raw.read_head(reader)
                lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                bodies.append(await reader.readexactly(int(lengths[0][15:])) if lengths else b"")
                if not (told := answer(len(bodies))):
                    return
                writer.write(told)

        return talk

    return server


def post(server: RawServer, path: str = "/", **fields: Any) -> Request:
    return check_request(Request(Url(server.url + path), **{"method": "POST", "body": b"a=1", **fields}))


async def test_a_form_arrives_with_its_fields_and_its_length(serve: Serve) -> None:
    bodies: list[bytes] = []
    server = await serve(reading(bodies))
    async with open_loopback(headers={"X-Team": "blue"}) as fetcher:
        response = await fetcher.fetch(
            post(
                server,
                "/form?x",
                body=b"a=\0\xff",
                headers={"content-type": "text/x", "x-team": "red", "User-Agent": "me/2"},
            )
        )
    assert bodies == [b"a=\0\xff"]
    line, *fields = server.heads[0].decode().split("\r\n")
    assert line == "POST /form?x HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in fields
    assert fields[-6:] == ["content-type: text/x", "x-team: red", "User-Agent: me/2", "Content-Length: 4", "", ""]
    assert not {"X-Team: blue", "User-Agent: storybot/1.0"} & set(fields)
    assert response.heads.request == server.heads[0]


async def test_bodies_state_their_length_and_bodiless_methods_have_none(serve: Serve, fetcher: HttpFetcher) -> None:
    bodies: list[bytes] = []
    server = await serve(reading(bodies))
    for method, body in [("POST", b""), ("PUT", b"x"), ("DELETE", b""), ("GET", b"{}"), ("OPTIONS", b"")]:
        await fetcher.fetch(post(server, method=method, body=body))
    assert bodies == [b"", b"x", b"", b"{}", b""]
    lengths = [b"content-length" in head.lower() for head in server.heads]
    assert lengths == [True, True, False, True, False]


async def test_a_field_of_the_request_stands_in_the_place_of_a_cookie_of_the_settings(serve: Serve) -> None:
    server = await serve(ok(b"", b"Set-Cookie: jar=1"))
    async with open_loopback(cookies=True, sites={server.url: {"headers": {"Cookie": "site=1"}}}) as fetcher:
        await fetcher.fetch(server.request())
        await fetcher.fetch(check_request(Request(server.url + "/", headers={"Cookie": "mine=1"})))
        await fetcher.fetch(check_request(Request(server.url + "/", headers={"Accept-Language": "de"})))
    told = [[line for line in head.decode().split("\r\n") if line.startswith("Cookie")] for head in server.heads]
    assert told == [["Cookie: site=1"], ["Cookie: mine=1"], ["Cookie: site=1; jar=1"]]


async def test_validators_go_with_get_and_head_alone(serve: Serve, fetcher: HttpFetcher) -> None:
    server = await serve(ok())
    for method in ("POST", "HEAD"):
        request = Request(Url(server.url + "/"), etag='"a"', last_modified="b", method=method, headers=(("A", "b"),))
        await fetcher.fetch(request)
    assert b"If-" not in server.heads[0]
    assert b'If-None-Match: "a"\r\nIf-Modified-Since: b' in server.heads[1]


@pytest.mark.parametrize("framing", [b"Content-Length: 70000000", b"Transfer-Encoding: chunked", b"X: y"])
async def test_the_answer_to_a_head_has_no_body(framing: bytes, serve: Serve, fetcher: HttpFetcher) -> None:
    server = await serve(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\nX-End: 1\r\n\r\n")
    for _ in range(2):
        response = await fetcher.fetch(post(server, method="HEAD", body=b""))
        assert (response.status, response.body, response.header("x-end")) == (200, b"", "1")
    assert server.connections == (2 if framing == b"X: y" else 1)  # nothing says that it stays open


async def test_a_post_that_may_have_been_heeded_is_not_sent_again(serve: Serve, fetcher: HttpFetcher) -> None:
    bodies: list[bytes] = []
    server = await serve(reading(bodies, lambda number: ok(b"hello") if number == 1 else b""))
    await fetcher.fetch(server.request())  # leaves a connection that the server will close
    with pytest.raises(FetchError, match="POST is not sent again") as caught:
        await fetcher.fetch(post(server))
    assert not caught.value.transient
    assert bodies == [b"", b"a=1"]
    assert server.connections == 2


@pytest.mark.parametrize("fields", [{"method": "PUT"}, {"headers": {"Idempotency-Key": "7"}}])
async def test_what_may_be_repeated_is(fields: dict[str, Any], serve: Serve, fetcher: HttpFetcher) -> None:
    bodies: list[bytes] = []
    server = await serve(reading(bodies, lambda number: b"" if number == 2 else ok(b"hello")))
    await fetcher.fetch(server.request())
    assert (await fetcher.fetch(post(server, **fields))).body == b"hello"
    assert bodies == [b"", b"a=1", b"a=1"]


async def test_a_post_that_was_never_sent_may_be_tried_again(fetcher: HttpFetcher) -> None:
    with pytest.raises(FetchError, match="refused") as caught:
        await fetcher.fetch(check_request(Request("http://127.0.0.1:1/", method="POST")))
    assert caught.value.transient
