"""An offline copy: links lead to files, names are safe everywhere, nothing is there twice."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urljoin

import pytest

from crawler import ConfigError, FolderError, export_folder
from crawler.errors import ArchiveError
from tests.export.conftest import NAMES, WARC_FOLDER, MakeFolder, page
from tests.warc.samples import answer, members, question, record

A = "http://a.example"
PIXEL = b"\x89PNG\r\n\x1a\n pixel"
Held = bytes | str | tuple[bytes | str, str]


def captures(url: str, held: Held, status: str = "200 OK", *fields: str) -> list[bytes]:
    """Returns the records of one exchange: an answer with this body, HTML unless it says another type."""
    body, kind = held if isinstance(held, tuple) else (held, "text/html; charset=utf-8")
    data = body.encode() if isinstance(body, str) else body
    block = answer(data, status, f"Content-Type: {kind}", *fields)
    name = f"<urn:{url}>"
    return [record("response", block, url, Record_ID=name), record("request", question(), url, Concurrent_To=name)]


def moved(url: str, target: str) -> list[bytes]:
    return captures(url, "", "301 Moved", f"Location: {target}")


def copy(make: MakeFolder, pages: Mapping[str, Held], *more: bytes, seeds: tuple[str, ...] = (f"{A}/",)) -> Path:
    """Exports a folder that holds these pages; returns the copy."""
    records = [one for url, held in pages.items() for one in captures(url, held)]
    folder = make([page(seed, "Seed", depth=0) for seed in seeds], {NAMES[0]: [*records, *more]})
    place = folder.path.parent / "copy"
    export_folder(folder, "mirror", place)
    return place


def files(place: Path) -> set[str]:
    return {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}


def links(path: Path) -> list[str]:
    return re.findall(r"""(?:href|src|url)=["']?([^"'> ]+)""", path.read_text())


def test_links_lead_to_files_and_those_that_leave_the_copy_are_absolute(make: MakeFolder) -> None:
    place = copy(
        make,
        {
            f"{A}/": '<title>Home</title><a href="b/c?x=1#part">c</a><a href="missing">m</a><img src="/p.png">'
            '<a href="#here">h</a><a href="mailto:a@b">w</a><a href="//other.example/x">o</a>',
            f"{A}/b/c?x=1": '<a href="../">up</a><img src="../p.png">',
            f"{A}/p.png": (PIXEL, "image/png"),
        },
    )
    [inner] = [name for name in files(place) if "/b/" in name]
    assert re.fullmatch(r"a\.example/b/c-[0-9a-f]{8}\.html", inner)
    assert files(place) == {"index.html", "a.example/index.html", "a.example/p.png", inner}
    assert links(place / "a.example/index.html") == [
        f"b/{Path(inner).name}#part", f"{A}/missing", "p.png", "#here", "mailto:a@b", "http://other.example/x",
    ]  # fmt: skip
    assert links(place / inner) == ["../index.html", "../p.png"]
    assert links(place / "index.html") == ["a.example/index.html", "a.example/index.html"]
    assert (place / "a.example/p.png").read_bytes() == PIXEL


def test_every_place_of_a_link_is_rewritten(make: MakeFolder) -> None:
    styled = (
        '<base href="/deep/" target="_top"><meta http-equiv="refresh" content="9; URL=x.png">'
        '<meta http-equiv="Content-Security-Policy" content="img-src none">'
        '<link rel="stylesheet" href="/s.css" integrity="sha256-x" crossorigin>'
        "<noscript><img src='x.png'></noscript><img srcset='x.png 1x, y.png 2x,'><video poster=x.png></video>"
        '<i style="background: url(x.png)"></i><style>@import "/s.css"; b { c: url(x.png) }</style>'
        '<svg><image xlink:href="x.png"></image></svg><template><img src="x.png"></template>'
        '<img data-src=x.png data-srcset="x.png 2x"><div data-src=x.png></div>'
        '<iframe srcdoc="<img src=x.png>"></iframe><object data="x.png"></object><link rel=canonical href="c">'
    )
    style = '@charset "latin1"; @import url(/t.css); a { b: url( "deep/x.png" ), image-set("deep/x.png" 1x) }'
    picture = (PIXEL, "image/png")
    place = copy(
        make,
        {
            f"{A}/": styled, f"{A}/deep/x.png": picture, f"{A}/s.css": (style, "text/css"),
            f"{A}/t.css": ("i{}", "text/css"),
        },
    )  # fmt: skip
    text = (place / "a.example/index.html").read_text()
    assert text.startswith('<html><head><meta charset="utf-8"><base target="_top"><meta http-equiv="refresh"')
    assert "integrity" not in text
    assert "crossorigin" not in text
    assert "Content-Security-Policy" not in text
    assert text.count("deep/x.png") == 12
    assert '<div data-src="x.png">' in text
    assert f'<link rel="canonical" href="{A}/deep/c">' in text
    assert f"deep/x.png 1x, {A}/deep/y.png 2x" in text
    assert '<style>@import "s.css"; b { c: url("deep/x.png") }</style>' in text
    assert (place / "a.example/s.css").read_text() == (
        ' @import url("t.css"); a { b: url( "deep/x.png" ), image-set("deep/x.png" 1x) }'
    )


def test_a_redirect_is_resolved_to_where_it_ends(make: MakeFolder) -> None:
    hops = [*moved(f"{A}/old", "/older"), *moved(f"{A}/older", "/new#there"), *moved(f"{A}/loop", "/loop2")]
    hops += moved(f"{A}/loop2", "/loop")
    held: dict[str, Held] = {f"{A}/": '<a href="old#x"></a><a href="loop"></a>', f"{A}/new": "new"}
    place = copy(make, held, *hops)
    assert links(place / "a.example/index.html") == ["new.html#x", f"{A}/loop"]


def test_the_same_content_is_there_once_and_other_content_with_the_same_bytes_is_not(make: MakeFolder) -> None:
    same, near = '<a href="/to">same</a>', '<a href="to">near</a>'
    place = copy(
        make,
        {
            f"{A}/": '<a href="1"></a><a href="2"></a><img src=x.png><img src=y.png>', f"{A}/1": same, f"{A}/2": same,
            f"{A}/to": "to", f"{A}/d/3": near, f"{A}/e/4": near, f"{A}/e/to": "other",
            f"{A}/x.png": (PIXEL, "image/png"), f"{A}/y.png": (PIXEL, "image/png"),
        },
    )  # fmt: skip
    assert links(place / "a.example/index.html") == ["1.html", "1.html", "x.png", "x.png"]
    assert links(place / "a.example/d/3.html") == [f"{A}/d/to"]
    assert links(place / "a.example/e/4.html") == ["to.html"]
    assert not files(place) & {"a.example/2.html", "a.example/y.png"}


def test_a_copy_is_found_behind_a_revisit_and_what_no_get_brought_is_not_there(make: MakeFolder) -> None:
    body = answer(PIXEL, "200 OK", "Content-Type: image/png")
    told = {"Payload_Digest": "sha1:AAA"}
    more = [
        record("response", body, f"{A}/first.png", **told),
        record("revisit", b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n", f"{A}/second.png", **told),
        record("revisit", b"HTTP/1.1 200 OK\r\n\r\n", f"{A}/elsewhere.png", Payload_Digest="sha1:BBB"),
        record("response", answer(b"posted"), f"{A}/", Record_ID="<p>"),
        record("request", question(method="POST"), f"{A}/", Concurrent_To="<p>"),
        *captures(f"{A}/robots.txt", ("User-agent: *", "text/plain")),
        *captures(f"{A}/gone", "gone", "404 Not Found"),
    ]
    place = copy(make, {f"{A}/": "<img src=second.png><img src=elsewhere.png><a href=gone>"}, *more)
    assert links(place / "a.example/index.html") == ["first.png", f"{A}/elsewhere.png", f"{A}/gone"]
    assert files(place) == {"index.html", "a.example/index.html", "a.example/first.png"}


PATHS = [
    "/A", "/a", "/con", "/NUL.txt", "/com1/aux.png", "/trail.", "/trail%20", "/dots/../x", "/.hidden", "/a/b",
    "/%C3%A9t%C3%A9", "/e%CC%81t%C3%A9", "/%E6%97%A5%E6%9C%AC", "/%E6%9C%AC%E6%97%A5", f"/{'l' * 400}", "/a.html/c",
    f"/{'d/' * 200}x",
    "/q?a", "/q?b", "/colon:star*", "/back%5Cslash", "/%2e%2e/%2e%2e/etc/passwd", "/x%2F..%2F..%2Fy", "/dir/", "/dir",
    "/-rf", "/nul%00byte", "/index.html", "/wrong.png",
]  # fmt: skip


def test_names_are_safe_on_every_system_and_each_page_has_its_own(make: MakeFolder) -> None:
    hrefs = "".join(f'<a href="{path}">x</a>' for path in PATHS)
    held: dict[str, Held] = {f"{A}/": hrefs}
    held |= {urljoin(f"{A}/", path): f"page {number}" for number, path in enumerate(PATHS)}
    place = copy(make, held)
    found = files(place)
    assert len({name.lower() for name in found}) == len(found) == len(held) + 1
    folders = {parent.as_posix().lower() for name in found for parent in Path(name).parents}
    assert not folders & {name.lower() for name in found}
    for name in found:
        assert len(name) <= 200
        for part in name.split("/"):
            assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?<!\.)", part)
            assert part.split(".")[0].lower() not in {"con", "nul", "aux", "com1"}
    shown = [(place / "a.example" / unquote(link)).read_text() for link in links(place / "a.example/index.html")]
    assert [text.rpartition("page ")[2].partition("<")[0] for text in shown] == [str(n) for n in range(len(PATHS))]


def test_the_newest_capture_counts_in_whatever_file_it_stands(make: MakeFolder) -> None:
    def dated(year: int, body: str) -> bytes:
        return record("response", answer(body.encode()), f"{A}/", Date=f"{year}-01-01T00:00:00Z")

    folder = make([page(f"{A}/", depth=0)], {NAMES[0]: [dated(2026, "new")], NAMES[1]: [dated(2025, "old")]})
    export_folder(folder, "mirror", folder.path.parent / "copy")
    assert "new" in (folder.path.parent / "copy/a.example/index.html").read_text()


def test_an_encoding_is_kept_by_declaring_it(make: MakeFolder) -> None:
    zipped = gzip.compress("<title>caf\xe9</title>".encode("latin-1"))
    more = captures(f"{A}/z", (zipped, "text/html; charset=latin1"), "200 OK", "Content-Encoding: gzip")
    xhtml = '<html xmlns="http://www.w3.org/1999/xhtml"><head/><body><br/>\xe9</body></html>'
    held: dict[str, Held] = {
        f"{A}/": ("<meta charset=latin1><p>caf\xe9".encode("latin-1"), "text/html"),
        f"{A}/x": (xhtml, "application/xhtml+xml"),
        f"{A}/t": ("caf\xe9".encode("latin-1"), "text/plain; charset=latin1"),
        f"{A}/s.css": ('a::before{content:"\xe9"}', "text/css"),
    }  # fmt: skip
    place = copy(make, held, *more) / "a.example"
    assert '<meta charset="utf-8"></head><body><p>caf\xe9' in (place / "index.html").read_text()
    assert "<title>caf\xe9</title>" in (place / "z.html").read_text()
    assert (place / "x.xhtml").read_text() == xhtml
    assert (place / "t.txt").read_bytes() == "\ufeffcaf\xe9".encode()
    assert (place / "s.css").read_text() == '@charset "utf-8";a::before{content:"\xe9"}'


def test_the_first_page_lists_the_seeds(make: MakeFolder) -> None:
    held: dict[str, Held] = {f"{A}/": "a", "https://b.example:8443/x": "b"}
    place = copy(make, held, seeds=(*held, f"{A}/not-there"))
    assert links(place / "index.html") == ["a.example/index.html", "b.example_8443/x.html"]
    assert ">Seed</a>" in (place / "index.html").read_text()


def test_a_document_type_decides_how_a_page_is_laid_out_and_stays(make: MakeFolder) -> None:
    old = '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN"><title>x</title>'
    text = (copy(make, {f"{A}/": old}) / "a.example/index.html").read_text()
    assert text.startswith('<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN"><html>')


def test_a_copy_appears_whole_or_not_at_all(make: MakeFolder, tmp_path: Path) -> None:
    place = copy(make, {f"{A}/": "a"})
    folder = make()
    before = files(place)
    with pytest.raises(FolderError, match="copy is there already"):
        export_folder(folder, "mirror", place)
    assert files(place) == before
    (tmp_path / "late.new").mkdir()
    (tmp_path / "late.new" / "left by a kill").touch()
    export_folder(folder, "mirror", tmp_path / "late")
    assert files(tmp_path / "late") == before
    path = folder.path / WARC_FOLDER / NAMES[0]
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ArchiveError, match="cut short"):
        export_folder(folder, "mirror", tmp_path / "torn")
    assert {one.name for one in tmp_path.iterdir()} == {"a.crawl", "copy", "late"}


