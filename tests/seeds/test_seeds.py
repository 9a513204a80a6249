"""Seeds: all the forms people keep lists in, read as a stream, and what unusable ones get."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.errors import SeedError, UrlError
from crawler.seeds import BadSeed, check, kind, parse, read

TWO = ["https://a.example/", "https://b.example/x,y?q=1"]


def _file(folder: Path, content: str | bytes, name: str = "urls.txt") -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def _texts(*sources: str) -> list[str]:
    return [url.text for url in read(sources)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("urls.txt", "https://a.example/\nhttps://b.example/x,y?q=1\n"),
        ("no_end.txt", "https://a.example/\nhttps://b.example/x,y?q=1"),
        ("crlf.txt", "https://a.example/\r\n\r\nhttps://b.example/x,y?q=1\r\n"),
        ("bom.txt", b"\xef\xbb\xbfhttps://a.example/\nhttps://b.example/x,y?q=1\n"),
        ("utf16.txt", "https://a.example/\nhttps://b.example/x,y?q=1\n".encode("utf-16")),
        ("comments.txt", "# mine\n\n  https://a.example/  # home\n#\nhttps://b.example/x,y?q=1\n"),
        ("bare.txt", "a.example\nb.example/x,y?q=1\n"),
        ("header.txt", "URL\nhttps://a.example/\nhttps://b.example/x,y?q=1\n"),
        ("tab.txt", "https://a.example/\tone\nhttps://b.example/x,y?q=1\ttwo\n"),
        ("list.tsv", "url\tname\nhttps://a.example/\tone\nhttps://b.example/x,y?q=1\ttwo\n"),
        ("list.csv", 'url,name\nhttps://a.example/,"one, 1"\n"https://b.example/x,y?q=1",two\n'),
        ("lines.csv", 'url,name\nhttps://a.example/,"one\nand a half"\n"https://b.example/x,y?q=1",two\n'),
        ("no_header.csv", 'https://a.example/,one\n"https://b.example/x,y?q=1",two\n'),
        ("third.csv", 'rank,name,URL\n1,one,https://a.example/\n2,two,"https://b.example/x,y?q=1"\n'),
        ("semicolon.csv", "name;url\none;https://a.example/\ntwo;https://b.example/x,y?q=1\n"),
        ("table.txt", 'url,name\nhttps://a.example/,one\n"https://b.example/x,y?q=1",two\n'),
        ("quoted.txt", '"https://a.example/"\n"https://b.example/x,y?q=1"\n'),
        ("zipped.gz", gzip.compress(b"https://a.example/\nhttps://b.example/x,y?q=1\n")),
        ("zipped.csv.gz", gzip.compress(b'https://a.example/,1\n"https://b.example/x,y?q=1",2\n')),
        ("zipped_without_saying.txt", gzip.compress(b"https://a.example/\nhttps://b.example/x,y?q=1\n")),
    ],
)
def test_a_list_is_read_in_every_form_people_keep_it(tmp_path: Path, name: str, content: str | bytes) -> None:
    source = _file(tmp_path, content, name)
    check([source], strict=True)
    assert _texts(source) == TWO


SITEMAP = b"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc> https://a.example/ </loc><image:image><image:loc>https://a.example/cat.png</image:loc></image:image></url>
<url><loc><![CDATA[https://b.example/x,y?q=1]]></loc><lastmod>2020-01-01</lastmod></url>
</urlset>"""


@pytest.mark.parametrize(
    "content",
    [SITEMAP, gzip.compress(SITEMAP), SITEMAP.replace(b"url>", b"sitemap>")],
    ids=["pages", "zipped", "sitemaps"],
)
def test_a_local_sitemap_names_its_locations(tmp_path: Path, content: bytes) -> None:
    assert _texts(_file(tmp_path, content, "sitemap.xml")) == TWO


def test_a_sitemap_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    bad: list[BadSeed] = []
    urls = list(read([_file(tmp_path, SITEMAP[:-40], "sitemap.xml")], bad.append))
    assert [url.text for url in urls] == TWO
    assert bad[0].why == "the XML ends too early"


def test_a_sitemap_cannot_blow_up(tmp_path: Path) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]><urlset>&b;</urlset>'
    with pytest.raises(SeedError, match="entities"):
        _texts(_file(tmp_path, bomb, "sitemap.xml"))


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("example.org", "https://example.org/"),
        ("Example.org/Path?q#f", "https://example.org/Path?q"),
        ("//example.org/x", "https://example.org/x"),
        ("HTTP://example.org", "http://example.org/"),
        ("http:/example.org", "http://example.org/"),
        ("bücher.example", "https://xn--bcher-kva.example/"),
        ("example.org:8080/x", "http://example.org:8080/x"),
        ("localhost", "http://localhost/"),
        ("127.0.0.1/x", "http://127.0.0.1/x"),
        ("[::1]:8080", "http://[::1]:8080/"),
    ],
)
def test_what_people_leave_out_is_put_in(text: str, url: str) -> None:
    assert parse(text).text == url


