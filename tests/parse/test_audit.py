"""The facts that a site's owner wants to know of a page, as its record has them."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any
from zlib import crc32

import pytest

from crawler import urls
from crawler.parse import Document, parse, structured
from crawler.parse.audit import MOST_CHARS, MOST_LINKS
from tests.defaults import FOLLOWED, make_job, make_scope

URL = urls.parse("https://site.test/a/")


def facts(html: str, **given: Any) -> dict[str, Any]:
    headers = given.pop("headers", ())
    job = make_job(b"key", b"run", make_scope("any"), wants_audit=True, **given)
    page = parse(Document(URL, html.encode(), "text/html; charset=utf-8", headers=headers), job)
    found: dict[str, Any] = json.loads(page.audit_json) if page.audit_json else {}
    return found


def places(packed: str) -> set[int]:
    raw = b64decode(packed)
    return {int.from_bytes(raw[at : at + 4], "little") for at in range(0, len(raw), 4)}


def test_links_come_with_kind_text_and_fragment_and_equal_ones_once() -> None:
    html = """<a href=b>To  <b>B</b></a><a href="b#c">C</a><a href=b>To B</a>
    <a href=/i><img src=i.png alt="a picture"></a>
    <a href="mailto:x@site.test">mail</a><a href=/x title="the x"></a><iframe src=frame></iframe>"""
    assert facts(html)["links"] == [
        ["https://site.test/a/b", "anchors", "To B"],
        ["https://site.test/a/b", "anchors", "C", "c"],
        ["https://site.test/i", "anchors", "a picture"],
        ["https://site.test/x", "anchors", "the x"],
        ["https://site.test/a/frame", "frames"],
    ]


def test_images_are_links_only_where_they_are_fetched() -> None:
    html = "<img src=i.png alt=Logo><script src=s.js></script><link rel=stylesheet href=s.css>"
    assert "links" not in facts(html)
    kinds = {kind for _, kind, *_ in facts(html, most_requisites=10)["links"]}
    assert kinds == {"images", "scripts", "styles"}
    assert [one[1:] for one in facts(html, follow=FOLLOWED | {"images"})["links"]] == [["images", "Logo"]]


def test_places_are_ids_and_names_of_anchors() -> None:
    html = "<p id=one><a name='zwei ü'>x</a><input name=no>"
    assert places(facts(html)["ids"]) == {crc32(b"one"), crc32("zwei ü".encode())}


def test_a_head_tells_headings_canonicals_and_translations() -> None:
    html = """<title>a</title><link rel=canonical href=x><link rel=canonical href=y>
    <link rel=alternate hreflang=de href=/de><link rel=alternate hreflang=x-default href=/>
    <h1>First  one</h1><h1>Second</h1>"""
    found = facts(html)
    assert found["canonicals"] == ["https://site.test/a/x", "https://site.test/a/y"]
    assert found["hreflang"] == [["de", "https://site.test/de"], ["x-default", "https://site.test/"]]
    assert found["h1"] == ["First one", "Second"]


def test_mixed_content_is_what_a_page_on_https_loads_by_http() -> None:
    html = """<img src=http://site.test/i.png alt=""><script src=//site.test/s.js></script><a href=http://site.test/>x</a>
    <link rel=stylesheet href=HTTP://site.test/s.css><link rel=author href=http://site.test/me>
    <form action=http://site.test/send></form>"""
    assert sorted(facts(html)["mixed"]) == [
        ["form", "http://site.test/send"], ["img", "http://site.test/i.png"], ["link", "http://site.test/s.css"]
    ]  # fmt: skip


def test_images_without_alternative_text_are_counted_and_an_empty_one_is_fine() -> None:
    found = facts("<img src=a.png><img src=b.png alt=''><img src=c.png role=presentation><img src=d.png>")
    assert (found["images"], found["n_no_alt"]) == (4, 2)
    assert found["no_alt"] == ["https://site.test/a/a.png", "https://site.test/a/d.png"]


def test_security_headers_are_those_of_the_answer() -> None:
    headers = ((b"Strict-Transport-Security", b"max-age=1"), (b"Server", b"x"))
    assert facts("x", headers=headers)["security"] == {"strict-transport-security": "max-age=1"}


def test_structured_data_is_checked_for_json_and_for_required_fields() -> None:
    html = """<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [
      {"@type": "Product", "name": "Lamp", "offers": {"@type": "Offer", "priceCurrency": "EUR"}},
      {"@type": "Person", "name": "N"}, {"@type": "Product", "@id": "#lamp"}]}</script>
    <script type=application/ld+json>{"@type": "Product",}</script><script>var x = {</script>"""
    found = facts(html)
    assert found["structured"] == [["Product", []], ["Offer", ["price|priceSpecification"]], ["Person", []]]
    assert len(found["structured_errors"]) == 1


@pytest.mark.parametrize("kind", sorted(structured.REQUIRED))
def test_an_item_of_each_type_lacks_its_fields_until_it_has_them(kind: str) -> None:
    item: dict[str, Any] = {"@context": "https://schema.org", "@type": kind, "sku": "1"}
    [[_, missing]], _ = structured.check([json.dumps(item)])
    assert missing == list(structured.REQUIRED[kind])
    item |= {name: "x" for field in missing for name in field.split("|")[:1]}
    assert structured.check([json.dumps(item)]) == ([[kind, []]], [])


@pytest.mark.parametrize("block", ["[" * 5000, '{"a":' * 5000, "NaN", "\ud800", '"schema.org"', "[[[]]]"])
def test_odd_structured_data_is_an_error_or_nothing(block: str) -> None:
    items, errors = structured.check([block])
    assert items == []
    assert len(errors) <= 1


def test_a_page_of_many_links_is_cut_and_says_so() -> None:
    found = facts("".join(f"<a href=/{i}>x</a>" for i in range(MOST_LINKS + 5)) + "<i id=x>")
    assert len(found["links"]) == MOST_LINKS
    assert found["cut"] == ["links"]
    long = facts("".join(f"<a href=/{i}{'y' * 1000}>x</a>" for i in range(500)))
    assert len(json.dumps(long["links"])) < MOST_CHARS + 5000
    assert long["cut"] == ["links"]


def test_links_within_links_are_not_read_over_and_over() -> None:
    html = "<a href=x><table><tr><td>" * 2000 + "word"
    texts = [len(one[2]) if len(one) > 2 else 0 for one in facts(html)["links"]]
    assert len(texts) <= 2


def test_pages_of_others_and_what_pages_need_have_no_facts() -> None:
    job = make_job(b"key", b"run", make_scope("any"), wants_audit=True)
    for other in ({"extra_hop": 1}, {"requisite": 1}):
        document = Document(URL, b"<a href=x>y</a>", "text/html", **other)  # type: ignore[arg-type]
        assert parse(document, job).audit_json == b""
    assert (
        parse(Document(URL, b"<a href=x>y</a>", "text/html"), make_job(b"k", b"r", make_scope("any"))).audit_json == b""
    )
