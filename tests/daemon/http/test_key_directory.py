"""The daemon publishes the key by which its crawls sign, to everybody, in an answer that is signed itself."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp
import pytest
from http_message_signatures import InvalidSignature

from crawler import Config, make_identity
from crawler.daemon.http.server import open_server
from crawler.identity import DIRECTORY_PATH, DIRECTORY_TYPE
from tests.identity.test_signing import AGENT, check_directory

from ..conftest import Open
from .conftest import TOKEN, Api


async def test_without_a_key_there_is_no_directory(api: Api) -> None:
    problem = await api.get(DIRECTORY_PATH, headers={"Authorization": ""})
    assert (api.status, problem["detail"]) == (404, "this daemon signs no requests: identity.key_file names no key")


async def test_a_key_that_is_published_nowhere_has_no_directory(open_daemon: Open, tmp_path: Path) -> None:
    make_identity(tmp_path / "k.pem")
    async with (
        open_daemon(base=Config(key_file=str(tmp_path / "k.pem"))) as jobs,
        open_server(jobs, host="127.0.0.1", port=0, token=TOKEN) as listening,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())) as http,
        http.get(listening.url + DIRECTORY_PATH) as answer,
    ):
        assert (answer.status, "identity.signature_agent" in (await answer.json())["detail"]) == (404, True)


@pytest.mark.parametrize("host", ["", "bot.elsewhere.example"])
async def test_everybody_can_read_the_key_and_check_who_published_it(
    open_daemon: Open, tmp_path: Path, host: str
) -> None:
    """The signature is for the host that the settings name: nobody gets one for a host of their choice."""
    made = make_identity(tmp_path / "k.pem")
    base = Config(key_file=str(tmp_path / "k.pem"), signature_agent=AGENT)
    async with (
        open_daemon(base=base) as jobs,
        open_server(jobs, host="127.0.0.1", port=0, token=TOKEN, hosts=("bot.elsewhere.example",)) as listening,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())) as http,
        http.get(listening.url + DIRECTORY_PATH, headers={"Host": host} if host else {}) as answer,
    ):
        body = await answer.read()
        assert (answer.status, answer.headers["Content-Type"]) == (200, DIRECTORY_TYPE)
        assert "max-age" in answer.headers["Cache-Control"]
        told = answer.headers
    [key] = json.loads(body)["keys"]
    assert key == {**made.jwk, "kid": made.thumbprint, "use": "sig", "alg": "EdDSA"}
    check_directory(AGENT + DIRECTORY_PATH, dict(told), body)
    with pytest.raises(InvalidSignature):
        check_directory(f"https://bot.elsewhere.example{DIRECTORY_PATH}", dict(told), body)
