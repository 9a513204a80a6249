"""Kinds that packages add: named in the settings, loaded when they are, and blamed by name when they are wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

import crawler
from crawler import Config, ConfigError
from crawler.assembly import kinds
from crawler.fetch import HttpFetcher
from crawler.folder.folder import open_folder
from crawler.settings import SinkConfig
from crawler.settings.loading import amend, load, mask_value
from crawler.settings.toml import to_toml
from crawler.sinks import make_outputs
from crawler.testing import Site, Web, html, open_web

from .package import DOCUMENT, blocks, install

QUICK: dict[str, Any] = {"delay_s": 0, "allow_networks": ["127.0.0.0/8"], "executor": "inline", "durability": "process"}
PAGES = {"/": html("A", ["/b", "/c"]), "/b": html("B"), "/c": html("C")}


def rows(path: Path) -> list[tuple[str, ...]]:
    return sorted(tuple(line.split("\t")) for line in path.read_text().splitlines())


async def test_the_format_of_the_document_is_written_cut_back_and_continued(tmp_path: Path, tsv: Path) -> None:
    (tmp_path / "crawl.toml").write_text(blocks()["crawl.toml"])
    config = load(tmp_path / "crawl.toml", settings=QUICK)
    folder = tmp_path / "c"
    async with open_web(Web([Site("a.test", PAGES)])) as served:
        await crawler.crawl(served.seeds, config, folder=folder, limit=1)
        assert rows(folder / "titles.tsv") == [(served.seeds[0], "A")]
        with (folder / "titles.tsv").open("a") as file:
            file.write("http://a.te")  # torn by a kill
        summary = await crawler.crawl((), folder=folder, limit=10)
    written = rows(folder / "titles.tsv")
    assert [title for _, title in written] == ["A", "B", "C"]
    records = [json.loads(line) for line in (folder / "pages.jsonl").read_text().splitlines()]
    assert [(record["url"], record["title"]) for record in records] == [
        tuple(line.split("\t")) for line in (folder / "titles.tsv").read_text().splitlines()
    ]
    assert summary.counts.settled == {"fetched": 3}


def test_a_folder_keeps_what_a_package_was_told(tmp_path: Path, tsv: Path) -> None:
    told = {"sinks": [{"kind": "tsv", "options": {"columns": ["url"], "more": {"a": [1, 2.5, "b'c", True]}}}]}
    with open_folder(tmp_path / "c", amend(Config(), told)):
        pass
    with open_folder(tmp_path / "c", Config()) as folder:
        (sink,) = folder.config.sinks
        assert (sink.kind, sink.path, sink.options) == ("tsv", "", told["sinks"][0]["options"])
        assert [output.files for output in folder.outputs] == [("pages.tsv",)]


def test_what_a_package_refuses_is_said_with_its_name(tsv: Path, tmp_path: Path) -> None:
    config = amend(Config(), {"sinks": [{}, {"kind": "tsv", "options": {"columns": ["ulr"]}}]})
    with pytest.raises(ConfigError) as refused:
        make_outputs(tmp_path, config)
    assert str(refused.value) == (
        "sinks.1: the package crawld-tsv refuses it: columns: there is no 'ulr', only url, disposition, title"
    )
    assert refused.value.places == ("sinks.1",)


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        (
            {"sinks": [{"kind": "jsnl"}]},
            "sinks.0.kind: 'jsnl': no such kind; did you mean jsonl? "
            "Known are: csv, files, jsonl, parquet, postgres, sqlite, tsv, warc, webhook",
        ),
        (
            {"sinks": [{"kind": "x"}]},
            "sinks.0.kind: 'x': no such kind. "
            "Known are: csv, files, jsonl, parquet, postgres, sqlite, tsv, warc, webhook",
        ),
        ({"fetcher_kind": "htpp"}, "fetch.fetcher_kind: 'htpp': no such kind; did you mean http? Known are: http"),
        ({"frontier.kind": "redis"}, "frontier.kind: 'redis': no such kind. Known are: engine, memory, sqlite"),
        ({"sinks": [{"options": {"a": 1}}]}, "sinks.0.kind: 'jsonl' is built in and takes no options: a"),
        ({"fetcher_options": {"a": 1}}, "fetch.fetcher_kind: 'http' is built in and takes no options: a"),
        ({"store_options": {"a": 1}}, "frontier.kind: 'sqlite' is built in and takes no options: a"),
    ],
)
async def test_an_unknown_kind_names_those_that_there_are(
    tmp_path: Path, tsv: Path, chosen: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        async with crawler.open_crawl(amend(Config(), QUICK | chosen), folder=tmp_path / "c"):
            pass
    assert str(refused.value) == told
    with pytest.raises(ConfigError):
        kinds.check(amend(Config(), chosen))


WRONG = {
    "not there": ("crawld_wrong:Missing", "cannot be loaded (crawld_wrong:Missing): AttributeError: "),
    "no import": ("crawld_gone:Made", "cannot be loaded (crawld_gone:Made): ModuleNotFoundError: No module named "),
    "no call": ("crawld_wrong:NUMBER", "names what cannot be called: crawld_wrong:NUMBER"),
    "no arguments": ("crawld_wrong:Alone", "refuses it: TypeError: "),
    "no shape": ("crawld_wrong:Shapeless", "made an object without place, drafts, reader, mender, open (Output)"),
    "own file": ("crawld_wrong:Lock", "refuses it: should not be like lock, which the crawl writes itself"),
}
MODULE = """
NUMBER = 1
class Alone:
    pass
