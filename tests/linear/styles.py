"""What pages need to be shown: style sheets, documents that name images and frames."""

from __future__ import annotations

from collections.abc import Callable

import turbohtml

from crawler.model import Request
from crawler.parse import (
    Document,
    audit,
    microsyntax,
    news,
    outline,
    parse,
    requisites,
    rewriting,
    source,
    structured,
    styles,
)
from tests.defaults import make_scope
from tests.linear.addresses import CANONICAL, LONGEST
from tests.linear.markup import HREFS, PLACES, TAGS, TEXT, VARIED
from tests.linear.measure import Row, made, raw, runs
from tests.linear.pages import LONG, URL, job

STYLES = {
    **TEXT,
    **runs(
        "url(", "url('", 'url("', "url(x)", "url(x) ", "url(\\", "url(  ", "u\\72l(", "\\61", "\\", "a\\b-", "src('x')"
    ),
    **runs("@import ", "@import/*", "@import 'x';", "@import url(x);", "@namespace ", "@-moz-document x{", "@"),
    **runs("image-set(", "image-set((", "image-set('x'", "image-set(a/", "image-set('", "image-set(url(x) 1x)"),
    **runs("/*", "/**", "*/", "/*/", "'", "'\\\n", '"\\', "{", "a{", "([{", ")", "a{b:url(c)}"),
    **runs("'x' 1x,", "x(", "(", "/*", "\\", head="image-set("),
}
SHOWN = runs(
    "<img src=x>", "<img srcset='a 1x,b 2x'>", "<i style='a:url(x)'>", "<style>a{b:url(c)}</style>", "<object data=x>",
    "<link rel='x icon' href=y>", "<svg><use href=x>", "<iframe src=#>", "<td background=x>",
    "<iframe srcdoc='<img src=x>'>", "<iframe srcdoc='", "<img data-srcset='a 1x,b 2x'>",
)  # fmt: skip
MANIFESTS = {
    **runs('{"src":"a"},', '{"src":"a"', "{", "[", head='{"icons":[', tail="{}]}"),
    **runs("a", "\\u0041", head='{"icons":[{"src":"', tail='"}]}'),
}


SETS = {
    **TEXT,
    **runs("a 1x,", "a,", ",", "a (", "(", ")", "a ()", "a 1w 1h,"),
    **runs("9", "1x ", "(", ")(", head="a ", tail="x"),
}
REFRESHES = {**TEXT, **runs("0", ".", ";", "url=", "'"), **runs(" ", "'", '"', "url", head="0;url=")}


FACTS = runs(
    "<a href=x>", "<a href=#x>x</a>", "<a href=x><img src=y alt=z></a>", "<a href=x><table><tr><td>", "<h1>",
    "<h1>x</h1>", "<p id=x>", "<a name=x>", "<img src=http://x.example/>", "<form action=http://x.example/>",
    "<link rel=alternate hreflang=de href=x>", "<script type=application/ld+json>{}</script>", "<title>x</title>",
    "<svg><a href=x>", "<a href=x><svg><a href=y><foreignObject>",
)  # fmt: skip
DATA = {
    **runs("[", "{", '{"a":', "1,", " ", '"', "\\u0041"),
    **runs('{"@type":"Product"},', '{"@type":["Product","Offer"]},', head='["schema.org",', tail="0]"),
    **runs('"Product",', head='["schema.org",{"@type":[', tail='""]}]'),
    **runs('[{"@type":"Review","a":', head='["schema.org",'),
}


def _needed(hrefs: list[str]) -> object:
    memory, asked = news.Memory(), job(most_requisites=1 << 30)
    found, _ = memory.requisites(memory.resolve(hrefs, URL.text).texts, Document(LONG, b""), asked)
    memory.mark(news.News([], requisites=found), 1)
    return found


def _audited(body: bytes) -> object:
    """The facts of a page, and what a record has of them."""
    asked, memory = job(most_requisites=2000, wants_audit=True), news.Memory()
    facts = audit.collect(turbohtml.parse(body), "utf-8", len(body), asked)
    return audit.encode(facts, Document(URL, b""), lambda hrefs: memory.targets(hrefs, URL.text))


def _parsed(content_type: str) -> Callable[[bytes], object]:
    def read(body: bytes) -> object:
        return parse(Document(URL, body, content_type), job(max_body_bytes=1 << 28, most_requisites=2000))

    return read


