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


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<title>Ice - The Harbour</title>" + meta("og:site_name", "The Harbour"), "Ice"),
        ("<title>Ice | Boats | A Blog of Mine</title>", "A Blog of Mine"),
        ("<title>The boats of winter | My Blog</title>", "The boats of winter"),
        ("<title>Ice on the sea » example.org</title>", "Ice on the sea"),
        ("<h1>My Blog</h1><h2>Ice</h2><title>Ice on the sea - My Blog</title>", "Ice on the sea"),
        ("<h1>Example.org</h1><title>Ice</title>", "Ice"),
        ("<h1><i>On the sea</i> The boats stay in</h1>" + meta("og:title", "The boats stay in"), "The boats stay in"),
        ("<h1>The boats stay in<small>today</small></h1>" + meta("og:title", "The boats stay in"), "The boats stay in"),
        ("<h1>The boats stay in</h1>" + meta("og:title", "The boats"), "The boats stay in"),
        ("<h1>Boats</h1><h1>Ice on all the sea</h1><title>Ice on all the sea: A</title>", "Ice on all the sea"),
        ("<h1><style>.a{color:red}</style>Ice</h1>", "Ice"),
        ("<title>Mostly: ice - and boats</title>", "Mostly: ice - and boats"),
    ],
)  # fmt: skip
def test_a_title_is_what_readers_see_without_the_name_of_its_site(markup: str, expected: str) -> None:
    assert read(markup)["title"] == expected


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        (meta("author", "By Ada Lovelace and Bo Ek"), ["Ada Lovelace", "Bo Ek"]),
        (meta("author", "Ada Lovelace, Bo Ek"), ["Ada Lovelace", "Bo Ek"]),
        (meta("author", "Lovelace, Ada"), ["Lovelace, Ada"]),
        (meta("author", "Ada Lovelace, PhD"), ["Ada Lovelace"]),
        (meta("author", "Redacci&amp;oacute;n ada@example.org"), ["Redacción"]),
        (meta("author", "null"), []),
        (ld('{"author":[{"@type":"Organization","name":"Press"},{"@type":"Person","name":"Ada"}]}'), ["Ada"]),
        (ld('{"author":{"@type":"Organization","name":"Press"}}'), ["Press"]),
        (ld('{"author":{"name":"Ada"},"comment":{"@type":"Comment","author":{"name":"Bo"}}}'), ["Ada"]),
        (ld('{"author":{"name":"Example.org"}}') + "<p class=byline>By Ada Lovelace", ["Ada Lovelace"]),
        ("<span class='author vcard'><a class='url fn n' href=/ada>Ada</a></span>", ["Ada"]),
        ("<p class=byline>By <a href=/a>Ada Lovelace</a> and <a href=/b>Bo Ek</a>", ["Ada Lovelace", "Bo Ek"]),
        ("<p class=byline><a href=/a>Ada Lovelace</a>, 4 May 2026, 10:00", ["Ada Lovelace"]),
        ("<article><h1>T</h1><p><em>Von Ada Lovelace</em><p>Text", ["Ada Lovelace"]),
        ("<article><h1>T</h1><p>By and large, the boats stayed in", []),
        ("<article><h1>T</h1></article><div class=comments><b class=fn>Bo</b><a rel=author>Bo</a></div>", []),
        ("<div class=sidebar-left><h1>T</h1><a rel=author href=/ada>Ada</a></div>", ["Ada"]),
        ("<a rel=author href=/a>Ada</a><a rel=author href=/a>Show all posts by Ada</a>", ["Ada"]),
    ],
)  # fmt: skip
def test_authors_are_people_whom_the_page_names_as_its_own(markup: str, expected: list[str]) -> None:
    assert read(markup)["authors"] == expected


def test_a_date_in_a_place_of_its_own_comes_before_others_in_the_text() -> None:
    markup = (
        "<p>Since 3 March 2001.<div class=comment><i class=date>1 May 2026</i></div><span class=post-date>4 May 2026"
    )
    assert read(markup)["published"] == "2026-05-04"


def test_json_ld_with_comments_and_line_ends_is_read_all_the_same() -> None:
    broken = '<!-- x -->\n/* y */{"@type": "A", // z\n "url": "http://a/" /* no */, "text": "one\n// two",\n}'
    [item] = list(embedded.read(turbohtml.parse(ld(broken))).nodes())
    assert item == {"@type": "A", "url": "http://a/", "text": "one // two"}
    assert embedded.read(turbohtml.parse(ld("{1}"))).kinds == {}


def test_microdata_is_read_as_pages_use_it() -> None:
    markup = (
        "<div id=more><i itemprop=c>3</i></div><div itemscope itemtype='https://schema.org/Offer' itemref='more gone' "
        "itemid=/o><span itemprop=price content=13.00>$13</span><a itemprop='url sameAs' href=../x>x</a>"
        "<time itemprop=d datetime=2026-05-04>May</time><p itemprop=name>A<script>b</script></p>"
        "<div itemprop=seller itemscope id=s itemref=s></div></div>"
    )
    assert embedded.read(turbohtml.parse(markup), BASE).kinds["microdata"] == [
        {
            "@type": "Offer", "@id": "https://example.org/o", "c": "3", "price": "13.00", "url": "https://example.org/x",
            "sameAs": "https://example.org/x", "d": "2026-05-04", "name": "A", "seller": {},
        }
    ]  # fmt: skip


def test_items_that_refer_to_each_other_come_to_an_end() -> None:
    markup = "".join(
        f"<div itemscope id=a{n} itemref='a{n + 1} a{n + 2}'><b itemprop=x>y</b></div>" for n in range(3000)
    )
    found = embedded.read(turbohtml.parse(markup + "<div itemscope itemprop=p id=b itemref=b></div>"))
    assert not found.is_whole


def test_open_graph_has_the_names_of_its_kinds_of_objects() -> None:
    markup = meta("og:title", "T") + meta("article:tag", "a") + meta("article:tag", "b") + meta("other:x", "y")
    assert embedded.read(turbohtml.parse(markup)).kinds["opengraph"] == {"og:title": "T", "article:tag": ["a", "b"]}


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
