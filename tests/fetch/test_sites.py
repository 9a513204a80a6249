"""What one site alone is told: secrets, languages, certificates."""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from crawler.errors import ConfigError, FetchError
from crawler.folder.folder import open_folder
from crawler.model import Reason, Request, Url
from crawler.settings.loading import differences, has_secrets, load, mask_value
from crawler.settings.toml import to_toml
from tests.fetch.conftest import Serve, ok, open_loopback

PEM = Path(__file__).with_name("secure.test.pem")


def fields(head: bytes) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:] if line)


@pytest.mark.parametrize(
    ("told", "sent"),
    [
        ({"bearer": "s3cret"}, "Bearer s3cret"),
        ({"basic_auth": "me:p:w"}, f"Basic {base64.b64encode(b'me:p:w').decode()}"),
        ({"headers": {"authorization": "Custom s3cret"}}, "Custom s3cret"),
    ],
)
async def test_a_secret_is_told_to_its_own_site_alone(told: dict[str, object], sent: str, serve: Serve) -> None:
    own, other = await serve(ok()), await serve(ok())  # the same host, another port: another site
    async with open_loopback(sites={own.url: told}, hosts={"alias.test": "127.0.0.1"}) as fetcher:
        for url in (own.url, other.url, f"http://alias.test:{own.port}", own.url):
            await fetcher.fetch(Request(Url(url + "/")))
    first, alias, last = map(fields, own.heads)
    assert {name.lower(): value for name, value in first.items()}["authorization"] == sent
    assert first == last
    assert "authorization" not in str(alias).lower()
    assert "authorization" not in str(fields(other.heads[0])).lower()


async def test_where_a_redirect_leads_the_secret_does_not_follow(serve: Serve) -> None:
    other = await serve(ok())
    own = await serve(b"HTTP/1.1 302 Found\r\nLocation: %b/\r\nContent-Length: 0\r\n\r\n" % other.url.encode())
    settings = {"bearer": "s3cret", "headers": {"Cookie": "id=s3cret", "X-Key": "s3cret"}}
    async with open_loopback(sites={own.url: settings}, cookies=True) as fetcher:
        answer = await fetcher.fetch(own.request())
        await fetcher.fetch(Request(Url(answer.header("location"))))
    assert own.heads[0].count(b"s3cret") == 3
    assert b"s3cret" not in other.heads[0]


async def test_a_site_s_fields_win_over_everyone_s_and_an_empty_one_drops_it(serve: Serve) -> None:
    own = await serve(ok())
    sites = {own.url: {"headers": {"x-team": "red", "User-Agent": "other/1", "Accept": ""}}}
    async with open_loopback(headers={"X-Team": "blue"}, sites=sites) as fetcher:
        await fetcher.fetch(own.request())
    sent = fields(own.heads[0])
    assert (sent["x-team"], sent["User-Agent"]) == ("red", "other/1")
    assert not {"X-Team", "Accept"} & set(sent)


async def test_cookies_of_settings_and_of_the_site_share_one_field(serve: Serve) -> None:
    own = await serve(ok(b"", b"Set-Cookie: b=2"))
    async with open_loopback(sites={own.url: {"headers": {"Cookie": "a=1"}}}, cookies=True) as fetcher:
        for _ in range(2):
            await fetcher.fetch(own.request())
    assert [fields(head)["Cookie"] for head in own.heads] == ["a=1", "a=1; b=2"]


async def test_languages_are_asked_for_where_wanted(serve: Serve) -> None:
    server = await serve(ok())
    async with open_loopback(accept_language="de, en;q=0.5") as fetcher:
        await fetcher.fetch(server.request())
    assert fields(server.heads[0])["Accept-Language"] == "de, en;q=0.5"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"headers": {"Authorization": "Bearer s3cret"}},
            r"Authorization would be sent to every site.*\[sites\]",
        ),
        ({"headers": {"cookie": "id=s3cret"}}, "cookie would be sent to every site"),
        ({"sites": {"https://x.test/path": {}}}, "should be a site like https://example.org, a host, or a pattern"),
        ({"sites": {"ftp://x.test": {}}}, "should be a site like https://example.org"),
        ({"sites": {"https://x.test": {"bearer": "s3cret", "basic_auth": "s3cret:b"}}}, "should have one of"),
        ({"sites": {"https://x.test": {"basic_auth": "s3cret"}}}, "should be user:password"),
        ({"sites": {"https://x.test": {"bearer": "s3cret\r\nX: y"}}}, "one line"),
        ({"sites": {"https://x.test": {"client_key": "k.pem"}}}, "client_key needs a client_cert"),
        ({"sites": {"https://x.test": {"beerer": "s3cret"}}}, "no such setting"),
        ({"proxy": "ftp://me:s3cret@x"}, "should begin with http"),
        ({"sites": '{"https://x.test" = {bearer = s3cret}}'}, "not a TOML value"),
    ],
)
def test_what_cannot_be_told_is_refused_without_telling_the_secret(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        load(settings=settings)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["Host", "Content-Length", "Proxy-Authorization", "Bad Name"])
async def test_fields_that_are_not_for_settings_to_say_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"^sites: "):
        async with open_loopback(sites={"http://x.test": {"headers": {name: "x"}}}):
            pytest.fail("opened")


