"""Serves a fake web on loopback in the caller's event loop, and logs its requests."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from crawler.event_loop import require_asyncio
from crawler.runtime.clock import monotonic
from crawler.testing import wire
from crawler.testing.connection import Connection
from crawler.testing.log import Hit, HitLog
from crawler.testing.pages import Asked, Page
from crawler.testing.places import BACKLOG, Place, open_places
from crawler.testing.web import Site, Web
from crawler.testing.wire import Answer, Step

KEPT_BYTES = 64 * 1024 * 1024  # answers that are kept after their first request; others are made again
STRAY_STATUS = 421  # Misdirected Request: the Host header names no site of this web


@asynccontextmanager
async def open_web(web: Web, *, port: int = 0, by_name: bool = False) -> AsyncIterator[Served]:
    """Serves a web until the context ends.

    Every site listens on its own address, and links carry that address, so any client can follow them. With `by_name`
    links carry the sites' names instead, for a client that resolves by `Served.addresses`. A page that raises is
    answered with 500; its errors are raised as an ExceptionGroup when the context ends.
    """
    require_asyncio()
    places, sockets = open_places(web.sites, port, by_name)
    served = Served(web, places, by_name)
    connections: set[Connection] = set()
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda: Connection(served.receive, connections), sock=socket, backlog=BACKLOG)
        for socket in sockets
    ]
    try:
        yield served
    finally:
        for server in servers:
            server.close()
        while connections:  # connection_lost comes in the loop's next rounds
            for connection in tuple(connections):
                connection.abort()
            await asyncio.sleep(0)
        for server in servers:
            await server.wait_closed()
    if served.bugs:
        raise ExceptionGroup("pages of the fake web raised", served.bugs)


class Served(HitLog):
    """A web that is being served: its addresses, its log, and its truth (`web`) in the served URLs."""

    def __init__(self, web: Web, places: Mapping[str, Place], by_name: bool) -> None:
        """`places` maps the host of every site to its address and port."""
        super().__init__(self._host_of)
        numeric = {host: f"{address}:{port}" for host, (address, port) in places.items()}
        named = {host: f"{host}:{port}" for host, (_, port) in places.items()}
        self.web: Web = web.at(named if by_name else numeric)
        self.addresses: dict[str, str] = {host: address for host, (address, _) in places.items()}
        self.strays: list[bytes] = []  # request heads whose Host names no site
        self.bugs: list[Exception] = []
        self._sites = {
            authority: site for book in (named, numeric) for site in web.sites for authority in (book[site.host],)
        }
        self._in_hand: Counter[str] = Counter()
        self._visits: Counter[str] = Counter()
        self._kept: dict[tuple[str, str], bytes] = {}
        self._kept_bytes = 0

    @property
    def seeds(self) -> list[str]:
        """Returns the URLs where a crawl of this web should begin."""
        return self.web.seeds

    def url(self, host: str, target: str = "/") -> str:
        """Returns the URL under which a target of a site is served."""
        return self.web.url(host, target)

    def prepare(self) -> None:
        """Makes and keeps the answers of all fixed pages of any size, so that serving them costs very little."""
        every = [(site, target) for site in self.web.sites for target in site.pages]
        for owner, target in every:
            page = owner.page(target)
            if page.fixed:
                answer = page.answer(Asked("GET", target, {}, 1, self.web.place))
                if answer.play is wire.whole:
                    self._kept[owner.host, target] = wire.whole_bytes(answer)

    def receive(self, head: bytes, client: tuple[str, int]) -> _Exchange:
        """Logs a request, and returns its answer. Never raises."""
        began = monotonic()
        line, _, rest = head.partition(b"\r\n")
        method, target = _request_line(line)
        authority = _host(rest)
        site = self._sites.get(authority)
        if site is None:
            self.strays.append(head)
            return _Exchange(wire.whole_bytes(Answer(STRAY_STATUS)), None, self._in_hand)
        url = f"http://{authority}{target}"
        self._visits[url] += 1
        self._in_hand[site.host] += 1
        hit = Hit(site.host, url, target, method, head, client, self._visits[url], self._in_hand[site.host], began)
        self.hits.append(hit)
        return _Exchange(self._steps(site, hit), hit, self._in_hand)

    def _steps(self, site: Site, hit: Hit) -> bytes | Iterator[Step]:
        kept = self._kept.get((site.host, hit.target))
        if kept is not None and hit.method == "GET":
            hit.status = int(kept[9:12])
            return kept
        try:
            page = site.page(hit.target)
            answer = page.answer(Asked(hit.method, hit.target, hit.headers, hit.visit, self.web.place))
        except Exception as bug:  # noqa: BLE001 - raised again when the web closes
            self.bugs.append(bug)
            page, answer = _BROKEN_PAGE, Answer(500)
        return self._play(site, hit, page, answer)

    def _play(self, site: Site, hit: Hit, page: Page, answer: Answer) -> bytes | Iterator[Step]:
        hit.status = answer.status or None
        if hit.method == "HEAD":
            return wire.sized_head(answer)
        if answer.play is not wire.whole:
            return answer.steps()
        data = wire.whole_bytes(answer)
        if page.fixed and self._kept_bytes + len(data) <= KEPT_BYTES:
            self._kept[site.host, hit.target] = data
            self._kept_bytes += len(data)
        return data

    def _host_of(self, name: str) -> str:
        authority = urlsplit(name).netloc if "://" in name else name
        site = self._sites.get(authority)
        return name if site is None else site.host


class _Exchange:
    """A request that is being answered: the steps to send, and its entry in the log."""

    __slots__ = ("_hit", "_in_hand", "steps")

    def __init__(self, steps: bytes | Iterator[Step], hit: Hit | None, in_hand: Counter[str]) -> None:
        self.steps: bytes | Iterator[Step] = steps
        self._hit = hit
        self._in_hand = in_hand

    def end(self, complete: bool, at: float) -> None:
        if (hit := self._hit) is not None:
            hit.ended, hit.complete = at, complete
            self._in_hand[hit.host] -= 1


_BROKEN_PAGE = Page(lambda _: Answer(500), 500, disposition="failed", fixed=False)


def _request_line(line: bytes) -> tuple[str, str]:
    method, _, rest = line.decode("latin-1").partition(" ")
    return method, rest.partition(" ")[0]


def _host(headers: bytes) -> str:
    """Returns the Host header in lower case; "" without one."""
    lowered = b"\r\n" + headers.lower()
    start = lowered.find(b"\r\nhost:")
    return "" if start < 0 else lowered[start + 7 :].partition(b"\r\n")[0].strip().decode("latin-1")
