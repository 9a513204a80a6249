"""Names the adapters: word of the settings -> the room that speaks the protocol, imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module

from ..errors import ConfigError
from ..runtime.nearest import did_you_mean
from .http.adapters import Adapter
from .settings import DaemonConfig

ADAPTERS = {"firecrawl": "FirecrawlAdapter", "mcp": "McpAdapter", "scrapyd": "ScrapydAdapter"}
"""The class of each adapter, in the room of its name."""


def make_adapters(names: Iterable[str]) -> Sequence[Adapter]:
    """Returns adapters by name, for `application(adapters=...)`, each once. Raises ConfigError."""
    return [_make(name) for name in dict.fromkeys(names)]


def chosen_adapters(config: DaemonConfig) -> Sequence[Adapter]:
    """Returns the adapters that the daemon's settings choose."""
    return make_adapters([*(["mcp"] if config.mcp else []), *config.adapters])


def _make(name: str) -> Adapter:
    if name not in ADAPTERS:
        raise ConfigError(f"there is no adapter {name!r}{did_you_mean(name, ADAPTERS)}")
    adapter: Adapter = getattr(import_module(f".{name}", __package__), ADAPTERS[name])()
    return adapter
