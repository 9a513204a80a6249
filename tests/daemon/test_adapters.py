"""Adapters are chosen by the settings, each can be switched off, and a misspelt one is told."""

from __future__ import annotations

import re

import pytest

from crawler import ConfigError
from crawler.daemon import DaemonConfig, make_adapters
from crawler.daemon.adapters import ADAPTERS, chosen_adapters
from crawler.daemon.settings import ADAPTERS as WORDS

from .adapted import adapted
from .conftest import Open


def test_models_may_use_a_daemon_and_other_protocols_are_off_unless_asked_for() -> None:
    configs = (DaemonConfig(), DaemonConfig(mcp=False), DaemonConfig(adapters=["scrapyd", "firecrawl", "scrapyd"]))
    chosen = [[type(one).__name__ for one in chosen_adapters(config)] for config in configs]
    assert chosen == [["McpAdapter"], [], ["McpAdapter", "ScrapydAdapter", "FirecrawlAdapter"]]
    assert {*WORDS, "mcp"} == ADAPTERS.keys()


def test_a_misspelt_adapter_is_told() -> None:
    with pytest.raises(ConfigError, match=re.escape("did you mean firecrawl?")):
        DaemonConfig(adapters=["firecrawel"])
    with pytest.raises(ConfigError, match="did you mean scrapyd"):
        make_adapters(["scrapy"])


async def test_paths_of_an_adapter_that_is_off_are_nothing_here(open_daemon: Open) -> None:
    async with adapted(open_daemon) as asked:
        for path in ("/mcp", "/v2/scrape", "/schedule.json"):
            async with asked.http.post(
                asked.url + path, headers={"Authorization": "Bearer a-token-of-this-test"}
            ) as no:
                assert (no.status, no.content_type) == (404, "application/problem+json"), path