SECRET = {
    "sites": {"https://X.test:443": {"bearer": "s3cret"}},
    "proxy": "http://me:s3cret@proxy.test:8080",
    "headers": {"X-Api-Key": "s3cret"},
}


def test_secrets_reach_the_folder_s_file_and_its_owner_alone(tmp_path: Path) -> None:
    config = load(settings=SECRET)
    with open_folder(tmp_path / "own", config):
        assert (tmp_path / "own/crawl.toml").stat().st_mode & 0o777 == 0o600
    with open_folder(tmp_path / "own", load(settings={"delay_s": 2})) as folder:
        assert folder.config.sites["https://x.test"].bearer == "s3cret"
        assert (tmp_path / "own/crawl.toml").stat().st_mode & 0o777 == 0o600
    with open_folder(tmp_path / "other", load(settings={"proxy": "http://proxy.test:8080"})):
        assert (tmp_path / "other/crawl.toml").stat().st_mode & 0o777 == 0o600
    path = tmp_path / "again.toml"
    path.write_text(to_toml(config))
    assert load(path) == config


def test_secrets_are_shown_to_nobody() -> None:
    plain, secret = load(), load(settings=SECRET)
    assert not has_secrets(plain)
    assert has_secrets(secret)
    assert "s3cret" not in str(differences(plain, secret)) + str(differences(secret, load(settings={"headers": {}})))
    assert mask_value("fetch.proxy", "http://proxy.test") == "http://proxy.test"


async def test_secrets_are_in_no_error_and_no_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = await serve(b"oops\r\n\r\n")
    async with open_loopback(sites={server.url: {"bearer": "s3cret"}}) as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(server.request())
    assert "s3cret" not in f"{caught.value!r} {caught.value.__cause__!r} {fetcher!r} {caplog.text}"


# --- certificates ---


@asynccontextmanager
async def secure(ask: Callable[[ssl.SSLContext], None] = lambda context: None) -> AsyncIterator[int]:
    """The port of a server for secure.test, that may ask for more."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    ask(context)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            writer.write(ok(b"known" if shown else b"unknown"))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def wants_certificate(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(PEM)


async def read(port: int, **settings: Any) -> bytes:
    async with open_loopback(hosts={"secure.test": "127.0.0.1"}, **settings) as fetcher:
        return (await fetcher.fetch(Request(Url(f"https://secure.test:{port}/")))).body


async def test_an_authority_of_one_s_own_is_trusted_for_the_names_it_vouches_for() -> None:
    async with secure() as port:
        assert await read(port, ca_file=str(PEM)) == b"unknown"
        async with open_loopback(hosts={"also.test": "127.0.0.1"}, ca_file=str(PEM)) as fetcher:
            with pytest.raises(FetchError) as caught:
                await fetcher.fetch(Request(Url(f"https://also.test:{port}/")))
    assert caught.value.reason is Reason.TLS


async def test_a_certificate_is_shown_to_its_own_site_alone() -> None:
    async with secure(wants_certificate) as own, secure(wants_certificate) as other:
        sites = {f"https://secure.test:{own}": {"client_cert": str(PEM)}}
        for settings in ({"ca_file": str(PEM)}, {"verify_tls": False}):
            assert await read(own, sites=sites, **settings) == b"known"
            assert await read(other, sites=sites, **settings) == b"unknown"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"ca_file": "gone.pem"}, r"fetch\.ca_file: gone\.pem: No such file"),
        ({"ca_file": __file__}, "not a usable PEM file"),
        ({"sites": {"https://x.test": {"client_cert": "gone.pem"}}}, r"^sites: client_cert gone\.pem: No such"),
        ({"sites": {"https://x.test": {"client_cert": __file__}}}, "not a usable PEM file"),
    ],
)
async def test_a_file_that_is_no_certificate_is_told_at_once(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        async with open_loopback(**settings):
            pytest.fail("opened")
