"""Who speaks to a daemon: where it is found, and what its answers mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from crawler.daemon import DaemonConfig
from crawler.daemon.client import Refused, Unreachable, find_daemon, open_client
from crawler.errors import ConfigError


@pytest.mark.parametrize("url", ["127.0.0.1:7878", "ftp://a.test", "http://", ""])
async def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="not the address of a daemon"):
        async with open_client(url, None):
            pass


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "http://127.0.0.1:7878"),
        ({"port": 80, "host": "0.0.0.0"}, "http://127.0.0.1:80"),
        ({"host": "::"}, "http://[::1]:7878"),
        ({"host": "crawl.example.org"}, "http://crawl.example.org:7878"),
        ({"socket": "/run/s"}, "unix:/run/s"),
    ],
)
def test_a_daemon_is_where_its_settings_say(tmp_path: Path, settings: dict[str, object], url: str) -> None:
    assert find_daemon(DaemonConfig.model_validate({"data": str(tmp_path), **settings})) == (url, None)


def test_or_where_it_says_itself(tmp_path: Path) -> None:
    (tmp_path / "address").write_text("http://127.0.0.1:4711\n")
    (tmp_path / "token").write_text("a-token-of-this-test\n")
    (tmp_path / "token").chmod(0o600)
    assert find_daemon(DaemonConfig(data=str(tmp_path))) == ("http://127.0.0.1:4711", "a-token-of-this-test")


async def test_what_is_no_daemon_of_ours_is_no_surprise() -> None:
    async def strange(_: web.Request) -> web.Response:
        return web.Response(status=500, text="<html>")

    app = web.Application()
    app.router.add_get("/{any:.*}", strange)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with open_client(f"http://127.0.0.1:{runner.addresses[0][1]}", None) as client:
            with pytest.raises(Refused, match="not a crawld daemon"):
                await client.ask("GET", "/v1/jobs")
    finally:
        await runner.cleanup()
    async with open_client("http://127.0.0.1:9", None) as client:
        with pytest.raises(Unreachable, match="Connection refused"):
            await client.ask("GET", "/v1/jobs")
