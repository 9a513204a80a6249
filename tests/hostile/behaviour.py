"""What a hostile behaviour is: its name, how it talks, and the outcomes that are right for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tests.hostile.line import Asked, Line

Talk = Callable[[Line, Asked], Awaitable[None]]
"""What is done with one request; when it returns, the connection is closed."""

FETCHED = "fetched"
BAD = "failed/bad-response"
CONNECT = "failed/connect"
DECOMPRESSION = "failed/decompression"
LARGE = "failed/too-large"
LOOP = "failed/too-many-redirects"
NO_ROBOTS = "failed/robots-unreachable"
REDIRECTED = "redirected"
MOVED = "redirected/moved"
"""To another registered domain: nothing beyond where it leads is fetched."""
ROBOTS = "excluded/robots"
SLOW = "failed/timeout"
STALLED = "failed/too-slow"
TLS = "failed/tls"
SCANNED = "fetched/parse"
"""Too much for a tree, so a linear scan read it."""

EXCHANGE_S = 45.0
"""No exchange may be held longer by any server: `fetch.timeout_s` and what a busy machine adds."""
TREE_BYTES = 512 << 20
"""The memory of all processes of the crawl together at any time; a page that several share counts once."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One way to misbehave, on a site of its own."""

    name: str
    talk: Talk
    expected: frozenset[str]
    """What the seed's record may say, `disposition` or `disposition/reason`."""
    path: str = "/"
    """Of the seed."""
    robots: Talk | None = None
    """What is done with a request for robots.txt; None: 404."""
    greets: bool = False
    """Talks as soon as a connection stands, whatever is asked, robots.txt included."""
    then: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """Further records there must be: absolute URLs, or paths of this site, and what each may say."""
    most_records: int = 1
    """Of this site, the seed's included; those left aside, by robots.txt or as a trap's, not."""
    most_s: float = EXCHANGE_S
    certificate: str = ""
    """Speaks TLS, with this one."""
    is_https: bool = False
    """Its seed is https://, whatever is spoken there."""
    is_open: bool = True
    """Listens; else its port is bound and refuses."""
    is_quick: bool = True
    """Answered for in a second or two, and with little CPU: one for the suite."""


@dataclass(frozen=True, slots=True)
class Family:
    """Behaviours of one kind."""

    name: str
    members: tuple[Behaviour, ...]


def hostile(name: str, talk: Talk, *expected: str, **changes: object) -> Behaviour:
    """A behaviour; `then` may be given with plain texts."""
    then = changes.pop("then", {})
    assert isinstance(then, Mapping)
    wanted = {url: frozenset([texts] if isinstance(texts, str) else texts) for url, texts in then.items()}
    known = {"most_records": 1 + sum(url.startswith("/") for url in wanted), **changes}
    return Behaviour(name, talk, frozenset(expected), then=wanted, **known)
