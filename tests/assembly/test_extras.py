"""A setting that needs a package which is not installed is told in one line, before anything is fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

import crawler
from crawler import Config, ConfigError
from crawler.assembly import parts
from crawler.testing import Site, Web, html, open_web


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"quality": "best"}, "extract.quality needs the extra `extract`: pip install 'crawld[extract]'"),
        ({"pdf": True}, "extract.pdf needs the extra `pdf`: pip install 'crawld[pdf]'"),
    ],
    ids=["best", "pdf"],
)
async def test_a_missing_extra_is_told_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object], said: str
) -> None:
    for key, (_, extra) in dict(parts.EXTRAS).items():
        monkeypatch.setitem(parts.EXTRAS, key, ("package_that_nobody_has", extra))
    config = Config.model_validate({**settings, "allow_networks": ("127.0.0.0/8",), "executor": "inline"})
    async with open_web(Web([Site("a.test", {"/": html("A")})])) as served:
        with pytest.raises(ConfigError) as refused:
            await crawler.crawl(served.seeds, config, folder=tmp_path / "crawl")
        assert str(refused.value) == said
        assert not served.hits
