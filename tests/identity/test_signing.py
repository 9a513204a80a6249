"""Signatures are those of the standard's vectors, and a library of others takes them; what is published reads well."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, InvalidSignature, algorithms

from crawler import Config, ConfigError, make_contact_page, make_identity, make_key_directory, read_identity
from crawler.identity import RequestSigner
from crawler.identity.signing import RENEWED_S, VALID_S, make_signature_base, sign_components
from crawler.model import Request, Url
from crawler.runtime.clock import skipping
from tests.fetch.conftest import ok, open_loopback
from tests.fetch.test_tls import PEM, server_context

RFC_KEY = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
"""
"""The key `test-key-ed25519` of RFC 9421, B.1.4, by which Web Bot Auth made its vectors, too."""
AGENT = "https://bot.example"
NOTHING: Mapping[str, bytes] = {}
HELLO = ok(b"hello")


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "identity.pem"
    path.touch(0o600)
    path.write_text(RFC_KEY)
    return path


def test_the_signature_is_that_of_the_standard(key_file: Path) -> None:
    """RFC 9421, B.2.6."""
    fields = [
        ('"date"', "Tue, 20 Apr 2021 02:07:55 GMT"), ('"@method"', "POST"), ('"@path"', "/foo"),
        ('"@authority"', "example.com"), ('"content-type"', "application/json"), ('"content-length"', "18"),
    ]  # fmt: skip
    covered = " ".join(name for name, _ in fields)
    base = make_signature_base(fields, f'({covered});created=1618884473;keyid="test-key-ed25519"')
    expected = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    assert read_identity(key_file).sign(base) == b64decode(expected)


@pytest.mark.parametrize(
    ("label", "agent", "nonce", "expected"),
    [
        (
            "sig1", None, "zIW8+cdmA3vdYagbxojpONwa/l0EKJ/O3/wD486VvsQjO/RxPaSt6ZxvQaMcQzNnqKN/mQ6hpGiFro2L2qkz5A==",
            "QKN4fTdIYfh82fvoZCQiQA1weuozfCS/Led2zTMbewMMqH8PI2Wsy/5c4ao6B6D09nraNQdBNOADg8aM1MqfCg==",
        ),
        (
            "sig2", "agent2",
            "n9p433xm+NJ3ph3upfBIGmsuwHw387YV7Q/F+6BSpGCVjYCqQw6rznNA8PVVLySrAWsv0hQtFioQb6E1YsauiA==",
            "RdNFx5Bj6au3YgAMQL/RzmUlZE8QZLIaXGRpw985hWnwPfMxT228NMk6ehRS1PSl4e8PhbNZACSanGdhEwYCCg==",
        ),
    ],
)  # fmt: skip
def test_signatures_are_those_of_web_bot_auth(
    label: str, agent: str | None, nonce: str, expected: str, key_file: Path
) -> None:
    """The vectors that the makers of Web Bot Auth publish for Ed25519, with the Signature-Agent and without."""
    covered = [('"@authority"', "example.com")]
    if agent:
        covered.append((f'"signature-agent";key="{agent}"', '"https://signature-agent.test"'))
    inputs, signature = sign_components(
        read_identity(key_file), covered, created=1735689600, expires=4889289600, tag="web-bot-auth", label=label,
        nonce=nonce,
    )  # fmt: skip
    assert signature == f"{label}=:{expected}:"
    assert inputs.endswith(
        ');created=1735689600;keyid="poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U";alg="ed25519";expires=4889289600;'
        f'nonce="{nonce}";tag="web-bot-auth"'
    )


@dataclass
class Message:
    """A request as the library of others reads it."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Answer:
    """An answer, likewise."""

    request: Message
    headers: dict[str, str]
    status_code: int = 200


class Directory(HTTPSignatureKeyResolver):
    """Finds keys in a published directory, as a site would."""

    def __init__(self, published: bytes) -> None:
        self.keys = {key["kid"]: key["x"] for key in json.loads(published)["keys"]}

    def resolve_public_key(self, key_id: str) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        raw = b64decode(self.keys[key_id].replace("-", "+").replace("_", "/") + "=")
        return Ed25519PublicKey.from_public_bytes(raw).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def check(head: str, host: str, published: bytes) -> dict[str, object]:
    """Has a library of others judge the signature of a request; returns its parameters. Raises InvalidSignature."""
    line, *lines = head.split("\r\n")
    headers = dict(one.split(": ", 1) for one in lines if one)
    message = Message(line.split(" ")[0], f"https://{host}{line.split(' ')[1]}", headers)
    [found] = HTTPMessageVerifier(
        signature_algorithm=algorithms.ED25519, key_resolver=Directory(published)
    ).verify(message)  # fmt: skip
    assert {'"@authority"', '"signature-agent";key="sig1"'} <= set(found.covered_components)
    return dict(found.parameters)


def check_directory(url: str, headers: dict[str, str], published: bytes) -> None:
    """Has the library judge the signature of a published directory, asked for at `url`. Raises InvalidSignature."""
    [found] = HTTPMessageVerifier(
        signature_algorithm=algorithms.ED25519, key_resolver=Directory(published)
    ).verify(Answer(Message("GET", url), headers))  # fmt: skip
    assert dict(found.parameters)["tag"] == "http-message-signatures-directory"
    assert '"@authority";req' in found.covered_components


@asynccontextmanager
async def listening(
    heads: list[str], context: ssl.SSLContext | None, answers: Mapping[str, bytes] = NOTHING
) -> AsyncIterator[int]:
    """The port of a server that keeps the head of each request. `answers` are whole, by path; others say hello."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                writer.write(answers.get(heads[-1].split(" ")[1], HELLO))
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


