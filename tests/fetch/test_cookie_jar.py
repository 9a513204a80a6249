"""The cookies of a crawl belong to its program: read, set, saved, loaded, and kept for the next run if asked."""

from __future__ import annotations

import math
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import time
from typing import Any

import anyio
import pytest

import crawler
from crawler import ConfigError, CookieJar, Url
from crawler.fetch.cookies import Cookies
from crawler.fetch.setcookie import Cookie
from crawler.testing import Served, Site, Web, html, open_web
from crawler.testing.pages import Asked, Page
from crawler.testing.wire import Answer

QUICK: dict[str, Any] = {
    "allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.0, "cookies": True, "durability": "process",
}  # fmt: skip
HERE = "https://www.example.org/shop/x"


def jar() -> CookieJar:
    return CookieJar(Cookies())


@asynccontextmanager
async def served_site() -> AsyncIterator[Served]:
    def answer(asked: Asked) -> Answer:
        return Answer(200, (("Set-Cookie", "seen=1; Max-Age=1000"), ("Content-Type", "text/html")), b"<a href=/b>b</a>")

    async with open_web(Web([Site("a.test", {"/": Page(answer, links=("/b",)), "/b": html("B")})])) as served:
        yield served


def sent(served: Served) -> list[str]:
    return [hit.headers.get("cookie", "") for hit in served.of("a.test", robots=False)]


# -- in memory ---------------------------------------------------------------------------------------------------------


def test_cookies_are_set_read_deleted_and_cleared() -> None:
    cookies = jar()
    cookies.set("a", "1", HERE)
    cookies.set("b", "2", Url(HERE), domain=".Example.org", path="/shop")
    cookies.set("c", "3", "http://other.net/")
    assert [(one.name, one.value, one.domain, one.is_host_only, one.path, one.is_secure) for one in cookies] == [
        ("a", "1", "www.example.org", True, "/", True),
        ("b", "2", "example.org", False, "/shop", True),
        ("c", "3", "other.net", True, "/", False),
    ]
    assert (len(cookies), cookies.of(HERE), cookies.of("http://www.example.org/")) == (3, "b=2; a=1", "")
    cookies.set("a", "new", HERE)
    assert cookies.of(HERE) == "b=2; a=new"
    assert (cookies.delete("a", "example.org"), cookies.delete("a"), cookies.delete("a")) == (0, 1, 0)
    assert (cookies.clear("example.org"), len(cookies), cookies.clear(), len(cookies)) == (1, 1, 1, 0)


def test_a_cookie_may_come_before_tls_and_end() -> None:
    cookies = jar()
    cookies.set("open", "1", HERE, is_secure=False)
    cookies.set("ends", "1", HERE, expires=time() + 100)
    cookies.set("over", "1", HERE, expires=time() - 1)
    assert [(one.name, one.expires < math.inf) for one in cookies] == [("open", False), ("ends", True)]
    assert cookies.of("http://www.example.org/") == "open=1"
    cookies.set("ends", "", HERE, expires=0)
    assert len(cookies) == 1


@pytest.mark.parametrize(
    ("name", "value", "changes", "words"),
    [
        ("", "1", {}, "cannot be a cookie"),
        ("a=b", "1", {}, "cannot be a cookie"),
        ("a;b", "1", {}, "the name of a cookie cannot be 'a;b'"),
        ("a\n", "1", {}, "the name of a cookie cannot be"),
        ("a", "1\r\nX: y", {}, "the value of a cookie cannot be"),
        ("a", "1; b=2", {}, "the value of a cookie cannot be"),
        ("a", "x" * 4096, {}, "of 4096 bytes at most"),
        ("a", "1", {"path": "shop"}, "begins with a slash"),
        ("a", "1", {"path": "/a\tb"}, "the path of a cookie cannot be"),
        ("a", "1", {"domain": "other.net"}, "not one that www.example.org may set"),
        ("a", "1", {"domain": "org"}, "not one that www.example.org may set"),
        ("a", "1", {"domain": "shop.www.example.org"}, "not one that"),
    ],
)
def test_what_no_browser_would_keep_is_refused(name: str, value: str, changes: Any, words: str) -> None:
    cookies = jar()
    with pytest.raises(ValueError, match=words):
        cookies.set(name, value, HERE, **changes)
    assert len(cookies) == 0


# -- files -------------------------------------------------------------------------------------------------------------


