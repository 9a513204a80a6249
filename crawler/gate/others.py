"""Keeps the good answers of other people's sites for a while, so that a check asks each of their URLs now and then."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import NamedTuple

import orjson

from ..errors import ConfigError
from ..model import Request, Response
from ..protocols import Fetcher
from ..runtime.clock import wall
from ..runtime.private_files import opener, replace_private_file

MOST_ANSWERS = 1_000_000
MOST_BODY = 64 << 10
"""Bytes of a robots.txt that are kept."""
ROBOTS = "/robots.txt"
LIFETIME_S = 7 * 86400.0


class KeptAnswer(NamedTuple):
    """A good answer of a site of others, without its page."""

    url: str
    at: float
    """Unix seconds when it came."""
    status: int
    location: str
    body: str
    """The text of a robots.txt. Empty: it is none."""

    def to_response(self, request: Request) -> Response:
        """Returns an answer with a page of its own, since two pages that are alike would be taken for copies."""
        fields = {"Location": self.location} if self.location else {}
        if request.url.path == ROBOTS:
            return Response.decoded(request.url, self.status, {**fields, "Content-Type": "text/plain"}, self.body)
        body = f"<title>{escape(request.url.text)}</title>"
        return Response.decoded(request.url, self.status, {**fields, "Content-Type": "text/html"}, body)


class Others:
    """The answers that are kept, by URL."""

    def __init__(self, lifetime_s: float = LIFETIME_S, now: Callable[[], float] = wall) -> None:
        self._lifetime_s = lifetime_s
        self._now = now
        self._answers: dict[str, KeptAnswer] = {}

    def find(self, request: Request) -> Response | None:
        """Returns the answer that is kept and fresh; None: there is none."""
        kept = self._answers.get(request.url.text)
        if kept is None or not 0 <= self._now() - kept.at < self._lifetime_s:
            return None
        return kept.to_response(request)

    def keep(self, request: Request, response: Response) -> None:
        """Keeps an answer, if it is good. Failures are never kept: the next check asks again."""
        is_robots = request.url.path == ROBOTS
        if response.status >= 400 and not (is_robots and response.status in (404, 410)):
            return
        body = response.body[:MOST_BODY] if is_robots and not response.header("content-encoding") else b""
        if is_robots and response.status == 200 and not body and response.body:
            return  # packed: it is asked for again
        self._answers[request.url.text] = KeptAnswer(
            request.url.text, self._now(), response.status, response.header("location"), body.decode("utf-8", "replace")
        )

    def read(self, path: Path) -> None:
        """Reads the answers of a file; a line that is none is passed over. Blocks. Raises ConfigError."""
        try:
            with open(path, "rb", opener=opener) as file:
                for line in file:
                    with suppress(orjson.JSONDecodeError, TypeError, ValueError):
                        url, at, status, location, body = orjson.loads(line)
                        kept = KeptAnswer(str(url), float(at), int(status), str(location), str(body))
                        self._answers[kept.url] = kept
        except FileNotFoundError:
            return
        except OSError as error:
            raise ConfigError(f"--cache: {path} cannot be read: {error.strerror}") from error

    def write(self, path: Path) -> None:
        """Writes the answers that are fresh, by URL. Blocks. Raises ConfigError."""
        fresh = sorted(one for one in self._answers.values() if self._now() - one.at < self._lifetime_s)
        try:
            with replace_private_file(path) as file:
                file.writelines(orjson.dumps([*one], option=orjson.OPT_APPEND_NEWLINE) for one in fresh[:MOST_ANSWERS])
        except OSError as error:
            raise ConfigError(f"--cache: {path} cannot be written: {error.strerror}") from error


class CachingFetcher:
    """A Fetcher that asks sites of others through what is kept of them, and its own sites always."""

    def __init__(self, inner: Fetcher, others: Others, own_sites: Collection[str]) -> None:
        self._inner = inner
        self._others = others
        self._own = own_sites

    async def fetch(self, request: Request) -> Response:
        is_other = request.url.site not in self._own if request.url.path == ROBOTS else request.extra_hop > 0
        if not is_other or request.method != "GET":
            return await self._inner.fetch(request)
        if kept := self._others.find(request):
            return kept
        response = await self._inner.fetch(request)
        self._others.keep(request, response)
        return response
