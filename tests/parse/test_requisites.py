"""What a page needs to be shown: every place in HTML, in style sheets and in header fields that names it."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from itertools import count

import pytest

from crawler.model import LeftOut, Url
from crawler.parse import Document, ParseJob, parse
from crawler.parse.page import MOST_STEPS
from crawler.parse.styles import find_urls
from tests.defaults import make_job, make_scope

RUNS = count()
PAGE = Url("http://h/dir/page")


def job(**given: object) -> ParseJob:
    scope = make_scope("host", exclude=("*/secret/*",))
    return make_job(b"k" * 16, f"needs-{next(RUNS)}".encode(), scope, **{"most_requisites": 50, **given})


def needs(html: str, **given: object) -> list[str]:
    page = parse(Document(PAGE, html.encode(), "text/html", **given), job())  # type: ignore[arg-type]
    return page.requisites.split()


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        ("<img src=a><img srcset='b 1x, c 2x'>", "abc"),
        ("<picture><source srcset=a><img src=b></picture>", "ab"),
        ("<link rel='alternate stylesheet' href=a><link rel='shortcut icon' href=b><link rel=next href=no>", "ab"),
        ("<link rel=apple-touch-icon href=a><link rel=mask-icon href=b><link rel=manifest href=c>", "abc"),
        ("<link rel=preload as=image imagesrcset='a 1x, b 2x'><link rel=modulepreload href=c>", "abc"),
        ("<script src=a></script><script>url(no)</script>", "a"),
        ("<style>@import 'a'; b{c:url(b)}</style><p style='x:url(&quot;c&quot;)'>", "abc"),
        ("<video src=a poster=b><source src=c><track src=d></video><audio src=e></audio>", "abcde"),
        ("<iframe src=a></iframe><object data=b></object><embed src=c>", "abc"),
        ("<img data-src=a data-srcset='b 1x, c 2x'><video data-src=d></video><div data-src=no>", "abcd"),
        ("<iframe src=no srcdoc='<img src=a><iframe srcdoc=&quot;<img src=b>&quot;></iframe>'></iframe>", "ab"),
        ("<iframe srcdoc='<base href=http://else/><img src=no>'></iframe><img src=a>", "a"),
        ("<frameset><frame src=a><frame src=b></frameset>", "ab"),
        ("<body background=a><table background=b><tr background=c><td background=d>", "abcd"),
        ("<input type=image src=a><input src=no>", "a"),
        ("<svg><image href=a /><use xlink:href='b#x' /><use href='#no' /><feImage href=c /></svg>", "abc"),
        ("<noscript><img src=a></noscript><template><img src=no></template>", "a"),
        ("<img src='data:image/gif;base64,xx'><img src=''><img src='#'><img src=page><a href=no>", ""),
        ("<base href=http://h/dir/x/><img src=../a>", "a"),
        ("<meta name=robots content=nofollow><img src=a>", "a"),
    ],
)
def test_every_place_of_a_page_that_names_what_it_needs(html: str, wanted: str) -> None:
    assert needs(html) == [f"http://h/dir/{name}" for name in wanted]


@pytest.mark.parametrize(
    ("style", "wanted"),
    [
        ("a{b:url(x.png)}", ["x.png"]),
        ("a{b:URL( 'x y.png' ), url(\"z\")}", ["x y.png", "z"]),
        ("@import url(a.css) screen; @import 'b.css';@import/* c */\"c.css\"", ["a.css", "b.css", "c.css"]),
        ("@font-face{src:local(no),url(f.woff2)format('woff2'),url(f.woff)}", ["f.woff2", "f.woff"]),
        ("a{b:image-set('x' 1x, url(y) 2x, 'z' type('image/no'))}", ["x", "y", "z"]),
        ("a{b:-webkit-image-set(url(x) 1x)}", ["x"]),
        ('/* url(no) */ a{content:\'url(no)\'; b:"\\" url(no)"}', []),
        ("@namespace url(http://no/); @-moz-document url(http://no/){a{b:url(x)}}", ["x"]),
        ("a{b:url(#no); c:url(data:image/png;base64,no); d:url(); e:xurl(no)}", []),
        ("a{b:u\\72l(x\\20y); c:\\55 RL(z)}", ["x y", "z"]),
        ("a{b:url(bad url) ; c:url(x)}", ["x"]),
        ("a{b:src('x'); c:src(no)}", ["x"]),
        ("a{b:url(x", ["x"]),
        ("a{b:url('x", ["x"]),
        ("a{b:'open\n;c:url(x)}", ["x"]),
    ],
)
def test_what_a_style_sheet_names(style: str, wanted: list[str]) -> None:
    assert list(find_urls(style)) == wanted


def test_a_style_sheet_is_read_in_its_charset_and_relative_to_itself() -> None:
    body = '@charset "iso-8859-1"; a{b:url(gr\u00fcn.png)}'.encode("latin-1")
    page = parse(Document(PAGE, body, "text/css"), job())
    assert page.requisites.split() == ["http://h/dir/gr%C3%BCn.png"]
    assert page.kind == "other"


@pytest.mark.parametrize(
    ("content_type", "body", "wanted"),
    [
        ("application/manifest+json; charset=utf-8", '{"icons":[{"src":"/a.png"},{"src":""},{"x":1},2]}', ["/a.png"]),
        ("application/manifest+json", '{"icons":{"src":"/no"}}', []),
        ("application/manifest+json", "{no", []),
        ("application/json", '{"icons":[{"src":"/no"}]}', []),
        ("image/svg+xml", '<?xml version="1.0"?><svg xmlns="x"><image href="/a.png"/><use href="/b.svg#c"/></svg>',
         ["/a.png", "/b.svg"]),
        ("image/svg+xml", "<svg><style>a{b:url(/c.woff2)}</style><a href='/no'/></svg>", ["/c.woff2"]),
    ],
)  # fmt: skip
def test_files_that_are_no_pages_may_need_others(content_type: str, body: str, wanted: list[str]) -> None:
    page = parse(Document(PAGE, body.encode(), content_type), job())
    assert page.requisites.split() == [f"http://h{path}" for path in wanted]
    assert len(page.news) == 0


def test_documents_in_documents_end() -> None:
    html = "<img src=a>"
    for _ in range(6):
        html = f'<iframe srcdoc="{escape(html)}"></iframe><img src=b>'
    assert needs(html) == ["http://h/dir/b"]


def test_link_fields_name_what_a_page_needs() -> None:
    assert needs("", links=("<a>; rel=stylesheet, <b>; rel=preload; as=font, <no>; rel=next",)) == [
        "http://h/dir/a", "http://h/dir/b"
    ]  # fmt: skip


def test_exclude_keeps_requisites_out_and_reach_does_not() -> None:
    page = parse(Document(PAGE, b"<img src=http://else/a><img src=/secret/b>", "text/html"), job())
    assert page.requisites.split() == ["http://else/a"]
    assert page.left_out & LeftOut.PATTERNS


def test_a_page_gets_only_so_many_and_says_so() -> None:
    html = "".join(f"<img src={n}>" for n in range(5)).encode()
    page = parse(Document(PAGE, html, "text/html"), job(most_requisites=3))
    assert len(page.requisites) == 3
    assert page.left_out & LeftOut.REQUISITES
    assert page.note == "only the first 3 of 5 requisites are fetched"


def test_requisites_of_requisites_end_after_so_many_steps() -> None:
    document = Document(PAGE, b"<img src=a>", "text/html", requisite=MOST_STEPS - 1)
    assert len(parse(document, job()).requisites) == 1
    page = parse(replace(document, requisite=MOST_STEPS), job())
    assert (len(page.requisites), page.left_out & LeftOut.REQUISITES) == (0, LeftOut.REQUISITES)
    assert page.note == f"its requisites lie more than {MOST_STEPS} steps from a page"


def test_no_link_of_a_requisite_is_news() -> None:
    document = Document(PAGE, b"<a href=/a>a</a><a href=http://else/>b</a><img src=c>", "text/html", requisite=1)
    page = parse(document, job(extra_hops=3))
    assert (len(page.news), len(page.beyond), page.requisites.split()) == (0, 0, ["http://h/dir/c"])
    assert page.n_links == 2


def test_without_requisites_nothing_is_looked_for_and_the_page_may_have_some() -> None:
    page = parse(Document(PAGE, b"<img src=a>", "text/html"), job(most_requisites=0))
    assert (len(page.requisites), page.n_requisites) == (0, 0)
    assert page.left_out & LeftOut.REQUISITES


def test_a_page_that_is_scanned_has_the_ordinary_ones_and_says_what_is_missing() -> None:
    html = b"<link rel=stylesheet href=a><img src=b srcset='no 2x'><script src=c></script>"
    page = parse(Document(PAGE, html, "text/html", is_suspect=True), job())
    assert page.requisites.split() == ["http://h/dir/a", "http://h/dir/b", "http://h/dir/c"]
    assert "srcset" in page.note
    assert page.left_out & LeftOut.REQUISITES
