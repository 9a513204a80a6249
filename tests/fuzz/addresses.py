"""Targets that read addresses: URLs, scope, robots.txt, patterns, redirects, and what sites answered lately."""

from __future__ import annotations

import pickle

from hypothesis import strategies as st

from crawler import seeds, urls
from crawler.errors import UrlError
from crawler.model import Disposition, Lease, Outcome, Page, Request, Response, Url
from crawler.policy import politeness, redirects, scope
from crawler.policy.answers import Answer, Answers
from crawler.policy.answers.judging import MOST_KINDS
from crawler.policy.traps.novelty import Novelty
from crawler.policy.traps.shapes import Shapes
from crawler.robots import reading, rules, tdmrep
from crawler.runtime import escaping as harmless
from crawler.urls import canonical
from crawler.usage.words import MOST_TEXT
from tests.defaults import POLICY, make_policy, make_scope
from tests.fuzz.target import Target, fed, spoiled

POLICIES = (POLICY, make_policy(sort_params=True), make_policy((), strip_session_ids=False))
URLS = (
    "http://h.example/",
    "https://user:word@h.example:8443/a/../b;jsessionid=1/?b=1&utm_source=x&sid=0123456789abcdef0123456789abcdef#f",
    "http://bücher.example/ü?ü=ü", "http://xn--bcher-kva.example/", "http://[::1]:80/", "http://127.1/",
    "//h.example/x", "?a=b", "../..", "#",
    "http://h.example/(S(abcdefghijklmnopqrstuvwx))/a", "HTTP:\\\\h.example\\a", "data:,x",
    "http://h.example/a/b/a/b/a/b/2026/11/17",
)  # fmt: skip
PIECES = (
    "http://", "https:", "//", "/", "\\", "..", ".", "?", "&", "&amp;", "=", ";", "#", "@", ":", "[", "]", "%", "%41",
    "%2e", "%2F", "%ff", "%00", "^", "|",
    " ", "\t", "\n", "\0", "ü", "\u3002", "\u200d", "\u0301", "\ud800", "\U0001f600", "xn--", "jsessionid=", "utm_x=",
    "sid=", "(S(", "))", "a", "1", "0x7f", "a/b/",
    "*", "$", "+", "~", "'", '"', "<",
)  # fmt: skip
TEXT = fed(URLS, PIECES)
ROBOTS = (
    b"User-agent: *\nDisallow: /private/\nAllow: /private/a*b$\nCrawl-delay: 2\nSitemap: http://h.example/s.xml\n",
    b"\xef\xbb\xbfuser-agent: crawld\r\nuser-agent: x\r\ndisallow: /%41%ff\r\n\r\nuser-agent: *\r\ndisallow:\r\n",
)
LINES = (b"User-agent: *\n", b"User-agent: crawld\n", b"Disallow: ", b"Allow: ", b"/", b"*", b"$", b"%41", b"%", b"#",
b":", b"\n", b"\r", b"\0", b"\xff", b"index.htm", b"Crawl-delay: ", b"nan", b"9",
b"Content-Usage: ", b"Content-Signal: ", b"train-ai=n", b"ai-train=no", b",")  # fmt: skip
TDMREP = (
    b'[{"location": "/", "tdm-reservation": 1, "tdm-policy": "http://h.example/p"}]',
    b'[{"location": "/a/*.pdf$", "tdm-reservation": 0}, {"location": "b", "tdm-reservation": "1"}]',
)
ENTRIES = (b"[", b"]", b"{", b"}", b",", b":", b'"', b"/", b"*", b"$", b"1", b"0", b"null", b"\\u0000", b"\\ud800",
b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"true", b'"location"', b'"tdm-reservation"', b"1e400", b"-1")  # fmt: skip


def canonical_of(text: str) -> Url | None:
    try:
        return urls.parse(text)
    except UrlError as error:
        assert "\n" not in str(error)
        return None


def _parsed(given: tuple[str, str]) -> None:
    text, href = given
    url = canonical_of(text)
    urls.resolve_absolute(text)
    if url is None:
        return
    assert url.text.isascii() and url.text.isprintable() and len(url.text) <= urls.MAX_LENGTH
    assert "#" not in url.text and "@" not in urls.authority(url.text)
    assert urls.parse(url.text) == url
    for policy in POLICIES:
        folded = urls.fold_url(url, policy)
        assert urls.fold_url(folded, policy) == folded
        resolved = urls.make_resolver(url.text, policy)(href)
        try:
            assert urls.parse(href, url, policy).text == resolved
            assert urls.explain(href, url, policy)[0].text == resolved
        except UrlError:
            assert resolved == ""
        canonical.describe_folding(url.text, policy)
    urls.is_too_long(href, url.text)
    based = urls.resolve_base(url.text, href)
    assert 0 < len(based) <= urls.MAX_LENGTH
    host = urls.host(url)
    assert host in urls.host_port(url) and (
        host.endswith(urls.registered_domain_of_host(host)) or urls.is_address(host)
    )
    harmless.escape_text(text)