async def test_requests_over_tls_are_signed_and_others_can_check_it(key_file: Path) -> None:
    heads: list[str] = []
    signer = RequestSigner(key_file, AGENT)
    async with (
        listening(heads, server_context()) as port,
        listening(heads, None) as plain,
        open_loopback(hosts={"secure.test": "127.0.0.1"}, signer=signer, ca_file=str(PEM)) as fetcher,
    ):
        for url in (
            f"https://secure.test:{port}/a", f"https://secure.test:{port}/b?c=d", f"http://secure.test:{plain}/",
        ):  # fmt: skip
            (await fetcher.fetch(Request(Url(url)))).release()
        own = Request(Url(f"https://secure.test:{port}/own"), method="POST", body=b"x", headers=(("X-Own", "1"),))
        (await fetcher.fetch(own)).release()
    first, second, unsigned, own_head = heads
    published = make_key_directory(read_identity(key_file))
    found = check(first, f"secure.test:{port}", published)
    assert (found["tag"], found["alg"]) == ("web-bot-auth", "ed25519")
    assert found["expires"] == found["created"] + VALID_S  # type: ignore[operator]
    assert check(own_head, f"secure.test:{port}", published)["created"] == found["created"]
    assert signature_of(first) == signature_of(second) == signature_of(own_head), "made once for an origin"
    assert "Signature" not in unsigned, "anybody between could take it"
    with pytest.raises(InvalidSignature):
        check(first, "other.test", published)


def signature_of(head: str) -> str:
    found = re.search(r"\r\nSignature: (\S+)\r\n", head)
    assert found
    return found[1]


async def test_a_signature_is_made_anew_before_it_ends(key_file: Path) -> None:
    signer = RequestSigner(key_file, AGENT)
    await signer.prepare()
    signed = signer.sign("a.test", 1000.7)
    assert signed.until == 1000 + RENEWED_S
    assert "created=1000;" in signed.lines[1]
    assert f"expires={1000 + VALID_S};" in signed.lines[1]
    assert signer.sign("a.test", signed.until).lines != signed.lines


async def test_requests_after_an_hour_have_a_new_signature(key_file: Path) -> None:
    heads: list[str] = []
    with skipping() as skip:
        skip(-RENEWED_S - 1)  # an hour ago, so that the signatures are none of the future for who checks them
        async with (
            listening(heads, server_context()) as port,
            open_loopback(
                hosts={"secure.test": "127.0.0.1"}, signer=RequestSigner(key_file, AGENT), ca_file=str(PEM)
            ) as fetcher,
        ):
            for pause in (0, RENEWED_S - 60, 61):
                skip(pause)
                (await fetcher.fetch(Request(Url(f"https://secure.test:{port}/")))).release()
    first, second, third = map(signature_of, heads)
    assert (first == second, first == third) == (True, False)
    published = make_key_directory(read_identity(key_file))
    begun, renewed = [check(head, f"secure.test:{port}", published)["created"] for head in (heads[0], heads[2])]
    assert renewed - begun >= RENEWED_S  # type: ignore[operator]


async def test_each_origin_has_a_signature_of_its_own(key_file: Path) -> None:
    signer = RequestSigner(key_file, AGENT)
    await signer.prepare()
    now = time.time()
    assert signer.sign("a.test", now).lines[2] != signer.sign("b.test", now).lines[2]
    assert signer.sign("A.test", now) == signer.sign("a.test", now)


async def test_a_key_that_cannot_be_used_is_told_before_anything_is_fetched(tmp_path: Path, key_file: Path) -> None:
    key_file.chmod(0o644)
    for path, said in ((tmp_path / "none.pem", "is not there"), (key_file, "can be read or changed by others")):
        with pytest.raises(ConfigError, match=said):
            async with open_loopback(signer=RequestSigner(path, AGENT)):
                raise AssertionError("unreachable")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"signature_agent": "http://bot.example"}, "should be an origin without a path"),
        ({"signature_agent": "https://bot.example/keys"}, "should be an origin without a path"),
        ({"signature_agent": 'https://bot.example"'}, "should be an origin without a path"),
    ],
)
def test_settings_that_nobody_could_check_are_refused(settings: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Config(identity=settings)


def test_the_page_tells_who_asks_and_escapes_what_it_is_given(tmp_path: Path) -> None:
    made = make_identity(tmp_path / "k.pem")
    page = make_contact_page(
        made, name="museumbot", contact="crawl@museum.example", agent=AGENT, purpose="<b>We archive & search.</b>"
    )
    for words in (
        "User-agent: museumbot\nDisallow: /", 'href="mailto:crawl@museum.example"', made.thumbprint,
        f"{AGENT}/.well-known/http-message-signatures-directory", "&lt;b&gt;We archive &amp; search.&lt;/b&gt;",
    ):  # fmt: skip
        assert words in page
    assert 'href="https://a.test/"' in make_contact_page(made, name="b", contact="https://a.test/", agent=AGENT)