def test_what_cannot_be_copied_is_one_line(make: MakeFolder, tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="crawl with --warc"):
        export_folder(make([page(f"{A}/")]), "mirror", tmp_path / "copy")
    folder = make(archives={NAMES[0]: captures(f"{A}/p.png", (PIXEL, "image/png"))})
    with pytest.raises(FolderError, match="no page that could be shown"):
        export_folder(folder, "mirror", tmp_path / "copy")
    with pytest.raises(ConfigError, match="mirror is a folder"):
        export_folder(folder, "mirror", None)
    with pytest.raises(ConfigError, match="--fields"):
        export_folder(folder, "mirror", tmp_path / "copy", fields=["url"])
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FolderError, match="link is there already"):
        export_folder(folder, "mirror", tmp_path / "link")
    assert sorted(os.listdir(tmp_path)) == ["a.crawl", "link"]


def test_a_page_that_is_too_large_for_a_tree_is_kept_as_it_came(
    make: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.parse.rewriting.TREE_BYTES", 1000)
    text = "<a href=/>" * 20
    assert (copy(make, {f"{A}/": text}) / "a.example/index.html").read_text() == text


def test_unsettled_records_are_not_copied(make: MakeFolder) -> None:
    folder = make([page(f"{A}/", depth=0)], {NAMES[0]: captures(f"{A}/", "a")})
    open_name = f"{NAMES[1]}.open"
    (folder.path / WARC_FOLDER / open_name).write_bytes(members(captures(f"{A}/b", "b")) + b"\x1f\x8b torn")
    export_folder(folder, "mirror", folder.path.parent / "copy")
    assert files(folder.path.parent / "copy") == {"index.html", "a.example/index.html"}