async def test_what_is_saved_is_loaded_again_by_its_owner_alone(tmp_path: Path) -> None:
    cookies = jar()
    end = float(int(time()) + 1000)
    cookies.set("a", "1", HERE)
    cookies.set("b", 'grün "=x', "http://example.org/", domain="example.org", path="/p", expires=end)
    cookies.set("empty", "", "http://127.0.0.1:8080/")
    path = tmp_path / "cookies.txt"
    path.write_text("old")
    path.chmod(0o644)
    await cookies.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("# Netscape HTTP Cookie File\n")
    again = jar()
    assert await again.load(path) == 3
    assert [*again] == [*cookies]
    assert again.of("http://example.org/p/q") == 'b=grün "=x'


async def test_a_file_of_other_programs_is_read_with_its_oddities(tmp_path: Path) -> None:
    path = tmp_path / "cookies.txt"
    path.write_bytes(
        b"# HTTP Cookie File\r\n\r\n# a comment\r\n"
        b"#HttpOnly_.example.org\tTRUE\t/\tTRUE\t2000000000.5\tsid\tx y\r\n"
        b"www.example.org\tFALSE\t/\tFALSE\t0\tplain\t1\r\n"
        b"WWW.Example.org\tfalse\t/a\tfalse\t\tcut\r\n"
        b"example.org\tFALSE\t/\tFALSE\t1\tlong-over\t1\n"
        b".co.uk\tTRUE\t/\tFALSE\t0\tsuper\t1\n"
    )
    cookies = jar()
    assert await cookies.load(path) == 3
    assert [*cookies] == [
        Cookie("sid", "x y", "example.org", False, "/", True, 2000000000.5),
        Cookie("plain", "1", "www.example.org", True, "/", False, math.inf),
        Cookie("cut", "", "www.example.org", True, "/a", False, math.inf),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"cookies": []}', "line 1: has 1 field separated by tabs, and a line of a cookies.txt has 7"),
        ("# x\n\na.test TRUE / FALSE 0 a 1\n", "line 3: has 1 field"),
        ("a.test\tTRUE\t/\tFALSE\tsoon\ta\t1", "line 1: could not convert string to float"),
        ("a.test\tTRUE\t/\tFALSE\t0\t\t1", "line 1: '' with its value cannot be a cookie"),
        ("a b\tTRUE\t/\tFALSE\t0\ta\t1", "line 1: "),
        ("a.test/x?\tTRUE\t/\tFALSE\t0\ta\t1;2", "line 1: the value"),
        ("a.test\tTRUE\t/\tFALSE\tnan\ta\t1", "line 1: "),
    ],
)
async def test_a_file_that_is_none_is_refused_with_its_line_and_changes_nothing(
    text: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "cookies.txt"
    path.write_text(f"{text}\nb.test\tTRUE\t/\tFALSE\t0\tb\t1\n" if text.startswith("{") else text)
    cookies = jar()
    with pytest.raises(ConfigError, match=rf"cookies.txt, {words}"):
        await cookies.load(path)
    assert len(cookies) == 0


async def test_links_and_missing_files_are_os_errors(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(OSError, match="symbolic link"):
        await jar().save(tmp_path / "link")
    with pytest.raises(OSError, match="symbolic link"):
        await jar().load(tmp_path / "link")
    with pytest.raises(FileNotFoundError):
        await jar().load(tmp_path / "none")


# -- in a crawl --------------------------------------------------------------------------------------------------------


async def test_a_crawl_sends_what_the_program_sets_and_shows_what_sites_set() -> None:
    async with served_site() as served, crawler.open_crawl(**QUICK) as crawl:
        crawl.cookies.set("mine", "1", served.seeds[0])
        with anyio.fail_after(20):
            await crawl.run(served.seeds)
        assert sent(served) == ["mine=1", "mine=1; seen=1"]
        assert {one.name for one in crawl.cookies} == {"mine", "seen"}
        assert crawl.cookies.clear() == 2


async def test_crawls_that_share_parts_have_jars_of_their_own() -> None:
    async with (
        served_site() as served,
        crawler.open_shared(executor="inline") as shared,
        crawler.open_crawl(shared=shared, **QUICK) as one,
        crawler.open_crawl(shared=shared, **QUICK) as other,
    ):
        one.cookies.set("mine", "1", served.seeds[0])
        with anyio.fail_after(20):
            await other.run(served.seeds)
        assert (len(one.cookies), [cookie.name for cookie in other.cookies]) == (1, ["seen"])


async def test_a_crawl_without_cookies_says_what_to_do() -> None:
    async with crawler.open_crawl(executor="inline") as crawl:
        with pytest.raises(ConfigError, match=r"open it with cookies=True \(fetch.cookies\)"):
            _ = crawl.cookies

    class Mine:
        async def fetch(self, request: crawler.Request) -> crawler.Response:
            raise NotImplementedError

    async with crawler.open_crawl(executor="inline", cookies=True, fetcher=Mine()) as crawl:
        with pytest.raises(ConfigError, match="a fetcher of yours, which keeps its cookies itself"):
            _ = crawl.cookies
    async with crawler.open_crawl(executor="inline", cookies=True, fetcher=lambda inner: inner) as crawl:
        assert len(crawl.cookies) == 0


async def test_a_cookie_file_keeps_the_session_for_the_next_run(tmp_path: Path) -> None:
    kept = tmp_path / "c" / "cookies.txt"
    async with served_site() as served:
        with anyio.fail_after(20):
            await crawler.crawl(served.seeds, folder=tmp_path / "c", limit=1, cookie_file="cookies.txt", **QUICK)
            assert "\tseen\t1\n" in kept.read_text()
            assert stat.S_IMODE(kept.stat().st_mode) == 0o600
            await crawler.crawl((), folder=tmp_path / "c", limit=10)
        assert sent(served) == ["", "seen=1"]
        async with crawler.open_crawl(folder=tmp_path / "c") as crawl:
            assert [cookie.name for cookie in crawl.cookies] == ["seen"]


async def test_a_cookie_file_is_saved_amid_a_crawl_and_when_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.fetch.cookie_file.SAVE_EVERY_S", 0.001)
    kept = tmp_path / "cookies.txt"
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with crawler.open_crawl(executor="inline", cookies=True, cookie_file=str(kept)) as crawl:
            crawl.cookies.set("amid", "1", HERE)
            with anyio.fail_after(20):
                while "amid" not in kept.read_text():
                    await anyio.sleep(0.001)
            crawl.cookies.set("last", "1", HERE)
            raise ZeroDivisionError
    assert "last" in kept.read_text()


async def test_saves_at_the_same_moment_leave_one_whole_file(tmp_path: Path) -> None:
    kept = tmp_path / "cookies.txt"
    async with crawler.open_crawl(executor="inline", cookies=True) as crawl:
        crawl.cookies.set("one", "1", HERE)
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(crawl.cookies.save, kept)
    assert "one" in kept.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["cookies.txt"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"cookies": False, "cookie_file": "x.txt"}, "fetch.cookie_file needs fetch.cookies = true beside it"),
        ({"cookie_file": "none/x.txt"}, "fetch.cookie_file: .*x.txt: No such file"),
        ({"cookie_file": "bad.txt"}, "fetch.cookie_file: .*bad.txt, line 1: has 1 field"),
    ],
)
async def test_a_cookie_file_that_cannot_be_used_is_refused_when_the_crawl_is_opened(
    settings: Any, words: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.txt").write_text("nonsense")
    path = {"cookie_file": str(tmp_path / settings["cookie_file"])}
    with pytest.raises(ConfigError, match=words):
        async with crawler.open_crawl(**(QUICK | settings | path)):
            pass


async def test_a_cookie_file_is_not_kept_where_others_can_write(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    folder.mkdir(0o777)
    folder.chmod(0o777)
    with pytest.raises(crawler.FolderError, match="will hold secrets"):
        async with crawler.open_crawl(folder=folder, cookie_file="cookies.txt", **QUICK):
            pass


async def test_odd_values_survive_a_file(tmp_path: Path) -> None:
    """A tab, octets that are no UTF-8, white space of other scripts. A name with a tab has no place in the file."""
    before, after = Cookies(), Cookies()
    url = Url("https://a.test/")
    before.keep(url, ["a=1\t2", "b=caf\udce9", "c=\xa0x", "d\td=1"])
    await CookieJar(before).save(tmp_path / "cookies.txt")
    assert await CookieJar(after).load(tmp_path / "cookies.txt") == 3
    assert after.of(url) == "a=1\t2; b=caf\xe9; c=\xc2\xa0x"
