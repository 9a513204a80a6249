"""Streams of events by the thousand: some at a time, some for everybody, and none holds the daemon when it stops."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from aiohttp import web

from crawler.daemon import Event, Kind
from crawler.daemon.http import answers
from crawler.daemon.http.admission import Admission

from .conftest import TOKEN
from .test_door import PATIENT, open_door, status_of

FOLLOW = f"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()


async def test_streams_are_bounded_in_all_and_at_one_address_and_are_given_back(tmp_path: Path) -> None:
    async with open_door(tmp_path, replace(PATIENT, streams=3, streams_of_one_address=2)) as door:
        first = [await door.knock(FOLLOW) for _ in range(2)]
        assert [await status_of(reader) for reader, _ in first] == [200, 200]
        assert await door.status(FOLLOW) == 503
        elsewhere = await door.knock(FOLLOW, "127.0.0.2")
        assert await status_of(elsewhere[0]) == 200
        assert await door.status(FOLLOW, "127.0.0.3") == 503
        assert await door.status() == 200  # whoever asks for anything else is served
        for _, writer in [*first, elsewhere]:
            writer.transport.abort()
        again = await door.knock(FOLLOW)
        await door.until(lambda: door.admission.inside == 1)
        assert await status_of(again[0]) in (200, 503)
        again[1].transport.abort()


@pytest.mark.slow
async def test_a_daemon_with_many_deaf_streams_comes_to_its_end(tmp_path: Path) -> None:
    admission: Admission
    async with open_door(tmp_path, replace(PATIENT, of_one_address=200)) as door:
        admission = door.admission
        deaf = [await door.knock(FOLLOW) for _ in range(200)]
        assert [await status_of(reader) for reader, _ in deaf] == [200] * 200
        for n in range(60):
            door.jobs._events.tell(Event(n + 1, 0.0, None, Kind.NOTE, {"text": "x" * 100_000}))
            await asyncio.sleep(0)
    assert admission.inside == 0
    for _, writer in deaf:
        writer.transport.abort()


async def test_what_waits_for_a_slow_stream_is_sent_in_pieces(monkeypatch: object) -> None:
    sent: list[int] = []

    class Response:
        async def write(self, data: bytes) -> None:
            sent.append(len(data))

    response = cast(web.StreamResponse, Response())
    assert await answers.send(response, [b"x" * 1000] * 1000)
    assert sum(sent) == 1_000_000
    assert max(sent) < answers.PIECE + 1000