class Shapeless:
    name, files = "x", ()
    def __init__(self, folder, config):
        pass
class Lock(Shapeless):
    place, drafts, reader, mender, open = "", ("lock",), None, None, None
"""


@pytest.mark.parametrize("case", WRONG)
def test_a_package_that_is_wrong_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    entry, told = WRONG[case]
    install(tmp_path, "crawld-wrong", "crawld.sinks", {"wrong": entry}, MODULE)
    (tmp_path / "crawld_wrong.py").write_text(MODULE)
    (tmp_path / "crawld_gone.py").unlink(missing_ok=True)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError) as refused:
        make_outputs(tmp_path, amend(Config(), {"sinks": [{"kind": "wrong"}]}))
    sys.modules.pop("crawld_wrong", None)
    assert f"the package crawld-wrong {told}" in str(refused.value)
    assert "\n" not in str(refused.value)


WATCHING = """
from contextlib import asynccontextmanager
from crawld_tsv import TsvOutput, TsvSink
class Watching(TsvSink):
    async def observe(self, response):
        self._append(f"asked {response.url.text}\\n".encode())
class WatchingOutput(TsvOutput):
    @asynccontextmanager
    async def open(self, *, is_synced):
        with open(self._path, "ab", buffering=0) as file:
            yield Watching(self.name, file, self._columns, is_synced)
class Nameless(TsvOutput):
    @asynccontextmanager
    async def open(self, *, is_synced):
        yield object()
class Renamed(TsvOutput):
    @asynccontextmanager
    async def open(self, *, is_synced):
        yield TsvSink("other", None, (), is_synced)
"""


async def test_an_output_of_a_package_may_observe_robots_txt_and_opens_a_sink_of_its_name(
    tmp_path: Path, tsv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = {kind: f"crawld_watching:{name}" for kind, name in
               (("watching", "WatchingOutput"), ("nameless", "Nameless"), ("renamed", "Renamed"))}  # fmt: skip
    install(tmp_path / "site", "crawld-watching", "crawld.sinks", entries, WATCHING)
    monkeypatch.syspath_prepend(tmp_path / "site")
    async with open_web(Web([Site("a.test", PAGES)])) as served:
        config = amend(Config(), QUICK | {"sinks": [{"kind": "watching", "options": {"columns": ["url"]}}]})
        await crawler.crawl(served.seeds, config, folder=tmp_path / "c")
    lines = (tmp_path / "c" / "pages.tsv").read_text().splitlines()
    assert lines[:2] == [f"asked {served.seeds[0]}robots.txt", served.seeds[0]]
    for kind, told in (
        ("nameless", "sinks: the output 'tsv:pages.tsv' made an object without name, rewind, write (Sink)"),
        ("renamed", "sinks: the output 'tsv:pages.tsv' opened a sink with another name, 'other'"),
    ):
        with pytest.raises(ConfigError) as refused:
            async with crawler.open_crawl(amend(Config(), {"sinks": [{"kind": kind}]}), folder=tmp_path / kind):
                pass
        assert str(refused.value) == told
    sys.modules.pop("crawld_watching", None)


def test_two_packages_with_one_kind_are_both_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        install(tmp_path / name, f"crawld-{name}", "crawld.sinks", {"same": "crawld_same:Made"}, "Made = dict\n")
        monkeypatch.syspath_prepend(tmp_path / name)
    with pytest.raises(ConfigError, match="'same': more than one package adds it: crawld-one, crawld-two"):
        make_outputs(tmp_path, amend(Config(), {"sinks": [{"kind": "same"}]}))


def test_a_package_cannot_replace_what_is_built_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "crawld-thief", "crawld.sinks", {"jsonl": "crawld_thief:Made"}, "raise SystemError\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert [output.name for output in make_outputs(tmp_path, Config())] == ["jsonl:pages.jsonl"]


def test_two_outputs_share_no_file(tmp_path: Path, tsv: Path) -> None:
    for pair in ([{"path": "pages.tsv"}, {"kind": "tsv"}], [{"path": "Pages.TSV"}, {"kind": "tsv"}]):
        with pytest.raises(ConfigError, match=r"two of them should not write the same file: 'pages\.tsv'"):
            make_outputs(tmp_path, amend(Config(), {"sinks": pair}))
    with pytest.raises(ConfigError, match=r"two of them have the name 'tsv:pages\.tsv'"):
        make_outputs(tmp_path, amend(Config(), {"sinks": [{"kind": "tsv"}, {"kind": "tsv"}]}))


async def test_the_fetcher_of_the_document_stands_around_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    entries = {"slow": "crawld_slow:open_slow"}
    install(tmp_path, "crawld-slow", "crawld.fetchers", entries, blocks()["crawld_slow.py"])
    monkeypatch.syspath_prepend(tmp_path)
    chosen: dict[str, Any] = {"fetcher_kind": "slow", "fetcher_options": {"above_s": 0.0}}
    async with open_web(Web([Site("a.test", PAGES)])) as served, crawler.open_crawl(**QUICK, **chosen) as crawl:
        summary = await crawl.run(served.seeds)
        await crawl.change(per_ip=3)
        assert crawl._works.http is not None
        assert isinstance(crawl._works.http, HttpFetcher)
        assert crawl._works.http.gates.per_address == 3
    assert summary.pages == 3
    slow = [record.getMessage() for record in caplog.records if record.name == "crawld_slow"]
    assert len(slow) == 4  # robots.txt, too
    sys.modules.pop("crawld_slow", None)


FRONTIER = """
from contextlib import asynccontextmanager
from crawler.frontier import open_memory
def open_theirs(folder, config, terms):
    if "url" not in config.store_options:
        raise ValueError("store_options: url is missing")
    return open_memory(terms)
