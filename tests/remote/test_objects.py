"""An export to an object store appears whole or not at all: tried against a server on loopback that speaks S3."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.request import Request, urlopen

import pytest

from crawler import ConfigError, SinkError, export_folder, export_query
from crawler.remote import check_url, is_remote, open_object
from crawler.remote.abandoned import abort_uploads
from tests.export.conftest import MakeFolder, make, page
from tests.remote.s3 import BUCKET, environment, get, objects, pending, server, store

obstore = pytest.importorskip("obstore", reason="the extra `cloud` is not installed")

__all__ = ["make", "server", "store"]
LARGE = os.urandom(1 << 20)


def write(url: str, pieces: int, then: Callable[[], None]) -> None:
    with open_object(url) as file:
        for _ in range(pieces):
            file.write(LARGE)
        then()


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.slow
def test_every_format_of_one_file_goes_to_a_store(make: MakeFolder, store: str, tmp_path: Path) -> None:
    folder = make([page(f"http://a.test/{n}", text="word " * n) for n in range(40)])
    for name in ("csv", "jsonl", "parquet"):
        export_folder(folder, name, f"s3://{BUCKET}/a folder/pages.{name}")
        export_folder(folder, name, tmp_path / f"pages.{name}")
    for name in ("csv", "jsonl"):
        assert get(store, f"a%20folder/pages.{name}") == (tmp_path / f"pages.{name}").read_bytes()
    duckdb = pytest.importorskip("duckdb", reason="the extra `analytics` is not installed")
    (tmp_path / "again.parquet").write_bytes(get(store, "a%20folder/pages.parquet"))
    rows = [duckdb.sql(f"from '{tmp_path}/{name}.parquet'").fetchall() for name in ("again", "pages")]
    assert rows[0] == rows[1] != []
    export_query(folder, "select count(*) as n from pages", "csv", f"s3://{BUCKET}/answer.csv")
    assert get(store, "answer.csv") == b"n\r\n40\r\n"


@pytest.mark.slow
def test_the_command_writes_to_a_store(make: MakeFolder, server: str, tmp_path: Path) -> None:
    make([page("http://a.test/")])
    command = [str(Path(sys.executable).with_name("crawl")), "export", "a.crawl", "--fields", "url", "-o"]
    for bucket, code, said in (
        (BUCKET, 0, f"s3://{BUCKET}/cli.csv: written\n"),
        ("none", 5, "crawl: s3://none/cli.csv: there is no bucket none; make it, or name another one\n"),
    ):
        ran = subprocess.run(
            [*command, f"s3://{bucket}/cli.csv"], cwd=tmp_path, env=os.environ | environment(server), text=True,
            capture_output=True, check=False,
        )  # fmt: skip
        assert (ran.returncode, ran.stdout, ran.stderr) == (code, "", said)
    assert get(server, "cli.csv").splitlines()[1:] == [b'"http://a.test/"']


@pytest.mark.slow
def test_a_large_object_comes_in_parts_and_is_the_same(store: str) -> None:
    with open_object(f"s3://{BUCKET}/large") as file:
        for _ in range(37):
            file.write(LARGE)
    assert get(store, "large") == LARGE * 37
    assert pending(store) == []


@pytest.mark.slow
@pytest.mark.parametrize("pieces", [0, 3, 40])
def test_what_fails_leaves_the_object_that_was_there_and_no_parts(store: str, pieces: int) -> None:
    with open_object(f"s3://{BUCKET}/kept") as file:
        file.write(b"before")
    for key in ("kept", f"never{pieces}"):
        with pytest.raises(KeyboardInterrupt):
            write(f"s3://{BUCKET}/{key}", pieces, interrupt)
    assert get(store, "kept") == b"before"
    assert f"never{pieces}" not in objects(store)
    assert pending(store) == []


@pytest.mark.slow
def test_parts_that_a_killed_process_left_are_removed_at_the_next_start(store: str) -> None:
    program = f"""