def _place(url: str) -> str:
    return f"../{url[-8:]}"


ROWS = [
    Row("parse.styles.find_urls", lambda text: [*styles.find_urls(text)], STYLES),
    Row("parse.styles.replace_urls", lambda text: styles.replace_urls(text, _place), STYLES),
    Row("parse.microsyntax.replace_in_srcset", lambda text: microsyntax.replace_in_srcset(text, _place), SETS),
    Row("parse.microsyntax.replace_in_refresh", lambda text: microsyntax.replace_in_refresh(text, _place), REFRESHES),
    Row(
        "parse.rewriting.rewrite_html",
        lambda body: rewriting.rewrite_html(body, "text/html", "http://a.test/", _place),
        raw({**SHOWN, **TAGS, **VARIED}),
    ),
    Row(
        "parse.source.render_seen",
        lambda body: source.render_seen(Document(URL, body), 1 << 30, 1 << 30, True),
        raw({**SHOWN, **TAGS, **VARIED, **runs("<a onclick=x href=javascript:x>", "<p on on1 on2>")}),
    ),
    Row(
        "parse.outline.read_outline",
        lambda body: outline.read_outline(Document(URL, body), job(max_body_bytes=1 << 28)),
        raw({**TAGS, **VARIED, **runs("<h1>", "<h6>x</h6>", "<link rel=alternate hreflang=de href=x>")}),
    ),
    Row("parse.source.read_source", lambda body: source.read_source(Document(URL, body), "", 1 << 30), raw(TEXT)),
    Row(
        "parse.rewriting.rewrite_css",
        lambda body: rewriting.rewrite_css(body, "text/css", "http://a.test/", _place),
        raw(STYLES),
    ),
    Row(
        "parse.rewriting.is_xhtml",
        lambda body: rewriting.is_xhtml(body, "application/xhtml+xml"),
        raw({**TAGS, **VARIED}),
    ),
    Row("parse.rewriting.write_as_utf8", lambda body: rewriting.write_as_utf8(body, "text/plain"), raw(TEXT)),
    Row(
        "parse.styles.decode",
        lambda body: styles.decode(body, ""),
        raw({**TEXT, **runs('@charset "', "a", '@charset "x";')}),
    ),
    Row(
        "parse.requisites.find",
        lambda body: requisites.find(turbohtml.parse(body), "utf-8"),
        raw({**SHOWN, **TAGS, **VARIED}),
    ),
    Row(
        "parse.requisites.find in a style",
        lambda text: requisites.find(turbohtml.parse(f"<style>{text}"), "utf-8"),
        STYLES,
    ),
    Row("parse.requisites.find_in_svg", requisites.find_in_svg, raw({**SHOWN, **TAGS})),
    Row("parse.requisites.find_in_manifest", requisites.find_in_manifest, raw(MANIFESTS)),
    Row("parse.audit.collect", _audited, raw({**SHOWN, **TAGS, **VARIED, **FACTS})),
    Row("parse.audit.encode", _audited, raw(FACTS)),
    Row("parse.news.Memory.targets", lambda hrefs: news.Memory().targets(hrefs, URL.text), {**HREFS, **PLACES}),
    Row("parse.structured.check", lambda text: structured.check([text]), DATA),
    Row("parse.requisites.is_needed", requisites.is_needed, made(runs("x ", "icon "), str.split)),
    Row("parse.page.parse of a style", _parsed("text/css"), raw(STYLES)),
    Row("parse.page.parse of what a page needs", _parsed("text/html"), raw(SHOWN)),
    Row("parse.news.Memory.requisites", _needed, {**HREFS, **PLACES}),
    Row("policy.scope.Scope.reaches", lambda url: make_scope("prefix").reaches(url)(url.text), CANONICAL, most=LONGEST),
    Row(
        "policy.scope.Scope.sieve_beyond",
        lambda url: make_scope("any").sieve_beyond(url)(url.text),
        CANONICAL,
        most=LONGEST,
    ),
    Row(
        "policy.scope.Scope.step_out",
        lambda url: make_scope("page").step_out(Request(url, 1, url, url, URL)),
        CANONICAL,
        most=LONGEST,
    ),
]
