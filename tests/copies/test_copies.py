"""Files of a crawl are in the store once each, whole, also after kills: tried against a server that speaks S3."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest

from crawler import Config, ConfigError, SinkConfig, SinkError, crawl
from crawler.copies.ledger import LEDGER, Ledger
from crawler.settings import CopiesConfig
from crawler.testing import Site, Web, html, open_web
from crawler.testing.process import open_web_process
from tests.remote.s3 import BUCKET, environment, get, objects, pending, server, store

pytest.importorskip("obstore", reason="the extra `cloud` is not installed")

__all__ = ["server", "store"]
STORE = f"s3://{BUCKET}"
TO = f"{STORE}/shop"
CRAWL = Path(sys.executable).with_name("crawl")


def web(pages: int) -> Web:
    links = tuple(f"/{n}" for n in range(pages))
    return Web([Site("a.test", {"/": html("Home", links=links), **{path: html(f"Page {path}") for path in links}})])


def copied(store: str, place: str) -> dict[str, bytes]:
    prefix = f"{place}/"
    names = [name for name in objects(store) if name.startswith(prefix)]
    return {name.removeprefix(prefix): get(store, name) for name in names}


def kept(folder: Path) -> dict[str, bytes]:
    found = [folder / "pages.jsonl", *folder.glob("warc/*.warc.gz"), *folder.glob("table/part-*.parquet")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.exists()}


async def test_all_finished_files_are_copied_and_a_growing_one_again_when_it_grew(store: str, tmp_path: Path) -> None:
    sinks = (SinkConfig(), SinkConfig(kind="warc"), SinkConfig(kind="csv", path="pages.csv"))
    config = Config(
        delay_s=0,
        allow_networks=("127.0.0.0/8",),
        executor="inline",
        sinks=sinks,
        copies=CopiesConfig(to=f"{STORE}/grown"),
    )
    async with open_web(web(6)) as served:
        with anyio.fail_after(30):
            await crawl(served.seeds, folder=tmp_path / "c", limit=3, config=config)
            first = copied(store, "grown")
            await crawl((), folder=tmp_path / "c", limit=100)
    files = kept(tmp_path / "c") | {"pages.csv": (tmp_path / "c" / "pages.csv").read_bytes()}
    assert copied(store, "grown") == files
    assert len([name for name in files if name.startswith("warc/")]) == 2
    assert first.keys() < files.keys()
    assert files["pages.jsonl"].startswith(first["pages.jsonl"])
    assert len(first["pages.jsonl"]) < len(files["pages.jsonl"])
    assert pending(store) == []


async def test_a_place_that_cannot_be_used_is_told_before_anything_is_fetched(store: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[copies\] to = .* should be like s3://bucket/folder"):
        Config(copies={"to": "ftp://a/b"})
    config = Config(executor="inline", copies=CopiesConfig(to="s3://none/shop"))
    async with open_web(web(1)) as served:
        with pytest.raises(SinkError, match="there is no bucket none"):
            await crawl(served.seeds, folder=tmp_path / "c", config=config)
        assert served.hits == []


async def test_outputs_without_such_files_are_told(store: str, tmp_path: Path) -> None:
    config = Config(sinks=(SinkConfig(kind="files"),), copies=CopiesConfig(to=TO), executor="inline")
    with pytest.raises(ConfigError, match="no output of this crawl has files that can be copied"):
        await crawl(["http://a.test/"], folder=tmp_path / "c", config=config)


def test_a_ledger_believes_whole_lines_of_the_same_place_alone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / LEDGER, TO)
    ledger.note("a", 1)
    ledger.note("b", 2)
    path = tmp_path / LEDGER
    path.write_bytes(path.read_bytes()[:-3])
    again = Ledger(path, TO)
    again.load()
    assert (again.has("a", 1), again.has("a", 2), again.has("b", 2)) == (True, False, False)
    again.note("c", 3)
    for place, has in ((TO, True), ("s3://other/place", False)):
        other = Ledger(path, place)
        other.load()
        assert other.has("c", 3) is has


@pytest.mark.long
async def test_a_crawl_that_is_killed_again_and_again_leaves_each_file_once_and_whole(
    server: str, tmp_path: Path
) -> None:
    folder = tmp_path / "c"
    async with open_web_process("--sites", "4", "--pages", "60", "--bytes", "20000", "--print-seeds") as seeds:
        command = [
            str(CRAWL), *seeds, "-o", str(folder), "--warc", "--copy-to", f"{STORE}/killed", "--delay", "0.01", "-q",
            "--allow-network", "127.0.0.0/8", "--set", "warc.max_file_bytes=65536",
        ]  # fmt: skip
        env = os.environ | environment(server)
        for round_ in range(4):
            process = await anyio.open_process(command, env=env, start_new_session=True)
            with anyio.move_on_after(20):
                begun = len(list(folder.glob("warc/*")))
                while len(list(folder.glob("warc/*"))) < begun + 2 + round_ % 2:
                    await anyio.sleep(0.02)
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        ended = await anyio.run_process(command, env=env, check=False, stderr=subprocess.PIPE)
    assert (ended.returncode, ended.stderr) == (0, b"")
    files = kept(folder)
    assert copied(server, "killed") == files
    assert len([name for name in files if name.startswith("warc/")]) > 8
    assert pending(server) == []
    urls = [json.loads(line)["url"] for line in files["pages.jsonl"].splitlines()]
    assert len(urls) == len(set(urls)) == 240


@pytest.mark.slow
async def test_a_run_that_is_stopped_copies_no_more_and_the_next_one_copies_all(server: str, tmp_path: Path) -> None:
    env = os.environ | environment(server)
    async with open_web(web(30)) as served:
        base = [
            str(CRAWL), *served.seeds, "-o", str(tmp_path / "c"), "--copy-to", f"{STORE}/stopped", "--delay", "0.1",
            "-q", "--allow-network", "127.0.0.0/8",
        ]  # fmt: skip
        process = await anyio.open_process(base, env=env, stderr=subprocess.PIPE)
        while not (tmp_path / "c" / "pages.jsonl").exists():
            await anyio.sleep(0.02)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        await process.wait()
        assert time.monotonic() - began < 30
        assert not (tmp_path / "c" / LEDGER).exists()
        ended = await anyio.run_process(base, env=env, check=False, stderr=subprocess.PIPE)
        assert (ended.returncode, ended.stderr) == (0, b"")
    assert copied(server, "stopped") == kept(tmp_path / "c")


@pytest.mark.slow
def test_a_store_is_no_place_for_a_crawl_folder(tmp_path: Path) -> None:
    ran = subprocess.run(
        [str(CRAWL), "http://127.0.0.1:9/", "-o", "s3://bucket/shop"], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 2
    assert "--copy-to" in ran.stderr
    assert list(tmp_path.iterdir()) == []
