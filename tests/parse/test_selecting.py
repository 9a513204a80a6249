"""Selectors are read once, with every fault told in one line, and take typed values out of a page within bounds."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest

from crawler import ConfigError, Page, check_selectors, urls
from crawler.parse import Document, parse
from crawler.parse.page import MAX_SAID_BYTES
from crawler.parse.selecting import MOST_TEXT, MOST_VALUES
from crawler.parse.selectors import read_selectors
from crawler.parse.typed import read_date, read_number
from tests.defaults import make_job, make_scope

RUNS = count()
BODY = """<html><head><base href=/shop/><title>Tea</title><script type="application/ld+json">{"@graph": [
{"@type": ["Product", "Thing"], "name": "Tea", "image": ["a.png", "b.png"], "weight": {"@value": "4,5", "@type": "g"},
"offers": [{"@type": "Offer", "price": 4.5}, {"@type": "Offer", "price": "5,50"}]}]}</script></head><body>
<h1>Green <b>tea</b><script>var x = "no text"</script></h1><p class=price>EUR 4<span>,50</span></p>
<p class=ask>ask us</p>
<time datetime="2024-05-06T10:00:00+02:00">yesterday</time><a class=next href="?p=2">next</a>
<ul><li>one<li>two</ul><script>var state = {"sku": "A1"}, other = {"sku": "B2"}</script>"""


def read(fields: dict[str, str], body: str = BODY, content_type: str = "text/html; charset=utf-8") -> Page:
    selectors = read_selectors(tuple(fields.items()))
    job = make_job(b"sixteen bytes ...", f"selecting-{next(RUNS)}".encode(), make_scope(), fields=selectors)
    return parse(Document(urls.parse("http://a.test/x"), body.encode(), content_type), job)


def values(fields: dict[str, str], *body: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(read(fields, *body).fields_json)
    return found


@pytest.mark.parametrize(
    ("selector", "value"),
    [
        ("css:h1", "Green tea"),
        ("css:h1@html", '<h1>Green <b>tea</b><script>var x = "no text"</script></h1>'),
        ("css:.price as number", 4.5),
        ("css:a.next as url", "http://a.test/shop/?p=2"),
        ("css:a.next@href", "?p=2"),
        ("css:time as date", "2024-05-06T10:00:00+02:00"),
        ("css:time@text as date", None),
        ("css:li[]", ["one", "two"]),
        ("css:.none", None),
        ("css:.none[]", []),
        ("css:body > script", 'var state = {"sku": "A1"}, other = {"sku": "B2"}'),
        ("xpath://li[2]", "two"),
        ("xpath://a/@href", "?p=2"),
        ("xpath://a@class", "next"),
        ("xpath:count(//li) as number", 2.0),
        ("xpath://p[contains(., 'ask')]", "ask us"),
        ("jsonld:Product.name", "Tea"),
        ("jsonld:Thing.image[] as url", ["http://a.test/shop/a.png", "http://a.test/shop/b.png"]),
        ("jsonld:image[1]", "b.png"),
        ("jsonld:Product.offers.price[]", [4.5, "5,50"]),
        ("jsonld:Offer.price[] as number", [4.5, 5.5]),
        ("jsonld:Product.offers[1].price as number", 5.5),
        ("jsonld:weight as number", 4.5),
        ("jsonld:Recipe.name", None),
        (r're:"sku": "(\w+)"', "A1"),
        (r're:"sku": "(\w+)"[]', ["A1", "B2"]),
        (r"re:B\d", "B2"),
    ],
)
def test_a_selector_takes_what_it_says(selector: str, value: object) -> None:
    assert values({"it": selector}) == {"it": value}


def test_fields_are_told_by_bits_which_were_found_and_which_could_not_be_read() -> None:
    page = read({"a": "css:h1", "b": "css:.none", "c": "css:.ask as number"})
    assert (page.fields_found, page.fields_unread) == (0b001, 0b100)


def test_without_a_tree_expressions_alone_find_something() -> None:
    fields = {"sku": r're:"sku": *"(\w+)"', "heading": "css:h1"}
    for content_type in ("text/plain", "application/json"):
        page = read(fields, '{"sku": "A1"}', content_type)
        assert json.loads(page.fields_json) == {"sku": "A1", "heading": None}
    assert read(fields, "GIF89a", "image/gif").fields_json == b""


def test_a_page_gives_no_more_than_its_bounds() -> None:
    body = "<b>x</b>" * (MOST_VALUES + 5) + f"<p>{'y' * (MOST_TEXT + 5)}</p>"
    page = read({"many": "css:b[]", "long": "css:p"}, body)
    found = json.loads(page.fields_json)
    assert (len(found["many"]), len(found["long"])) == (MOST_VALUES, MOST_TEXT)
    assert f"only the first {MOST_VALUES} values of the field many were taken" in page.note
    assert f"only the first {MOST_TEXT} characters of the field long were kept" in page.note
    large = "".join(f"<b>{'z' * 5000}</b>" for _ in range(MAX_SAID_BYTES // 4000))
    assert read({"many": "css:b[]"}, large).fields_json == b""


def test_an_error_on_one_page_costs_that_field_alone() -> None:
    fields = {"odd": "xpath://li[concat('x')]", "name": "css:h1"}  # it is told only where there is an `li` in a row
    check_selectors({"fine": "xpath://dd[concat('x')]"})
    with pytest.raises(ConfigError):
        check_selectors(fields)
    page = read({"odd": "xpath://dd[concat('x')]", "name": "css:h1"}, "<h1>Tea</h1><dl><dd>x</dl>")
    assert json.loads(page.fields_json) == {"odd": None, "name": "Tea"}
    assert "the field odd could not be taken: ValueError: xpath: concat()" in page.note


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        (".price", "begin it with css:, xpath:, jsonld: or re:, as in css:.price"),
        ("cs:.price", "there is no kind cs; did you mean css:?"),
        ("//p", "it looks like XPath: write xpath://p"),
        ("css://p", "it looks like XPath: write xpath://p"),
        ("css:", "nothing stands behind css:"),
        ("css:p[", "expected an identifier, at character 3, at its end"),
        ("css:p > > a", "expected a selector, at character 5, before '> a'"),
        ("css:p:frist-child", "there is no pseudo-class :frist-child; did you mean :first-child?"),
        ("css:p::text", "for ::text write @text: css:p@text"),
        ("css:a::attr(href)", "for ::attr(href) write @href: css:a@href"),
        ("css:p:contains('x')", "CSS has no :contains: write xpath://*[contains(., 'words')]"),
        ("css:p@", "behind @ stands text, html, or the name of an attribute, as in @href"),
        ("css:p as nubmer", "there is no type nubmer; did you mean number?"),
        ("xpath://p[strarts-with(., 'x')]", "XPath has no function strarts-with(); did you mean starts-with?"),
        ("xpath://p[", "expected a node test at the end of the expression"),
        ("xpath://x:p", "undefined namespace prefix"),
        ("jsonld:a..b", "'' is no step of a path: write jsonld:Product.offers.price"),
        ("re:(a", "is not a regular expression"),
        ("re:(?=a)", "holds a lookahead"),
    ],
)
def test_a_selector_that_cannot_be_read_says_why_and_what_to_write(selector: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_selectors({"good": "css:h1", "price": selector})
    assert str(refused.value).startswith(f"extract.fields: price = {selector!r}: ")
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.299,00 €", 1299.0), ("$1,299.00", 1299.0), ("4.50", 4.5), ("EUR 4,50", 4.5), ("1 299,00 kr", 1299.0),
        ("1\u202f299", 1299), ("1.299", 1299), ("0.125", 0.125), ("12", 12), ("-5 °C", -5), ("\u22125", -5),
        ("-$5.20", -5.2), ("SKU-5", 5), ("1'299.95 CHF", 1299.95), ("1,23,456.00", 123456.0), (".99", 0.99),
        ("1.234.567", 1234567), ("12.05.2026", None), ("none", None), ("", None), ("9" * 50, None),
        ("\u0663\u066b\u0665", 3.5), ("123456789012345678901", 123456789012345678901.0),
    ],
)  # fmt: skip
def test_a_number_is_read_whichever_way_it_is_written(text: str, number: float | None) -> None:
    found = read_number(text)
    assert (found, type(found)) == (number, type(number))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("12 March 2024", "2024-03-12"), ("12. März 2024", "2024-03-12"), ("03.12.2024", "2024-12-03"),
        ("03/12/2024", "2024-12-03"), ("03/25/2024", "2024-03-25"), ("2024年3月12日", "2024-03-12"),
        ("2024-03-12T10:00:00Z", "2024-03-12T10:00:00+00:00"), ("Sold out until March 12, 2097", "2097-03-12"),
        ("Mon, 04 May 2026 10:00:00 GMT", "2026-05-04T10:00:00+00:00"), ("soon", None),
    ],
)  # fmt: skip
def test_a_date_is_read_whichever_way_it_is_written(text: str, day: str | None) -> None:
    assert read_date(text) == day
