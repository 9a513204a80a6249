"""Chooses the proxy of each site. A site keeps its proxy while that one works. Plain functions; time is injected."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from hashlib import blake2b

from yarl import URL

from ..dataclass import dataclass
from ..runtime.clock import monotonic
from ..settings import FetchConfig
from ..settings.sites import DIRECT
from .proxies import make_matcher, read_proxy_url

log = logging.getLogger(__name__)

ASIDE_S = 30.0
"""How long a proxy that fails is not used; twice as long each time in a row."""
MOST_ASIDE_S = 600.0


@dataclass(slots=True, eq=False)
class Proxy:
    """One proxy, and how it does."""

    text: str
    url: URL
    name: str
    """Scheme, host and port: what people may see of it."""
    failures: int = 0
    """How often in a row it was put aside."""
    aside_until: float = -math.inf
    worked_at: float = -math.inf
    """When a connection through it was last made."""

    @property
    def is_socks(self) -> bool:
        return self.url.scheme.startswith("socks")


class ProxyPool:
    """The proxies, and the hosts that are reached without them.

    A site goes to the proxy that ranks first for it (rendezvous hashing), among those that work. So if one fails its
    sites alone move to others, and they come back with it. Times are those of `now`, in seconds.
    """

    def __init__(self, config: FetchConfig, now: Callable[[], float] = monotonic) -> None:
        """Raises ConfigError if a proxy is no usable URL."""
        named = [(config.proxy, "fetch.proxy")] if config.proxy else [(one, "fetch.proxies") for one in config.proxies]
        self.proxies: list[Proxy] = [make_proxy(text, setting) for text, setting in named if text]
        self._is_passed_by = [make_matcher(text.strip()) for text in config.no_proxy if text.strip()]
        self._now = now
        self._returns_at = math.inf
        """When the first proxy that is put aside is used again."""
        self._version = 0
        self._own: dict[str, Proxy] = {}

    @property
    def version(self) -> int:
        """Goes up whenever other proxies work than before: the choice for a site may be another one then."""
        if self._returns_at < math.inf and self._returns_at <= self._now():
            self._version += 1
            self._note_next_return()
        return self._version

    def choose(self, site: str, host: str, own: str | None = None) -> Proxy | None:
        """Returns the proxy of a site, or None if it is reached directly. `own` is the proxy that its settings name.

        If no proxy works, all of them are tried as if they did.
        """
        if own is not None:
            return None if own == DIRECT else self.find(own)
        if not self.proxies or any(matches(host) for matches in self._is_passed_by):
            return None
        now = self._now()
        working = [proxy for proxy in self.proxies if proxy.aside_until <= now] or self.proxies
        return max(working, key=lambda proxy: _rank(proxy, site)) if len(working) > 1 else working[0]

    def find(self, text: str) -> Proxy:
        """Returns the proxy that the settings of a site name. Raises ConfigError."""
        if text not in self._own:
            same = (proxy for proxy in self.proxies if proxy.text == text)
            self._own[text] = next(same, None) or make_proxy(text, "sites: proxy")
        return self._own[text]

    def note_failure(self, proxy: Proxy, why: str, *, began: float | None = None) -> bool:
        """Puts a proxy aside that cannot be connected to; returns whether another one may work instead.

        With `began`, the site behind the proxy may be at fault: it counts only if nothing went through the proxy since.
        """
        now = self._now()
        if proxy not in self.proxies or len(self.proxies) == 1 or (began is not None and proxy.worked_at >= began):
            return False
        if proxy.aside_until <= now:
            wait_s = min(ASIDE_S * 2 ** min(proxy.failures, 10), MOST_ASIDE_S)
            proxy.aside_until, proxy.failures = now + wait_s, proxy.failures + 1
            self._version += 1
            self._note_next_return()
            log.warning("the proxy %s fails (%s): its sites use others for %.0f s", proxy.name, why, wait_s)
        return any(other.aside_until <= now for other in self.proxies)

    def note_success(self, proxy: Proxy) -> None:
        """Notes that a connection through the proxy was made. One that was put aside stays so until its time."""
        proxy.worked_at = self._now()
        if proxy.failures and proxy.aside_until <= proxy.worked_at:
            proxy.failures = 0
            log.info("the proxy %s works again", proxy.name)

    def now(self) -> float:
        return self._now()

    def _note_next_return(self) -> None:
        now = self._now()
        self._returns_at = min((one.aside_until for one in self.proxies if one.aside_until > now), default=math.inf)


def make_proxy(text: str, setting: str) -> Proxy:
    """Returns the proxy with this URL. Raises ConfigError."""
    url = read_proxy_url(text, setting)
    return Proxy(text, url, f"{url.scheme}://{url.host_subcomponent}{f':{url.port}' if url.port else ''}")


def _rank(proxy: Proxy, site: str) -> bytes:
    return blake2b(f"{proxy.text}\n{site}".encode(errors="replace"), digest_size=8).digest()
