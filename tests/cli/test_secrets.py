"""What one site is told in confidence stands in the crawl folder's settings, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crawler.testing import Served

from .conftest import ALLOWED, Crawl

SETTINGS = """
[fetch]
proxy = "http://me:s3cret-proxy@127.0.0.1:9"
no_proxy = ["{host}"]
headers = {{ X-Key = "s3cret-key" }}
cookies = true

[sites."{site}"]
bearer = "s3cret-bearer"
headers = {{ Cookie = "s3cret-cookie=1" }}

[[sinks]]
path = "pages.jsonl"
headers = true
"""


@pytest.mark.slow
async def test_no_secret_is_shown_logged_or_recorded(crawl: Crawl, web: Served, tmp_path: Path) -> None:
    site, elsewhere = web.url("a.test").rstrip("/"), web.url("b.test")
    host = site.removeprefix("http://").partition(":")[0]
    (tmp_path / "own.toml").write_text(SETTINGS.format(site=site, host=host))
    (tmp_path / "urls.txt").write_text(f"{site}\n{elsewhere}\n")
    ran = await crawl("urls.txt", "-c", "own.toml", "-vv", "--json", "--retries", "0", *ALLOWED)
    assert "connect" in ran.out, "the proxy refuses: that is told, and nothing of it"
    again = await crawl("urls.txt", "-c", "own.toml", "--set", "bearer=s3cret", "--dry-run")
    shown = await crawl("config", "show", "-c", "own.toml")
    assert "(not shown)" in shown.out
    said = "".join(one.out + one.err for one in (ran, again, shown))
    assert "s3cret" not in said
    for path in (tmp_path / "urls.crawl").iterdir():
        if path.name == "crawl.toml":
            assert path.stat().st_mode & 0o777 == 0o600
            assert path.stat().st_uid == os.getuid()
        else:
            assert b"s3cret" not in path.read_bytes(), path.name
