"""Metadata and structured data of pages: each statement is found where its standard has it."""

from __future__ import annotations

import pytest
import turbohtml

from crawler.parse import embedded, language, metadata
from crawler.parse.moments import read_moment

BASE = "https://example.org/news/harbour"


def read(markup: str, url: str = BASE, text: str = "") -> dict[str, object]:
    document = turbohtml.parse(markup)
    return metadata.read(document, embedded.read(document), url, text)


def ld(json: str) -> str:
    return f'<script type="application/ld+json">{json}</script>'


def meta(name: str, content: str) -> str:
    return f'<meta property="{name}" content="{content}">'


@pytest.mark.parametrize(
    ("markup", "field", "expected"),
    [
        ("<title>T - Site</title><h1>Heading</h1>" + meta("og:title", "OG"), "title", "Heading"),
        ("<h1>One</h1><h1>Two</h1>" + meta("og:title", "OG"), "title", "OG"),
        ("<h1>One</h1><h1>Two</h1>" + ld('{"@type":"Article","headline":"H"}'), "title", "H"),
        ("<title>Only\n this</title>", "title", "Only this"),
        (ld('{"author":[{"@type":"Person","name":"Ada"},{"name":"Bo"}]}'), "authors", ["Ada", "Bo"]),
        (ld('{"author":"Ada"}') + meta("author", "Ada"), "authors", ["Ada"]),
        (meta("article:author", "https://example.org/ada"), "authors", []),
        ("<a rel=author href=/ada>Ada</a>", "authors", ["Ada"]),
        (meta("article:published_time", "2026-05-04T10:00:00+02:00"), "published", "2026-05-04T10:00:00+02:00"),
        (ld('{"@graph":[{"datePublished":"2026-05-04"}]}'), "published", "2026-05-04"),
        ("<main><time datetime='2026-05-04T09:00Z'>May</time></main>", "published", "2026-05-04T09:00:00+00:00"),
        ("<link rel=canonical href=/2026/05/04/harbour>", "published", "2026-05-04"),
        ("<p>Nothing of the kind", "published", None),
        (ld('{"dateModified":"Mon, 04 May 2026 10:00:00 GMT"}'), "modified", "2026-05-04T10:00:00+00:00"),
        (meta("article:modified_time", "yesterday"), "modified", None),
        (meta("og:site_name", "The Harbour"), "site_name", "The Harbour"),
        (ld('{"publisher":{"name":"Press"}}'), "site_name", "Press"),
        (meta("og:image", "/a.png"), "image", "https://example.org/a.png"),
        (ld('{"image":{"url":"/b.png"}}'), "image", "https://example.org/b.png"),
        (ld('{"@type":"Product"}'), "type", "Product"),
        ("<meta name=keywords content='sea, ice,sea'>", "keywords", ["sea", "ice"]),
        (meta("article:section", "Local"), "section", "Local"),
        (
            ld('{"@type":"BreadcrumbList","itemListElement":[{"name":"Home","item":"/"},{"item":{"@id":"/n","name":"News"}}]}'),
            "breadcrumbs",
            [{"name": "Home", "url": "https://example.org/"}, {"name": "News", "url": "https://example.org/n"}],
        ),
        (
            "<link rel=alternate type=application/rss+xml href=/feed title=Feed>",
            "feeds",
            [{"url": "https://example.org/feed", "title": "Feed"}],
        ),
        ("<link rel=alternate hreflang=de href=/de>", "translations", {"de": "https://example.org/de"}),
        ("<a rel='license nofollow' href=/cc>CC</a>", "licence", "https://example.org/cc"),
    ],
)  # fmt: skip
def test_a_statement_is_found_where_its_standard_has_it(markup: str, field: str, expected: object) -> None:
    assert read(markup)[field] == expected


def test_microdata_and_rdfa_say_the_same_as_json_ld() -> None:
    for markup in (
        '<div itemscope itemtype="https://schema.org/Article"><b itemprop=headline>H</b><div itemprop=author itemscope'
        ' itemtype="https://schema.org/Person"><i itemprop=name>Ada</i></div></div>',
        '<div vocab="https://schema.org/" typeof=Article><b property=headline>H</b><div property=author typeof=Person>'
        "<i property=name>Ada</i></div></div>",
    ):
        found = read(markup)
        assert (found["title"], found["authors"], found["type"]) == ("H", ["Ada"], "Article")


def test_a_page_that_says_nothing_has_every_field_all_the_same() -> None:
    assert read("") == {
        "title": None, "authors": [], "published": None, "modified": None, "site_name": None, "image": None,
        "type": None, "keywords": [], "section": None, "breadcrumbs": [], "feeds": [], "translations": {},
        "licence": None, "detected_language": None, "words": 0,
    }  # fmt: skip


def test_structured_data_of_all_kinds_becomes_plain_values() -> None:
    document = turbohtml.parse(
        ld('{"@type":"A","n":1e999,"s":"\\ud800"}')
        + ld("{broken}")
        + '<div itemscope itemtype="https://schema.org/Offer"><i itemprop=price>3</i></div>'
        + meta("og:title", "T")
        + '<meta name="twitter:card" content=summary><meta name=DC.title content=D>'
    )
    found = embedded.read(document)
    assert found.is_whole
    assert found.kinds["microdata"] == [{"@type": "Offer", "price": "3"}]
    assert found.kinds["opengraph"] == {"og:title": "T"}
    assert found.kinds["twitter"] == {"twitter:card": "summary"}
    assert found.kinds["dublin_core"] == {"dc.title": "D"}
    [item] = list(found.nodes())[:1]
    assert item == {"@type": "A", "n": float("inf"), "s": "?"}


@pytest.mark.parametrize(
    "json",
    ["[" * 500 + "]" * 500, "[" + "1," * 20_000 + "1]", '{"a":' * 100 + "1" + "}" * 100],
    ids=["deep", "many", "both"],
)
def test_data_without_end_is_cut_and_that_is_said(json: str) -> None:
    document = turbohtml.parse(ld(json))
    found = embedded.read(document)
    assert not found.is_whole or found.kinds == {}
    assert sum(1 for _ in found.nodes()) <= embedded.MOST_VALUES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-04", "2026-05-04"), ("2026-05-04T10:00:00Z", "2026-05-04T10:00:00+00:00"),
        ("2026-05-04 10:00", "2026-05-04T10:00:00"), ("Mon, 04 May 2026 10:00:00 +0200", "2026-05-04T10:00:00+02:00"),
        ("2026-05-04T25:00", "2026-05-04"), ("2026-02-30", ""), ("soon", ""), ("", ""), ("9" * 1000, ""),
    ],
)  # fmt: skip
def test_moments_are_read_in_the_forms_that_pages_use(text: str, expected: str) -> None:
    assert read_moment(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Der Hafen fror früh in diesem Jahr, und alle Boote blieben bis zum Frühling drin.", "de"),
        ("The harbour froze early that year, and all the boats stayed in until spring came.", "en"),
        ("Le port a gelé tôt cette année-là, et tous les bateaux sont restés jusqu'au printemps.", "fr"),
        ("その年、港は早く凍り、春が来るまで船はすべて港の中にとどまり、誰も魚を売りませんでした。", "ja"),
        ("Το λιμάνι πάγωσε νωρίς εκείνη τη χρονιά και τα καράβια έμειναν μέσα.", "el"),
        ("ok", ""), ("", ""), ("12345 67890 " * 20, ""),
    ],
)  # fmt: skip
def test_languages_are_detected_from_a_sentence_on(text: str, expected: str) -> None:
    assert language.detect(text) == expected
