"""Lists in XML that is not well-formed: nothing is lost before the fault, at it or after it, and it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawler.errors import SeedError

from .got import got

FEW = [f"http://h.example/{n}" for n in range(3)]
MANY = [f"http://h.example/page/{n}/{'x' * 60}" for n in range(4000)]
FAULTS = {
    "a raw ampersand": ("<{0}>http://h.example/?a=1&b=2</{0}>", "http://h.example/?a=1&b=2"),
    "an entity of HTML": ("<{0}>http://h.example/caf&eacute;</{0}>", "http://h.example/caf%C3%A9"),
    "a control character": ("<{0}>http://h.example/\x08b</{0}>", "http://h.example/b"),
    "an attribute without quotes": ("<{0} a=b>http://h.example/c</{0}>", "http://h.example/c"),
    "a CDATA section before the fault": (
        "<{0}><![CDATA[http://h.example/d?e=1&f]]></{0}>&",
        "http://h.example/d?e=1&f",
    ),
}


def sitemap(urls: list[str], odd: str) -> str:
    entries = [f"<url><loc>{url}</loc></url>\n" for url in urls]
    middle = len(entries) // 2
    inside = "".join([*entries[:middle], f"<url>{odd}</url>\n", *entries[middle:]])
    return f"<?xml version='1.0'?>\n<urlset>\n{inside}</urlset>"


@pytest.mark.parametrize("urls", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize(("odd", "found"), FAULTS.values(), ids=FAULTS)
def test_a_fault_loses_no_entry(tmp_path: Path, odd: str, found: str, urls: list[str]) -> None:
    read = got(tmp_path, sitemap(urls, odd.format("loc")), "sitemap.xml")
    middle = len(urls) // 2
    assert read.urls == [*urls[:middle], found, *urls[middle:]]
    assert read.bad == [(middle + 3, "the XML has a fault here, and was read on as browsers do")]
    assert read.told == [f"sitemap.xml: a sitemap, {len(urls) + 1:,} URLs, 1 unusable line"]


def test_outlines_and_feeds_are_read_on_too(tmp_path: Path) -> None:
    outlines = '<opml><body><outline text="a & b" xmlUrl="http://h.example/1"><outline url="http://h.example/2?a&b"/></outline>'
    assert got(tmp_path, f"{outlines}</body></opml>", "feeds.opml").urls == [
        "http://h.example/1",
        "http://h.example/2?a&b",
    ]
    items = "<item><title>A & B</title><link>http://h.example/1</link></item><item><link>http://h.example/2</item>"
    assert got(tmp_path, f"<rss><channel>{items}</channel></rss>", "feed.xml").urls == FEW[1:]
    entries = (
        "<entry><title>A&nbsp;B</title><link href='http://h.example/1'></entry><entry><link href='http://h.example/2'/>"
    )
    assert got(tmp_path, f"<feed>{entries}</entry></feed>", "atom.xml").urls == FEW[1:]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-15"])
def test_a_faulty_list_is_read_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    text = f"<?xml version='1.0' encoding='{declared}'?><urlset><url><loc>http://h.example/é</loc></url>&<url><loc>http://h.example/ü</loc>"
    assert got(tmp_path, text.encode(encoding), "sitemap.xml").urls == [
        "http://h.example/%C3%A9",
        "http://h.example/%C3%BC",
    ]


def test_a_list_that_ends_too_early_gives_what_there_is(tmp_path: Path) -> None:
    read = got(
        tmp_path, f"<urlset><url><loc>{FEW[0]}</loc></url><url><loc>{FEW[1]}</loc></url><url><loc>http://h.ex", "s.xml"
    )
    assert read.urls == FEW[:2]
    assert read.bad == [(1, "the XML ends too early")]


def test_entities_are_refused_wherever_they_stand(tmp_path: Path) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaa">]><urlset>&a;</urlset>'
    with pytest.raises(SeedError, match="must not declare entities"):
        got(tmp_path, bomb, "sitemap.xml")


def test_a_tag_without_end_is_not_kept_in_memory(tmp_path: Path) -> None:
    endless = f"<urlset><url><loc>{FEW[0]}</loc></url><x " + "a" * (3 << 20)
    read = got(tmp_path, endless, "sitemap.xml")
    assert read.urls == FEW[:1]
    assert [why for _, why in read.bad] == ["a tag is longer than 1 MiB, so the rest was not read"]


def test_a_list_that_is_nested_without_end_is_read_up_to_there(tmp_path: Path) -> None:
    for fault in ("", "&"):
        read = got(tmp_path, f"<urlset><url><loc>{FEW[0]}</loc></url>{fault}" + "<x>" * 5000, "sitemap.xml")
        assert read.urls == FEW[:1]
        assert read.bad[-1][1] == "elements are nested deeper than 256, so the rest was not read"
