"""The daemon publishes the key by which its crawls sign, to everybody, in an answer that is signed itself."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

import aiohttp

from crawler import Config, make_identity
from crawler.daemon.http.server import open_server
from crawler.identity import DIRECTORY_PATH, DIRECTORY_TYPE, check_signature
from crawler.identity.signing import make_signature_base
from tests.identity.test_signing import AGENT

from ..conftest import Open
from .conftest import TOKEN, Api


async def test_without_a_key_there_is_no_directory(api: Api) -> None:
    problem = await api.get(DIRECTORY_PATH, headers={"Authorization": ""})
    assert (api.status, problem["detail"]) == (404, "this daemon signs no requests: identity.key_file names no key")


async def test_everybody_can_read_the_key_and_check_who_published_it(open_daemon: Open, tmp_path: Path) -> None:
    made = make_identity(tmp_path / "k.pem")
    base = Config(key_file=str(tmp_path / "k.pem"), signature_agent=AGENT)
    async with (
        open_daemon(base=base) as jobs,
        open_server(jobs, host="127.0.0.1", port=0, token=TOKEN) as listening,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())) as http,
        http.get(listening.url + DIRECTORY_PATH) as answer,
    ):
        body = await answer.read()
        assert (answer.status, answer.headers["Content-Type"]) == (200, DIRECTORY_TYPE)
        assert "max-age" in answer.headers["Cache-Control"]
        asked, told = answer.request_info, answer.headers
    [key] = json.loads(body)["keys"]
    assert key == {**made.jwk, "kid": made.thumbprint, "use": "sig", "alg": "EdDSA"}
    parameters = told["Signature-Input"].removeprefix("sig1=")
    assert parameters.startswith('("@authority";req);created=')
    assert parameters.endswith(';tag="http-message-signatures-directory"')
    base_signed = make_signature_base([('"@authority";req', f"{asked.url.host}:{asked.url.port}")], parameters)
    signature = b64decode(told["Signature"].removeprefix("sig1=:").removesuffix(":"))
    assert check_signature(made.public, signature, base_signed)