def _seed(text: str) -> None:
    try:
        url = seeds.parse(text)
    except UrlError:
        return
    assert seeds.parse(url.text) == url and urls.parse(url.text) == url


def _scoped(given: tuple[str, str, str]) -> None:
    page, link, root = ((canonical_of(text) or Url("http://h.example/a/a/a/a/")) for text in given)
    for reach in ("page", "prefix", "host", "domain", "any"):
        rules_ = make_scope(reach, max_depth=3, include=("*a*",), exclude=("*.pdf", "/x*"))
        request = Request(link, via=page, depth=1, root=root)
        said = rules_.reject(request)
        assert rules_.explain(request).reason == said
        assert pickle.loads(pickle.dumps(rules_)) == rules_
        scope.places(root, reach, page)
        scope.place(link.text, reach)
        scope.is_moved(link, root)


def _reserved(given: tuple[bytes, str]) -> None:
    body, text = given
    lines = tdmrep.read_reservations(body)
    assert pickle.loads(pickle.dumps(lines)) == lines
    for one in rules.find_statements(
        lines, (canonical_of(f"http://h.example/{text}") or Url("http://h.example/")).path
    ):
        assert one.where.startswith("tdmrep.json entry ") and len(one.signal) <= MOST_TEXT


def _robots(given: tuple[bytes, str]) -> None:
    body, text = given
    found = reading.parse(body, "crawld")
    assert pickle.loads(pickle.dumps(found)) == found
    url = canonical_of(f"http://h.example/{text}") or Url("http://h.example/")
    verdict = found.verdict(url)
    assert verdict.allowed == found.allows(url) and verdict.rule.isascii()
    assert found.allows(Url("http://h.example/robots.txt"))
    assert all(one.where.startswith("robots.txt line ") for one in found.statements(url))
    escaped = rules.escape_path(text)
    assert rules.escape_path(escaped) == escaped and rules.unescape_octets(escaped) is not None
    pattern = rules.escape_pattern(text.encode("utf-8", "replace"))
    assert rules.escape_pattern(pattern.encode()) == pattern and pattern.isascii()
    assert set(reading.product_token(text)) <= set("abcdefghijklmnopqrstuvwxyz_-")


def _redirected(given: list[bytes]) -> None:
    response = Response(Url("http://h.example/"), 302, tuple((b"Location", value) for value in given))
    if redirects.is_redirect(response):
        try:
            urls.parse(redirects.location(response), response.url)
        except UrlError:
            pass


def _dated(text: str) -> None:
    waited = politeness.retry_after_s(text, 1.7e9)
    assert waited is None or 0 <= waited < 1e15


def _patterns(texts: list[str]) -> None:
    shapes, known, paths = Shapes(), list(filter(None, map(canonical_of, texts))), redirects.Paths()
    novelty, answers = Novelty("park"), Answers()
    for row, url in enumerate(known):
        name = shapes.pattern(url.text)
        assert name.isascii()
        shapes.relearn(name)
        target = known[row - 1]
        paths.keep(url, row, target)
        paths.way(target, url)
        page = Page(bytes([row % 3]) * 32, gist=row % 2, kind="html", numbers=row, end=(row, row % 2))
        novelty.fold(Outcome(Lease(Request(url, via=target, depth=1), row), Disposition.FETCHED, page=page))
        stored = novelty.take_changed()
        assert len(Novelty("park", stored=stored)) >= 0 and novelty.traps is not None
        answers.judge(Answer(row, url, row % 3, row % 2, row % 5, began=row, ended=row + 1, judged=row + 1))
        answers.block(Answer(row, url, row, row, began=row, ended=row + 1, judged=row + 1), "x", is_weak=bool(row % 2))
        answers.bar(Request(url))
    assert len(answers) <= MOST_KINDS


TARGETS = [
    Target("a URL", st.tuples(TEXT, TEXT), _parsed),
    Target("a seed", TEXT, _seed),
    Target("scope", st.tuples(TEXT, TEXT, TEXT), _scoped),
    Target("a tdmrep.json", st.tuples(fed(TDMREP, ENTRIES), TEXT), _reserved),
    Target("robots.txt", st.tuples(fed(ROBOTS, LINES), TEXT), _robots),
    Target(
        "a redirect",
        st.lists(fed((b"/x", b"http://h.example/\xfc"), (b"http://", b"\xff", b"\0", b"//", b"[")), max_size=3),
        _redirected,
    ),
    Target(
        "Retry-After",
        fed(
            ("120", "Mon, 30 Nov 2026 01:18:00 GMT", "Monday, 30-Nov-26 01:18:00 GMT", "Mon Nov 30 01:18:00 2026"),
            ("9" * 400, "-", "+", ":", " ", "(", "٣", "Feb", "0"),
        ),
        _dated,
    ),
    Target("many URLs, one after another", st.lists(spoiled(URLS, PIECES), max_size=60), _patterns),
]
