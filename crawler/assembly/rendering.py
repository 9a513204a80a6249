"""Opens the browsers that pages are rendered in, and puts them around the fetcher of a crawl."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import field
from typing import TYPE_CHECKING, Literal

from ..dataclass import dataclass
from ..engine.site_turns import SiteTurns
from ..errors import ConfigError
from ..model import VIEWS
from ..policy.pace import Pace
from ..protocols import Fetcher, Observer, Offloader, Robots
from ..settings import Config
from ..settings.loading import effective_user_agent
from . import parts

if TYPE_CHECKING:
    from ..render import Browsers, Patterns, RenderingFetcher, Stock


@dataclass(frozen=True, slots=True)
class Renderer:
    """The parts of rendering that outlive a change of settings."""

    browsers: Browsers
    patterns: Patterns
    stock: Stock

    def around(self, inner: Fetcher, config: Config, means: Means) -> RenderingFetcher:
        """Returns a fetcher that renders pages by these settings, around another one."""
        from ..render import PageTerms, RenderingFetcher, Steps, Supply  # noqa: PLC0415 - most crawls render nothing

        render = config.render
        supply = Supply(
            inner, means.robots, means.turns, means.offloader, parts.politeness(config), means.pace,
            config.fetch.max_body_bytes, observer=means.observer if _is_archived(config) else None,
            keeps_cookies=config.fetch.cookies, stock=self.stock, fetches_pictures=bool(_views(config)),
        )  # fmt: skip
        steps = Steps(
            reject_consent=render.reject_consent, load_more=render.load_more, scroll=render.scroll,
            most=render.most_steps, states=render.state_links,
        )  # fmt: skip
        terms = PageTerms(render.page_timeout_s, render.settle_s, render.max_page_requests, steps, _views(config))
        mode: Literal["auto", "always"] = "always" if render.mode == "always" else "auto"
        return RenderingFetcher(inner, self.browsers, supply, terms, mode, self.patterns)


@dataclass(frozen=True, slots=True)
class Means:
    """The parts of a crawl by which requests of pages are answered."""

    robots: Robots
    turns: SiteTurns
    offloader: Offloader
    pace: Pace
    observer: Observer | None = field(default=None)
    """Hears of exchanges that bring no outcome."""


async def enter_renderer(stack: AsyncExitStack, config: Config) -> Renderer | None:
    """Starts a browser if pages are to be rendered. Raises ConfigError if there is none, or it does not start."""
    render = config.render
    if render.mode == "never":
        if wanted := _views(config):
            named = " and ".join(f"{view}s" for view in sorted(wanted))
            raise ConfigError(f"sinks: {named} are taken of rendered pages: set render.mode (--render auto)", ["sinks"])
        return None
    from ..render import BrowserTerms, Patterns, Recycling, Stock, find_browser, open_browsers  # noqa: PLC0415

    terms = BrowserTerms(
        find_browser(render.browser), effective_user_agent(config), render.tab_memory_bytes,
        render.browser_memory_bytes + render.pages_at_once * render.tab_memory_bytes,
        shows_images=_is_archived(config) or bool(_views(config)),
    )  # fmt: skip
    recycling = Recycling(render.browser_pages, render.browser_memory_bytes)
    browsers = await stack.enter_async_context(open_browsers(terms, render.pages_at_once, recycling))
    return Renderer(browsers, Patterns(), Stock())


def _views(config: Config) -> frozenset[str]:
    """Returns the views of rendered pages that an output saves."""
    types = {one for sink in config.sinks if sink.kind == "files" for one in sink.types}
    return frozenset(view for view in VIEWS if f"{view}s" in types)


def _is_archived(config: Config) -> bool:
    return any(sink.kind == "warc" for sink in config.sinks)