@asynccontextmanager
async def open_half(folder, config, terms):
    yield object()
"""


async def test_a_frontier_of_a_package_is_opened_in_place_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = {"theirs": "crawld_theirs:open_theirs", "half": "crawld_theirs:open_half"}
    install(tmp_path, "crawld-theirs", "crawld.frontiers", entries, FRONTIER)
    monkeypatch.syspath_prepend(tmp_path)
    chosen: dict[str, Any] = {"frontier.kind": "theirs", "store_options": {"url": "x"}}
    async with open_web(Web([Site("a.test", PAGES)])) as served:
        summary = await crawler.crawl(served.seeds, amend(Config(), QUICK | chosen), folder=tmp_path / "c")
    assert summary.pages == 3
    assert not (tmp_path / "c" / "frontier.sqlite").exists()
    for chosen, told in (
        ({"frontier.kind": "theirs"}, "the package crawld-theirs refuses it: store_options: url is missing"),
        ({"frontier.kind": "half"}, "the package crawld-theirs made an object without add, revisit, lease, "),
    ):
        with pytest.raises(ConfigError) as refused:
            async with crawler.open_crawl(amend(Config(), QUICK | chosen)):
                pass
        assert told in str(refused.value)
    sys.modules.pop("crawld_theirs", None)


def test_what_a_package_is_told_is_never_shown(tsv: Path) -> None:
    told = {"sinks": [{"kind": "tsv", "options": {"password": "geheim"}}], "fetcher_options": {"password": "geheim"}}
    config = amend(Config(), told)
    assert mask_value("fetch.fetcher_options", {"password": "geheim"}) == "(not shown)"
    (shown,) = cast("tuple[SinkConfig]", mask_value("sinks", config.sinks))
    assert (shown.kind, shown.options) == ("tsv", {"password": "(not shown)"})
    with pytest.raises(ConfigError) as refused:
        amend(Config(), {"sinks": [{"kind": "tsv", "options": [["geheim"]]}], "fetcher_options": "geheim"})
    assert "geheim" not in str(refused.value)
    with pytest.raises(ConfigError, match="sinks: two sinks should not write the same file") as refused:
        amend(Config(), {"sinks": [{"kind": "a", "path": "x", "options": {"b": "geheim"}}, {"kind": "c", "path": "x"}]})
    assert "geheim" not in str(refused.value)
    assert "geheim" in to_toml(config)  # the folder's own file, which only its owner can read


@pytest.mark.slow
def test_no_package_is_looked_for_where_no_setting_names_one(tmp_path: Path) -> None:
    install(tmp_path, "crawld-loud", "crawld.sinks", {"loud": "crawld_loud:Made"}, "raise SystemError\n")
    script = (
        "import asyncio, sys; sys.path.insert(0, sys.argv[1])\n"
        "import crawler; from crawler.settings import kinds as room\n"
        "def refuse(*args, **more): raise AssertionError('looked through all packages')\n"
        "room.entry_points = refuse\n"
        "from crawler.assembly import kinds\n"
        "kinds.check(crawler.Config())\n"
        "async def main():\n"
        "    async with crawler.open_crawl(folder=sys.argv[2], executor='inline'): pass\n"
        "asyncio.run(main())\n"
        "print('crawld_loud' in sys.modules)"
    )
    command = [sys.executable, "-c", script, str(tmp_path), str(tmp_path / "c")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_the_document_names_every_group_and_every_kind() -> None:
    text = DOCUMENT.read_text("utf-8")
    for table in (kinds.SINKS, kinds.FETCHERS, kinds.FRONTIERS):
        assert f"`{table.group}`" in text
        for kind in table.built_in:
            assert f"`{kind}`" in text
