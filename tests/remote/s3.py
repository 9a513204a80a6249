"""An object store on loopback that speaks S3, as fixtures, and looks into it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.request import Request, urlopen
from xml.etree import ElementTree

import pytest

moto_server = pytest.importorskip("moto.server", reason="moto is not installed")

BUCKET = "crawls"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an S3 server with an empty bucket."""
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    urlopen(Request(f"http://{host}:{port}/{BUCKET}", method="PUT")).close()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def store(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, with an environment that leads there."""
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)
    return server


def environment(server: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": server, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "a key", "AWS_SECRET_ACCESS_KEY": "a/secret+key",
    }  # fmt: skip


def get(store: str, key: str) -> bytes:
    with urlopen(f"{store}/{BUCKET}/{key}") as answer:
        body: bytes = answer.read()
        return body


def listed(store: str, query: str, tag: str) -> list[str]:
    with urlopen(f"{store}/{BUCKET}?{query}") as answer:
        return [
            element.text or "" for element in ElementTree.fromstring(answer.read()).iterfind(f"{{*}}{tag}/{{*}}Key")
        ]


def objects(store: str) -> list[str]:
    return listed(store, "list-type=2", "Contents")


def pending(store: str) -> list[str]:
    return listed(store, "uploads", "Upload")