@pytest.mark.parametrize(
    "text", ["hello", "two words.", "1", "1.5", "mailto:a@b.example", "a@b.example", "ftp://a.example/", "http://"]
)
def test_what_is_no_seed_is_refused(text: str) -> None:
    with pytest.raises(UrlError):
        parse(text)


def test_unusable_lines_are_told_with_their_number_and_skipped(tmp_path: Path) -> None:
    source = _file(
        tmp_path, b"https://a.example/\n\nnonsense\n# fine\nftp://b.example/\n\x1b[31m\xff\nhttps://c.example/\n"
    )
    bad: list[BadSeed] = []
    assert [url.text for url in read([source], bad.append)] == ["https://a.example/", "https://c.example/"]
    assert [(seed.line, seed.text, seed.why) for seed in bad[:2]] == [
        (3, "nonsense", "neither a URL nor a host name"),
        (5, "ftp://b.example/", "not http or https"),
    ]
    assert str(bad[2]) == f"{source}:6: neither a URL nor a host name: '\\x1b[31m\ufffd'"
    check([source])
    with pytest.raises(SeedError, match=r"urls\.txt:3: neither"):
        check([source], strict=True)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", r"urls\.txt: empty$"),
        (b"\n\n# nothing\n", r"urls\.txt: no line that could be used as a seed$"),
        (b"one\ntwo\n", r"urls\.txt: no line that could be used as a seed, as in .*urls\.txt:\d: neither a URL"),
        (b"\x7fELF\0\0", r"urls\.txt: a binary file, not a list of URLs$"),
        (gzip.compress(b"PK\0\0"), r"urls\.txt: a binary file"),
        (gzip.compress(os.urandom(1 << 17).hex().encode())[:-20000], r"urls\.txt: damaged gzip file"),
        (b"\x1f\x8bnonsense", r"urls\.txt: damaged gzip file"),
    ],
)
def test_a_file_without_a_seed_is_told_in_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(SeedError, match=told) as error:
        check([_file(tmp_path, content)])
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    _file(tmp_path, "a.example\n")
    with pytest.raises(SeedError, match=r"ulrs\.txt: no such file; did you mean .*urls\.txt\?"):
        check([str(tmp_path / "ulrs.txt")])
    with pytest.raises(SeedError, match="nowhere: no such file; for a web site, write https://"):
        check(["nowhere"])
    with pytest.raises(SeedError, match="a directory"):
        check([str(tmp_path)])
    with pytest.raises(SeedError, match="not http or https"):
        check(["ftp://a.example/"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    source = _file(tmp_path, "a.example\n")
    os.chmod(source, 0)
    with pytest.raises(SeedError, match="Permission denied"):
        check([source])


def test_a_word_is_a_file_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert kind("example.org") == "url"
    assert kind("example.co.uk/sitemap.xml") == "url"
    assert kind("bücher.de") == "url"
    assert kind("localhost:8000") == "url"
    assert kind("http://intranet.local/") == "url"
    for name in ("urls.txt", "urls.text", "seeds", "data/urls.csv.gz", "../x", "intranet.local"):
        assert kind(name) == "file"
    assert kind("-") == "stdin"
    _file(tmp_path, "a.example\n", "example.org")
    assert kind("example.org") == "file"


def test_sources_follow_one_another(tmp_path: Path) -> None:
    first, second = _file(tmp_path, "a.example\n", "1.txt"), _file(tmp_path, "# none\n", "2.txt")
    assert _texts(first, second, "https://b.example/x,y?q=1") == TWO
    with pytest.raises(SeedError, match=r"2\.txt: no line that could"):
        check([first, second])


def test_standard_input_is_read_as_it_comes() -> None:
    """The reader gives the first seed while the writer still holds its end open."""
    program = "from crawler.seeds import read\nfor url in read(['-']): print(url, flush=True)"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"a.example\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"https://a.example/\n"
        rest, _ = child.communicate(b"b.example\n")
        assert rest == b"https://b.example/\n"


def _through_a_pipe(folder: Path, lines: Iterator[bytes]) -> tuple[int, int]:
    """How many seeds came out of a pipe, and the most memory it took to read them."""
    pipe = folder / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("wb") as file:
            file.writelines(lines)

    writer = threading.Thread(target=write)
    writer.start()
    check([str(pipe)])
    tracemalloc.start()
    try:
        count = sum(1 for _ in read([str(pipe)]))
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        writer.join()


@pytest.mark.slow
def test_a_long_list_never_stands_in_memory(tmp_path: Path) -> None:
    count, peak = _through_a_pipe(tmp_path, (b"https://example.org/page/%d\n" % number for number in range(100_000)))
    assert count == 100_000
    assert peak < 1 << 20


def test_a_line_without_an_end_never_stands_in_memory(tmp_path: Path) -> None:
    lines = (b"x" * 65536 for _ in range(500))
    count, peak = _through_a_pipe(tmp_path, iter([b"a.example\n", *lines, b"\nb.example\n"]))
    assert count == 2
    assert peak < 4 << 20


def test_a_word_that_is_too_long_for_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match="File name too long"):
        list(read([f"{tmp_path}/" + "x" * 5000]))