import sys
from crawler.remote import open_object
with open_object("s3://{BUCKET}/in a folder/killed") as file:
    while True:
        file.write(bytes(1 << 20))
        print("on", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            read_until_pending(process.stdout, store)
        finally:
            os.kill(process.pid, signal.SIGKILL)
    assert pending(store) == ["in a folder/killed"]
    with open_object(f"s3://{BUCKET}/in a folder/killed-not") as file:
        file.write(b"another object")
    assert pending(store) == ["in a folder/killed"]
    with open_object(f"s3://{BUCKET}/in a folder/killed") as file:
        file.write(b"whole")
    assert pending(store) == []
    assert get(store, "in%20a%20folder/killed") == b"whole"


def read_until_pending(output: IO[bytes], store: str) -> None:
    while output.readline():
        if pending(store):
            return


@pytest.mark.slow
def test_a_store_that_does_not_take_it_is_told_in_one_line(
    make: MakeFolder, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make([page("http://a.test/")])
    with pytest.raises(SinkError, match=r"^s3://nowhere/a\.csv: there is no bucket nowhere; make it, or name another"):
        export_folder(folder, "csv", "s3://nowhere/a.csv")
    from moto import settings
    from moto.core.authorization import ActionAuthenticatorMixin

    with monkeypatch.context() as keys:
        keys.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)
        keys.setattr(ActionAuthenticatorMixin, "request_count", 0)
        with pytest.raises(ConfigError, match=r"does not take our credentials; set AWS_ACCESS_KEY_ID and AWS_SE"):
            export_folder(folder, "csv", f"s3://{BUCKET}/a.csv")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(SinkError, match=rf"^s3://{BUCKET}/a\.csv: the store cannot be reached$"):
        export_folder(folder, "csv", f"s3://{BUCKET}/a.csv")


@pytest.mark.slow
def test_a_bucket_that_vanishes_half_way_is_told_in_one_line(store: str) -> None:
    urlopen(Request(f"{store}/brief", method="PUT")).close()
    with pytest.raises(SinkError, match=r"^s3://brief/a: there is no bucket brief"):
        write_while("s3://brief/a", lambda: urlopen(Request(f"{store}/brief", method="DELETE")).close())


def write_while(url: str, first: Callable[[], None]) -> None:
    with open_object(url) as file:
        first()
        for _ in range(200):
            file.write(LARGE)


def test_urls_are_read_before_anything_is_done(make: MakeFolder) -> None:
    assert check_url("s3://b/k/l.csv") == ("s3://b/", "k/l.csv")
    assert check_url("az://container/k/l.csv") == ("az://container/", "k/l.csv")
    assert [is_remote(text) for text in ("s3://b/k", "http://x/y")] == [True, True]
    assert [is_remote(text) for text in ("a/b", "-", "C:\\x")] == [False, False, False]
    for url, said in {
        "gcs://b/k": "did you mean gs?", "ftp://b/k": "there are s3://, gs://, az://", "s3://b": "name a file in a",
        "s3://b/k/": "name a file in a bucket", "az://container": "name a file in a container: az://CONTAINER/FOLDER/FILE",
    }.items():  # fmt: skip
        with pytest.raises(ConfigError) as caught:
            export_folder(make([]), "csv", url)
        assert said in str(caught.value)
    with pytest.raises(ConfigError, match="the format mirror is a folder, and an object store keeps files"):
        export_folder(make([]), "mirror", "s3://b/k")


def test_without_obstore_one_line_says_what_to_install(make: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(ConfigError, match=r"^s3://b/k: object stores need obstore: pip install 'crawld\[cloud\]'$"):
        export_folder(make([]), "csv", "s3://b/k")


def test_no_store_is_asked_for_parts_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    assert abort_uploads("s3://b/", "k") == abort_uploads("gs://b/", "k") == 0
