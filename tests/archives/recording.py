"""Keeps the exchanges of a crawl in a WARC, around its fetcher, for tests of replays."""

from __future__ import annotations

from pathlib import Path

from crawler import Fetcher, Request, Response
from crawler.warc.records import digest, make_exchange, make_request, make_response


class Recording:
    """A Fetcher that writes each exchange of another one to a WARC file, in the order of the answers."""

    def __init__(self, inner: Fetcher, path: Path) -> None:
        self._inner = inner
        self._path = path

    async def fetch(self, request: Request) -> Response:
        response = await self._inner.fetch(request)
        exchange = make_exchange(response, request)
        answer = make_response(exchange, digest("sha1", response.body), "sha1")
        with self._path.open("ab") as file:
            file.write(answer.member + make_request(exchange, answer.id, "sha1").member)
        return response
